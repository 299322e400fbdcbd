// SPDX-License-Identifier: Apache-2.0

import Glibc
package import RelayCore

/// What lies at and beneath a path of this machine, directories before what is in them.
package enum LocalTree {
    /// One thing found on the way.
    package enum Item: Hashable, Sendable {
        /// `names` leads from the path that was walked to the thing; it is empty for that path itself.
        case file(path: [UInt8], names: [EntryName])
        case directory(path: [UInt8], names: [EntryName])
        /// Something that is not walked, and why.
        case skipped(path: [UInt8], reason: String)
    }

    /// Walks a file or a whole directory in the order of names. Links are skipped: what they point to is not
    /// what they are. Throws `notFound` if nothing is there; trouble further down is skipped with its reason.
    package static func walk(_ path: [UInt8], _ visit: (Item) async -> Void) async throws(ControlError) {
        guard let first = kind(of: path) else {
            throw errno == ENOENT || errno == ENOTDIR
                ? .notFound("no such file or directory: \(displayText(path))")
                : .failed("cannot look at \(displayText(path)): \(errnoText())")
        }
        var rest = [item(first, path, [])]
        while let item = rest.popLast() {
            await visit(item)
            guard case .directory(let path, let names) = item else { continue }
            guard let children = children(of: path) else {
                await visit(.skipped(path: path, reason: "cannot be read: \(errnoText())"))
                continue
            }
            for name in children.sorted().reversed() {
                let child = path + [0x2f] + name.bytes
                guard let kind = kind(of: child) else { continue }
                rest.append(Self.item(kind, child, names + [name]))
            }
        }
    }

    private static func item(_ mode: mode_t, _ path: [UInt8], _ names: [EntryName]) -> Item {
        switch mode {
        case S_IFREG: .file(path: path, names: names)
        case S_IFDIR: .directory(path: path, names: names)
        case S_IFLNK: .skipped(path: path, reason: "is a symbolic link")
        default: .skipped(path: path, reason: "is not a file or directory")
        }
    }

    private static func kind(of path: [UInt8]) -> mode_t? {
        var status = stat()
        return path.withCString { lstat($0, &status) } == 0 ? status.st_mode & S_IFMT : nil
    }

    private static func children(of path: [UInt8]) -> [EntryName]? {
        guard let directory = path.withCString({ opendir($0) }) else { return nil }
        defer { closedir(directory) }
        var names: [EntryName] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
            if let name = EntryName(name) { names.append(name) }
        }
        return names
    }
}

extension LocalTree {
    /// The last name of a path with links, `.` and `..` resolved; nil for the file system's root.
    package static func name(of path: [UInt8]) -> EntryName? {
        let last = path.split(separator: 0x2f).last.map(Array.init) ?? []
        if !last.isEmpty, last != [0x2e], last != [0x2e, 0x2e] { return EntryName(last) }
        guard let text = path.withCString({ realpath($0, nil) }) else { return nil }
        defer { free(text) }
        let bytes = UnsafeBufferPointer(start: text, count: strlen(text)).map(UInt8.init(bitPattern:))
        return bytes.split(separator: 0x2f).last.flatMap { EntryName($0) }
    }
}
