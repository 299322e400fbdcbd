// SPDX-License-Identifier: Apache-2.0

import Glibc
import RelayCore

/// A directory of a test's own, removed with all in it at the end.
final class TemporaryFolder {
    let path: String

    init() throws {
        // In memory if possible: these tests make many files, and none needs to last.
        let parent = access("/dev/shm", W_OK | X_OK) == 0 ? "/dev/shm" : "/tmp"
        var template = Array("\(parent)/relay-watch-test-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw TestError("mkdtemp: \(errno)") }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit { remove(Array(path.utf8)) }

    func bytes(_ relative: [UInt8]) -> [UInt8] { Array(path.utf8) + [0x2f] + relative }
    func bytes(_ relative: String) -> [UInt8] { bytes(Array(relative.utf8)) }

    func makeDirectory(_ relative: String) throws { try makeDirectory(Array(relative.utf8)) }

    func makeDirectory(_ relative: [UInt8]) throws {
        try check(withPath(bytes(relative)) { mkdir($0, 0o755) }, "mkdir")
    }

    /// With all directories above.
    func makeDirectories(_ relative: String) throws {
        var path = ""
        for part in relative.split(separator: "/") {
            path += (path.isEmpty ? "" : "/") + part
            if withPath(bytes(path), { mkdir($0, 0o755) }) != 0, errno != EEXIST {
                throw TestError("mkdir: \(errno)")
            }
        }
    }

    func write(_ relative: String, _ text: String = "text") throws {
        try write(Array(relative.utf8), text)
    }

    func write(_ relative: [UInt8], _ text: String = "text") throws {
        let file = try openForWriting(relative)
        defer { close(file) }
        try append(text, to: file)
    }

    func openForWriting(_ relative: [UInt8]) throws -> Int32 {
        let file = withPath(bytes(relative)) { open($0, O_WRONLY | O_CREAT | O_CLOEXEC, 0o644) }
        try check(file, "open")
        return file
    }

    func append(_ text: String, to file: Int32) throws {
        let bytes = Array(text.utf8)
        guard Glibc.write(file, bytes, bytes.count) == bytes.count else { throw TestError("write: \(errno)") }
    }

    func rename(_ old: String, _ new: String) throws {
        try check(withPath(bytes(old)) { old in withPath(bytes(new)) { Glibc.rename(old, $0) } }, "rename")
    }

    func link(_ old: String, _ new: String) throws {
        try check(withPath(bytes(old)) { old in withPath(bytes(new)) { Glibc.link(old, $0) } }, "link")
    }

    func symlink(_ target: String, _ new: String) throws {
        try check(withPath(bytes(new)) { Glibc.symlink(target, $0) }, "symlink")
    }

    func unlink(_ relative: String) throws {
        try check(withPath(bytes(relative)) { Glibc.unlink($0) }, "unlink")
    }

    func removeDirectory(_ relative: String) throws {
        try check(withPath(bytes(relative)) { rmdir($0) }, "rmdir")
    }

    func removeAll() { remove(Array(path.utf8)) }

    /// The paths of all directories, as they are on disk; the root is the empty path.
    func directories(beneath relative: [UInt8] = []) -> Set<[UInt8]> {
        var result: Set<[UInt8]> = [relative]
        for (name, isDirectory) in entries(relative.isEmpty ? Array(path.utf8) : bytes(relative))
        where isDirectory {
            result.formUnion(directories(beneath: relative.isEmpty ? name : relative + [0x2f] + name))
        }
        return result
    }

    private func entries(_ absolute: [UInt8]) -> [([UInt8], Bool)] {
        guard let stream = withPath(absolute, { opendir($0) }) else { return [] }
        defer { closedir(stream) }
        var result: [([UInt8], Bool)] = []
        while let entry = readdir(stream) {
            let start = UnsafeRawPointer(entry) + (MemoryLayout<dirent>.offset(of: \.d_name) ?? 19)
            let name = Array(
                UnsafeRawBufferPointer(start: start, count: strlen(start.assumingMemoryBound(to: CChar.self)))
            )
            if name != [0x2e], name != [0x2e, 0x2e] {
                result.append((name, Int(entry.pointee.d_type) == Int(DT_DIR)))
            }
        }
        return result
    }

    private func remove(_ absolute: [UInt8]) {
        for (name, isDirectory) in entries(absolute) {
            let path = absolute + [0x2f] + name
            if isDirectory { remove(path) } else { withPath(path) { _ = Glibc.unlink($0) } }
        }
        withPath(absolute) { _ = rmdir($0) }
    }

    private func check(_ result: Int32, _ call: String) throws {
        guard result >= 0 else { throw TestError("\(call): \(String(cString: strerror(errno)))") }
    }
}

struct TestError: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

func withPath<Result>(_ bytes: [UInt8], _ body: (UnsafePointer<CChar>) -> Result) -> Result {
    (bytes.map { CChar(bitPattern: $0) } + [0]).withUnsafeBufferPointer { buffer in
        guard let start = buffer.baseAddress else { preconditionFailure("the buffer is not empty") }
        return body(start)
    }
}

func path(_ text: String) -> RelativePath { path(Array(text.utf8)) }

func path(_ bytes: [UInt8]) -> RelativePath {
    guard let path = RelativePath(bytes: bytes) else { preconditionFailure("a test's paths are paths") }
    return path
}

extension [Hint] {
    /// Whether the hints lead to this path: it is named, or a directory that it lies beneath is.
    func cover(_ wanted: RelativePath) -> Bool {
        contains {
            switch $0 {
            case .entry(let path, _): path == wanted
            case .subtree(let path): wanted.isWithin(path)
            case .deleted(let path): wanted == path
            }
        }
    }

    var paths: Set<RelativePath> {
        Set(
            map {
                switch $0 {
                case .entry(let path, _), .subtree(let path), .deleted(let path): path
                }
            })
    }
}
