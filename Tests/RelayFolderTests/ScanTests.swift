// SPDX-License-Identifier: Apache-2.0

import Glibc
import RelayCore
import Testing

@testable import RelayFolder

@Suite struct ScanTests {
    @Test(arguments: places) func `all kinds are found, sorted, with what statx says`(place: String) throws {
        let scratch = try Scratch(in: place)
        scratch.write("b", "hello", mode: 0o4751)
        scratch.makeDirectory("a")
        #expect(symlink("../nowhere", scratch.path + "/c") == 0)
        let listing = scratch.folder.scan([.directory(.root)])[0].outcome
        guard case .directory(let identity, let found, let hidden) = listing, hidden.isEmpty else {
            Issue.record("not a listing")
            return
        }
        #expect(identity == scratch.folder.rootIdentity)
        #expect(found.map(\.name.description) == ["a", "b", "c"])
        #expect(found.map(\.kind) == [.directory, .file, .symlink(target: Array("../nowhere".utf8))])
        var status = stat()
        #expect(lstat(scratch.path + "/b", &status) == 0)
        let file = found[1].fingerprint
        #expect(file.identity.inode == status.st_ino)
        #expect(file.identity.born > .zero)
        #expect(file.sizeBytes == 5)
        #expect(file.mode == 0o4751)
        #expect(file.modified.seconds == status.st_mtim.tv_sec)
        #expect(Int(file.changed.nanoseconds) == status.st_ctim.tv_nsec)
        #expect(try scratch.entry("b") == found[1])
    }

