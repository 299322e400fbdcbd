// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import RelayCore

/// The parameters of one request, turned into values; what is not understood is refused.
struct QueryParameters {
    enum Name: String {
        case share, path, timeout, mode, modified, force
    }

    private var values: [Name: [UInt8]] = [:]

    init(_ request: Request, allowing names: Set<Name>) throws(ControlError) {
        try self.init(query: request.uri.query, allowing: names)
    }

    init(query: String?, allowing names: Set<Name>) throws(ControlError) {
        for part in (query ?? "").split(separator: "&") {
            let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let key = pair.first, let name = Name(rawValue: String(key)), names.contains(name) else {
                throw .usage("unknown parameter: \(displayText(Array(part.utf8)))")
            }
            guard pair.count == 2, let value = percentDecoded(pair[1]) else {
                throw .usage("malformed parameter: \(name)")
            }
            guard values.updateValue(value, forKey: name) == nil else {
                throw .usage("parameter given twice: \(name)")
            }
        }
    }

    /// The share's name; nil: the only one.
    func share() throws(ControlError) -> String? { try text(.share) }

    /// A path beneath the share's root, which is required.
    func path() throws(ControlError) -> RelativePath {
        let path = try pathOrRoot()
        guard !path.isRoot else { throw .usage("the parameter path is missing") }
        return path
    }

    /// A path of the share; the root if none is given.
    func pathOrRoot() throws(ControlError) -> RelativePath {
        guard let bytes = values[.path] else { return .root }
        guard let path = RelativePath(bytes: bytes) else {
            throw .usage("not a path of a share: \(displayText(bytes))")
        }
        return path
    }

    /// How long to wait, in seconds; nil: without end.
    func timeoutSeconds() throws(ControlError) -> Double? {
        guard let text = try text(.timeout) else { return nil }
        guard let seconds = Double(text), seconds >= 0, seconds <= APIContract.limitTimeoutSeconds else {
            throw .usage("not a number of seconds: \(displayText(Array(text.utf8)))")
        }
        return seconds
    }

    /// Permission bits; 0644 if none are given.
    func mode() throws(ControlError) -> PermissionBits {
        guard let text = try text(.mode) else { return PermissionBits(0o644) }
        guard let mode = PermissionBits(octalText: text) else {
            throw .usage("not an octal mode up to 0777: \(displayText(Array(text.utf8)))")
        }
        return mode
    }

    /// A modification time; nil: the time of the upload.
    func modified() throws(ControlError) -> Timestamp? {
        guard let text = try text(.modified) else { return nil }
        guard let time = Timestamp(decimalText: text) else {
            throw .usage("not seconds since 1970: \(displayText(Array(text.utf8)))")
        }
        return time
    }

    /// Whether something is to be done in spite of what speaks against it.
    func isForced() throws(ControlError) -> Bool {
        switch try text(.force) {
        case nil, "false": return false
        case "true": return true
        case let text?: throw .usage("neither true nor false: \(displayText(Array(text.utf8)))")
        }
    }

    private func text(_ name: Name) throws(ControlError) -> String? {
        guard let bytes = values[name] else { return nil }
        guard let text = String(validating: bytes, as: UTF8.self), !text.isEmpty else {
            throw .usage("malformed parameter: \(name)")
        }
        return text
    }
}
