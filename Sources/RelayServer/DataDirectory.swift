// SPDX-License-Identifier: Apache-2.0

import Glibc
import RelayCore
import RelayStorage

/// A hub's data directory, locked against other hubs for as long as this lives.
final class DataDirectory: Sendable {
    let path: String
    private let lock: DirectoryLock

    /// Makes the directory (0700) and those above it if they are missing.
    init(_ path: String) throws(HubError) {
        if let folder = Self.sharedFolder(around: path) {
            throw .dataDirectory(
                "cannot use data directory \(path): it lies in the shared folder \(folder), whose agent "
                    + "would upload it; choose another place with --data")
        }
        try Self.make(path)
        self.path = path
        do {
            lock = try DirectoryLock(path + "/lock")
        } catch {
            switch error {
            case .inUse: throw .inUse("cannot use data directory \(path): another hub runs on it")
            case .failed(let text): throw .dataDirectory(text)
            }
        }
    }

    var identity: String { path + "/identity" }
    var registry: String { Self.registry(in: path) }
    private static func registry(in path: String) -> String { path + "/hub.sqlite" }

    /// Whether a hub has kept its state there before.
    static func isUsed(_ path: String) -> Bool { access(registry(in: path), F_OK) == 0 }

    /// The directory of a share's files.
    func share(_ id: ShareID) -> String { share(id.description) }
    func share(_ id: String) -> String { path + "/shares/" + id }

    /// The ids of those shares, as directories have them, in which changes were made.
    func usedShares() -> [String] {
        guard let stream = opendir(path + "/shares") else { return [] }
        defer { closedir(stream) }
        var result: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            guard bytes(hexadecimal: name)?.count == 16 else { continue }
            switch try? IndexWitness.testimony(of: OpenShare.index(in: share(name))) {
            case .head(let cursor) where cursor.revision != .zero: result.append(name)
            default: break
            }
        }
        return result.sorted()
    }

    /// The shared folder in which the directory lies, or will lie when it is made.
    private static func sharedFolder(around path: String) -> String? {
        var existing = path
        var resolved = realpath(existing, nil)
        while resolved == nil, let slash = existing.lastIndex(of: "/") {
            existing = String(existing[..<slash])
            resolved = realpath(existing.isEmpty ? "/" : existing, nil)
        }
        guard let start = resolved ?? realpath(".", nil) else { return nil }
        defer { free(start) }
        var directory = String(cString: start)
        while true {
            if access(directory + "/.relay/root", F_OK) == 0 { return directory }
            guard let slash = directory.lastIndex(of: "/") else { return nil }
            directory = String(directory[..<slash])
        }
    }

    private static func make(_ path: String) throws(HubError) {
        guard !path.isEmpty else { throw .dataDirectory("cannot use a data directory without a name") }
        do {
            try StateFiles.makeDirectory(path)
        } catch {
            throw .dataDirectory("cannot use data directory \(path): \(error)")
        }
        var status = stat()
        guard stat(path, &status) == 0 else { return }
        if status.st_uid == geteuid(), status.st_mode & 0o077 != 0 { chmod(path, 0o700) }
    }
}
