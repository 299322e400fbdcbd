// SPDX-License-Identifier: Apache-2.0

import RelayCore

/// The parameters of a request; those that are nil are not sent.
struct Query {
    var share: String?
    var path: RelativePath?
    var timeoutSeconds: Double?
    var mode: PermissionBits?
    var modified: Timestamp?
    var isForced = false

    /// The parameters as the end of a URL, with the question mark; empty if there are none.
    var text: String {
        var parts: [String] = []
        func add(_ name: String, _ bytes: some Sequence<UInt8>) {
            parts.append("\(name)=\(percentEncoded(bytes))")
        }
        if let share { add(APIContract.Parameter.share, share.utf8) }
        if let path, !path.isRoot { add(APIContract.Parameter.path, path.bytes) }
        if let timeoutSeconds { add(APIContract.Parameter.timeout, "\(timeoutSeconds)".utf8) }
        if let mode { add(APIContract.Parameter.mode, mode.octalText.utf8) }
        if let modified { add(APIContract.Parameter.modified, modified.decimalText.utf8) }
        if isForced { add(APIContract.Parameter.force, "true".utf8) }
        return parts.isEmpty ? "" : "?" + parts.joined(separator: "&")
    }
}
