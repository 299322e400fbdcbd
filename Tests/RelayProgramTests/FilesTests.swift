// SPDX-License-Identifier: Apache-2.0

import Glibc
import RelayCore
import RelayProgram
import Testing

/// A directory of its own, removed with what is in it.
private final class Place {
    let path: String

    init() throws {
        var template = Array("/tmp/relay-files-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw ControlError.failed("cannot make a directory") }
        path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    deinit { system("rm -rf '\(path)'") }

    func bytes(_ name: String) -> [UInt8] { Array("\(path)/\(name)".utf8) }

    func write(_ name: String, _ text: String) {
        let descriptor = open("\(path)/\(name)", O_CREAT | O_WRONLY | O_TRUNC, 0o640)
        _ = Array(text.utf8).withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
        close(descriptor)
    }

    func names() async throws -> [String] {
        var names: [String] = []
        try await LocalTree.walk(Array(path.utf8)) { item in
            switch item {
            case .file(_, let parts): names.append(RelativePath(parts).description)
            case .directory(_, let parts): names.append(RelativePath(parts).description + "/")
            case .skipped(let path, let reason): names.append("\(displayText(path.suffix(4))) \(reason)")
            }
        }
        return names
    }
}

@Suite struct FilesTests {
    @Test func `a tree is walked in the order of names, links are skipped`() async throws {
        let place = try Place()
        mkdir(place.path + "/b", 0o755)
        place.write("b/2", "")
        place.write("b/1", "")
        place.write("c", "")
        symlink("c", place.path + "/link")
        mkfifo(place.path + "/fifo", 0o600)
        #expect(
            try await place.names() == [
                "./", "b/", "b/1", "b/2", "c", "fifo is not a file or directory", "link is a symbolic link",
            ])
    }

    @Test func `a path has a name even if it is a dot`() throws {
        let place = try Place()
        #expect(LocalTree.name(of: place.bytes("a/")) == EntryName("a"))
        #expect(LocalTree.name(of: place.bytes(".")) == EntryName(place.path.dropFirst(5)))
        #expect(LocalTree.name(of: Array("/".utf8)) == nil)
    }

    @Test func `a file is read in portions to its end`() throws {
        let place = try Place()
        place.write("x", String(repeating: "abc", count: 200_000))
        let file = try LocalFile(path: place.bytes("x"))
        var bytes: [UInt8] = []
        while let portion = try file.next() { bytes += portion }
        #expect(bytes.count == 600_000 && file.sizeBytes == 600_000)
        #expect(file.mode == PermissionBits(0o640))
    }

    @Test func `a file that changes while it is read is an error`() throws {
        let place = try Place()
        place.write("x", "before")
        let file = try LocalFile(path: place.bytes("x"))
        place.write("x", "after that")
        #expect(throws: ControlError.self) { while try file.next() != nil {} }
    }

    @Test func `links, directories and nothing are not files`() throws {
        let place = try Place()
        symlink("x", place.path + "/link")
        for name in ["link", ".", "missing"] {
            #expect(throws: ControlError.self) { try LocalFile(path: place.bytes(name)) }
        }
    }

    @Test func `a download appears whole, with its mode and time`() throws {
        let place = try Place()
        let name = try #require(EntryName("x"))
        let file = try DownloadFile(destination: Array(place.path.utf8), name: name)
        try file.write(Array("hello".utf8))
        #expect(access(place.path + "/x", F_OK) != 0)
        let time = Timestamp(seconds: 1_000_000, nanoseconds: 5)
        try file.finish(mode: PermissionBits(0o600), modified: time)
        let result = try LocalFile(path: place.bytes("x"))
        #expect(result.modified == time && result.mode == PermissionBits(0o600))
        #expect(try result.next() == Array("hello".utf8))
    }

    @Test func `a download that is given up leaves nothing`() async throws {
        let place = try Place()
        let name = try #require(EntryName("x"))
        do {
            let file = try DownloadFile(destination: place.bytes("y"), name: name)
            try file.write([1])
        }
        #expect(try await place.names() == ["./"])
    }

    @Test func `a device is written to, never replaced`() throws {
        let file = try DownloadFile(destination: Array("/dev/null".utf8), name: try #require(EntryName("x")))
        try file.write([1, 2, 3])
        try file.finish(mode: PermissionBits(0o600), modified: .zero)
        #expect(throws: ControlError.self) { try LocalFile(path: Array("/dev/null".utf8)) }
    }
}
