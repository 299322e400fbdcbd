// SPDX-License-Identifier: Apache-2.0

import Glibc
import RelayFolder
import RelayStorage

/// Where a folder lies, in relation to others.
enum FolderPlace {
    /// The path, absolute and without links, `.` and `..`, as far as it exists.
    static func resolve(_ path: String) throws(AgentError) -> String {
        guard !path.isEmpty else { throw .refused("cannot use an empty path as a folder") }
        var existing = path.hasPrefix("/") ? path : try currentDirectory() + "/" + path
        var missing: [Substring] = []
        while true {
            if let resolved = realpath(existing, nil) {
                defer { free(resolved) }
                let base = String(cString: resolved)
                guard !missing.contains("..") else {
                    throw .refused("cannot use \(path) as a folder: it leads through a missing directory")
                }
                let rest = missing.reversed().filter { $0 != "." }
                guard !rest.isEmpty else { return base }
                return (base == "/" ? "" : base) + "/" + rest.joined(separator: "/")
            }
            guard errno == ENOENT, let slash = existing.lastIndex(of: "/"), existing != "/" else {
                throw .folder("cannot use \(path) as a folder: \(String(cString: strerror(errno)))")
            }
            let name = existing[existing.index(after: slash)...]
            if !name.isEmpty { missing.append(name) }
            existing = slash == existing.startIndex ? "/" : String(existing[..<slash])
        }
    }

    /// Whether nothing is at the path.
    static func isGone(_ path: String) -> Bool {
        access(path, F_OK) != 0 && (errno == ENOENT || errno == ENOTDIR)
    }

    /// Whether `path` is `other` or lies in it. Both are resolved.
    static func isWithin(_ path: String, _ other: String) -> Bool {
        path == other || path.hasPrefix(other == "/" ? "/" : other + "/")
    }

    /// Throws if the folder must not be shared where it is.
    static func check(
        _ path: String, stateDirectory: String, known: [FolderRecord]
    ) throws(AgentError) {
        let state = try resolve(stateDirectory)
        if isWithin(path, state) {
            throw .refused("cannot share \(path): it lies in the agent's state directory \(state)")
        }
        if isWithin(state, path) {
            throw .refused("cannot share \(path): the agent's state directory \(state) lies in it")
        }
        for other in known where other.path != path {
            if isWithin(path, other.path) {
                throw .refused("cannot share \(path): it lies in the shared folder \(other.path)")
            }
            if isWithin(other.path, path) {
                throw .refused("cannot share \(path): the shared folder \(other.path) lies in it")
            }
        }
        if let owner = ownerOfState(around: path) {
            throw .refused("cannot share \(path): it lies in \(owner)")
        }
        if let outer = SharedFolder.enclosingShare(of: path) {
            throw .refused("cannot share \(path): it lies in the shared folder \(outer)")
        }
    }

    /// The state directory of any agent, or the data directory of a hub, in which the path lies.
    private static func ownerOfState(around path: String) -> String? {
        var directory = path
        while true {
            if access(StateLayout(directory).registry, F_OK) == 0 {
                return "the agent's state directory \(directory)"
            }
            if access(directory + "/hub.sqlite", F_OK) == 0 { return "the hub's data directory \(directory)" }
            guard let slash = directory.lastIndex(of: "/"), directory != "/" else { return nil }
            directory = slash == directory.startIndex ? "/" : String(directory[..<slash])
        }
    }

    private static func currentDirectory() throws(AgentError) -> String {
        guard let path = getcwd(nil, 0) else {
            throw .folder("cannot find the current directory: \(String(cString: strerror(errno)))")
        }
        defer { free(path) }
        return String(cString: path)
    }
}