    @Test func `absence of a name is sure only in a directory that was opened`() throws {
        let scratch = try Scratch()
        scratch.makeDirectory("d")
        scratch.write("f", "")
        #expect(symlink("d", scratch.path + "/l") == 0)
        #expect(try scratch.entry("d/x") == nil)
        let requests: [ScanRequest] = [
            .entry(relative("none/x")), .entry(relative("f/x")), .entry(relative("l/x")),
            .directory(relative("none")), .directory(relative("f")), .directory(relative("l")),
        ]
        for result in scratch.folder.scan(requests) { #expect(result.outcome == .absent) }
    }

    @Test func `our own directory, pipes and sockets are as if they were not there`() throws {
        let scratch = try Scratch()
        #expect(mkfifo(scratch.path + "/pipe", 0o644) == 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let server = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(server) }
        // Bound in the folder by a short relative name.
        let descriptor = open(scratch.path, O_RDONLY | O_CLOEXEC | O_DIRECTORY)
        defer { close(descriptor) }
        let name = "/proc/self/fd/\(descriptor)/socket"
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: name.utf8) }
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(server, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        #expect(bound == 0)
        scratch.write("f", "")
        #expect(scratch.exists("socket"))
        #expect(try scratch.names() == ["f"])
        for name in ["pipe", "socket", ".relay"] { #expect(try scratch.entry(name) == nil) }
        #expect(scratch.folder.scan([.entry(relative(".relay/root"))])[0].outcome == .absent)
        #expect(scratch.folder.scan([.directory(relative(".relay"))])[0].outcome == .absent)
        #expect(scratch.read("pipe") == .absent)
        #expect(scratch.read("socket") == .absent)
    }

    @Test func `a subdirectory's .relay is an entry like any other`() throws {
        let scratch = try Scratch()
        scratch.makeDirectory("d")
        scratch.makeDirectory("d/.relay")
        #expect(try scratch.names(relative("d")) == [".relay"])
    }

    @Test func `names are bytes`() throws {
        let scratch = try Scratch()
        var names: [EntryName] = []
        for byte in UInt8(1)...255 where byte != 0x2f && byte != 0x2e {
            names.append(try #require(EntryName([byte])))
        }
        names.append(try #require(EntryName([UInt8](repeating: 0xff, count: 255))))
        names.append(try #require(EntryName("...")))
        names.append(try #require(EntryName("-rf")))
        names.append(try #require(EntryName("a\nb ")))
        names.append(try #require(EntryName("e\u{301}")))
        names.append(try #require(EntryName("\u{e9}")))
        for (index, name) in names.enumerated() {
            let (node, payload) = try scratch.staged("\(index)")
            let step = ApplyStep.placeFile(RelativePath([name]), payload, over: .nothing)
            #expect(scratch.apply(step, node: node).doneFingerprint != nil)
        }
        guard case .directory(_, let found, _) = scratch.folder.scan([.directory(.root)])[0].outcome else {
            Issue.record("not a listing")
            return
        }
        #expect(found.map(\.name) == names.sorted())
        for (index, name) in names.enumerated() {
            let request = ReadRequest(node: .root, path: RelativePath([name]))
            #expect(scratch.folder.read(request).outcome.content?.content == contentID("\(index)"))
        }
    }

    @Test func `links are bytes too, whatever they say`() throws {
        let scratch = try Scratch()
        let targets: [[UInt8]] = [
            Array("/etc/passwd".utf8), Array("l".utf8), [0xff, 0xfe, 0x0a], Array("../../..".utf8),
            [UInt8](repeating: 0x61, count: 4095),
        ]
        for (index, target) in targets.enumerated() {
            let path = relative("l\(index)")
            let outcome = scratch.apply(.makeSymlink(path, target: target, over: .nothing))
            let entry = try #require(try scratch.entry("l\(index)"))
            #expect(entry.kind == .symlink(target: target))
            #expect(outcome == .done(entry.fingerprint))
        }
        #expect(scratch.read("l0") == .absent)
    }

    @Test(arguments: places) func `paths may be deeper than the kernel takes at once`(place: String) throws {
        let scratch = try Scratch(in: place)
        let name = try #require(EntryName([UInt8](repeating: 0x64, count: 100)))
        let deep = RelativePath([EntryName](repeating: name, count: 60))
        #expect(deep.bytes.count > 5000)
        try scratch.folder.makeDirectories(deep)
        let file = deep.appending(entryName("f"))
        let (node, payload) = try scratch.staged("deep")
        #expect(scratch.apply(.placeFile(file, payload, over: .nothing), node: node).doneFingerprint != nil)
        let read = scratch.folder.read(ReadRequest(node: node, path: file)).outcome
        #expect(read.content?.content == contentID("deep"))
        #expect(try scratch.names(deep) == ["f"])
        try scratch.folder.removeTree(RelativePath([name]))
        #expect(try scratch.names().isEmpty)
    }

    @Test func `a directory that cannot be read is a failure, never an absence`() throws {
        try #require(getuid() == 0)
        let scratch = try Scratch()
        scratch.makeDirectory("d")
        scratch.write("d/f", "x")
        #expect(chmod(scratch.path + "/d", 0) == 0)
        #expect(chmod(scratch.outer, 0o755) == 0)
        try asNobody {
            let outcomes = scratch.folder.scan([.directory(relative("d")), .entry(relative("d/f"))])
            for result in outcomes {
                guard case .failed(let problem) = result.outcome else {
                    Issue.record("\(result.outcome)")
                    continue
                }
                #expect(problem.cause == .permission)
            }
        }
    }

    @Test func `what is mounted inside is unknown`() throws {
        let scratch = try Scratch()
        scratch.makeDirectory("m")
        guard mount("tmpfs", scratch.path + "/m", "tmpfs", 0, nil) == 0 else { return }
        defer { umount2(scratch.path + "/m", 2) }
        scratch.write("m/f", "x")
        let listing = scratch.folder.scan([.directory(.root)])[0].outcome
        guard case .directory(_, [], let hidden) = listing else {
            Issue.record("\(listing)")
            return
        }
        #expect(hidden.map(\.name) == [entryName("m")] && hidden.map(\.problem.cause) == [.hidden])
        let requests: [ScanRequest] = [
            .entry(relative("m")), .entry(relative("m/f")), .directory(relative("m")),
        ]
        for result in scratch.folder.scan(requests) {
            guard case .failed = result.outcome else {
                Issue.record("\(result.outcome)")
                continue
            }
        }
        #expect(throws: Problem.self) { try scratch.folder.removeTree(relative("m")) }
        #expect(scratch.exists("m/f"))
    }
}

@_silgen_name("setfsuid")
private func setfsuid(_ user: UInt32) -> Int32

/// Runs the body on this thread with the file rights of a user who is nobody.
func asNobody(_ body: () throws -> Void) throws {
    let nobody: uid_t = 65_534
    _ = setfsuid(nobody)
    defer { _ = setfsuid(0) }
    try body()
}
