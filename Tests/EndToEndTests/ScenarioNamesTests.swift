// SPDX-License-Identifier: Apache-2.0

import CLinux
import Foundation
import RelayCore
import Testing

/// Names and kinds of every sort.
@Suite(.serialized, .busyLane) struct ScenarioNamesTests {
    @Test func `S61, S62 names are bytes, all of them`() throws {
        let (setup, a, b) = try Setup.pair()
        var names = (1...255).map { [UInt8($0)] }.filter { $0 != [0x2f] && $0 != [0x2e] }
        names += [[UInt8](repeating: 0x78, count: 255), [0xff, 0xfe, 0x0a], [0x61, 0xc3]]
        names += ["-rf", "trail. ", ".relay2", ".Relay", ".relay ", "con", "a\\b", "*?", "$(x)"].map {
            Array($0.utf8)
        }
        // One name as two, for whoever takes characters for names.
        let composed = Array("caf\u{e9}".utf8)
        let decomposed = Array("cafe\u{301}".utf8)
        names += [composed, decomposed]
        for (index, name) in names.enumerated() { try a.makeFile(name, "\(index)") }
        try a.shell(
            "mkdir -p sub/.relay; echo own > sub/.relay/root; mkdir $'dir\\xff'; echo x > $'dir\\xff/\\xfe'")
        try setup.settle()
        #expect(try setup.differences() == "")
        for (index, name) in names.enumerated() { #expect(b.text(name) == "\(index)", "\(name)") }
        // And back, each with something else in it.
        for (index, name) in names.enumerated() { try b.makeFile(name, "back \(index)") }
        try b.shell("mv $'dir\\xff' $'dir\\xfe'")
        try setup.settle()
        #expect(try setup.differences() == "")
        for (index, name) in names.enumerated() { #expect(a.text(name) == "back \(index)", "\(name)") }
        #expect(a.text(Array("sub/.relay/root".utf8)) == "own\n")
        #expect(a.text(Array("dir".utf8) + [0xfe, 0x2f, 0xfe]) == "x\n")
        // A removal of one is none of the other.
        try a.removeFile(composed)
        try setup.settle()
        #expect(b.text(composed) == nil && b.text(decomposed) != nil)
        #expect(try setup.differences() == "")
        #expect(try a.conflictCopies() == [])
    }

    @Test func `S61 a conflict copy of the longest name has a name`() throws {
        let (setup, a, b) = try Setup.pair()
        let names = [
            [UInt8](repeating: 0x78, count: 255), Array(String(repeating: "\u{e9}", count: 127).utf8),
            [UInt8](repeating: 0xff, count: 251) + Array(".txt".utf8),
        ]
        for name in names { try a.makeFile(name, "base") }
        try setup.settle()
        b.stop()
        for name in names { try a.makeFile(name, "by a") }
        try a.wait()
        for name in names { try b.makeFile(name, "by b, apart") }
        try b.start()
        try setup.settle()
        #expect(try setup.differences() == "")
        for name in names { #expect(b.text(name) == "by a") }
        let copies = try a.shell("grep -l -r --exclude-dir=.relay -Z 'by b, apart' . | tr -cd '\\0' | wc -c")
        #expect(copies == "3\n")
        #expect(try a.shell("find . -mindepth 1 -maxdepth 1 -type f -print0 | tr -cd '\\0' | wc -c") == "6\n")
    }

    @Test func `S63 where a disk takes two names for one, nothing is lost, and names are respelled`() throws {
        let setup = try Setup()
        let a = try setup.agent("a")
        let folded = [
            "LD_PRELOAD": try Interposed.foldedNames(in: setup.directory),
            "FOLDED": setup.directory + "/folder-b",
        ]
        let b = try setup.agent("b", variables: folded)
        // Another spelling is no other file, whoever changes it, and whether or not the other one looks.
        try a.shell("echo 1 > Readme; mkdir Dir; echo 2 > Dir/In; ln -s Readme Link")
        try setup.settle()
        try a.shell("mv Readme README; mv Dir dIR; mv Link lINK; mv dIR/In dIR/iN")
        try setup.settle()
        #expect(try b.shell("ls -A") == ".relay\nREADME\ndIR\nlINK\n" && b.read("dIR/iN") == "2\n")
        try b.shell("mv README readme; mv dIR dir; mv dir/iN dir/IN")
        try setup.settle()
        #expect(try a.shell("ls -A") == ".relay\ndir\nlINK\nreadme\n" && a.read("dir/IN") == "2\n")
        b.stop()
        try a.shell("mv readme ReadMe; mv dir DIR; echo 3 > ReadMe")
        try b.start([], folded)
        try setup.settle()
        #expect(try setup.differences() == "")
        #expect(try b.shell("ls -A") == ".relay\nDIR\nReadMe\nlINK\n")

        // Of two files, two directories and two links the first ones stay.
        try a.shell("echo first > notes; mkdir dir2; echo first > dir2/in; ln -s first link2")
        try setup.settle()
        try a.shell(
            "echo second > NOTES; mkdir DIR2; echo second > DIR2/in; ln -s second LINK2; mv ReadMe LINK3")
        try a.shell("echo third > link3")
        for name in ["NOTES", "DIR2", "LINK2", "link3"] { try b.waitForCause(.obstructed, of: name) }
        let text = try b.control("status").output
        #expect(text.contains("notes is there"), "\(text)")
        #expect(
            try b.shell("ls -A") == ".relay\nDIR\nLINK3\ndir2\nlINK\nlink2\nnotes\n"
                && b.read("notes") == "first\n" && b.read("dir2/in") == "first\n"
                && b.shell("readlink link2") == "first\n")
        // What is done to one of them is not done to the other.
        try a.shell("echo fourth > NOTES; echo fifth > dir2/in")
        try b.shell("echo sixth >> notes; rm link2")
        try within(30) {
            a.read("notes") == "first\nsixth\n" && !a.has("link2") && b.read("dir2/in") == "fifth\n"
        }
        #expect(a.read("NOTES") == "fourth\n" && a.read("DIR2/in") == "second\n")
        #expect(try a.shell("readlink LINK2") == "second\n")
        // Once the one that stands there is elsewhere, the other one comes.
        try within(30) { (try? b.shell("readlink LINK2")) == "second\n" }
        try a.shell("mv notes elsewhere; rm -r dir2; rm LINK3")
        try setup.settle()
        #expect(try setup.differences() == "")
        #expect(
            b.read("NOTES") == "fourth\n" && b.read("DIR2/in") == "second\n" && b.read("link3") == "third\n")
        #expect(try a.conflictCopies() == [] && b.conflictCopies() == [])
        // An upload under another spelling replaces what stands there, as any program's writing would.
        try "uploaded\n".write(toFile: setup.directory + "/file", atomically: true, encoding: .utf8)
        let upload = try b.control("upload", setup.directory + "/file", "--to", "nOtEs")
        #expect(upload.status == 0, "\(upload.errors)")
        try setup.settle()
        #expect(a.read("NOTES") == "uploaded\n" && !a.has("nOtEs"))
    }

    @Test func `S64 paths of any depth are shared and watched, with few descriptors`() throws {
        let setup = try Setup()
        let a = try setup.agent("a", wrapper: Wrapper.descriptors(256))
        let b = try setup.agent("b", wrapper: Wrapper.descriptors(256))
        // More than 5,000 bytes.
        let (depth, name) = (250, "a name of some length")
        try a.write("sibling", "1")
        try a.inDepth(depth, named: name, isMaking: true) { try Self.write("leaf", in: $0) }
        try within(60) { (try? b.inDepth(depth, named: name) { try Self.read("leaf", in: $0) }) == "leaf" }
        try setup.settle()
        // At the very bottom, without anybody asking for a scan.
        try b.inDepth(depth, named: name) { try Self.write("back", in: $0) }
        try a.write("sibling", "2")
        try within(10) { (try? a.inDepth(depth, named: name) { try Self.read("back", in: $0) }) == "back" }
        try within(5) { b.read("sibling") == "2" }
        try setup.settle()
        try a.shell("mv '\(name)/\(name)' moved")
        try within(10) { b.has("moved") && !b.has("\(name)/\(name)") }
        try setup.settle()
        #expect(a.has("moved") && !a.has("\(name)/\(name)"))
    }

    @Test func `S65 pipes, sockets and devices are left alone, and hold up nothing`() throws {
        let (setup, a, b) = try Setup.pair()
        try a.shell("mkdir d; mkfifo pipe d/pipe; echo 1 > file; echo 2 > d/file")
        let socket = try SocketFile(a.folder, "socket")
        if getuid() == 0 { try a.shell("mknod null c 1 3; mknod disk b 7 200") }
        try within(5) { b.read("file") == "1\n" && b.read("d/file") == "2\n" }
        try setup.settle()
        #expect(try setup.differences() == "")
        #expect(try b.shell("ls -A") == ".relay\nd\nfile\n" && b.shell("ls -A d") == "file\n")
        try a.shell("rm pipe; echo now > pipe; rm file; mkfifo file")
        try setup.settle()
        #expect(try setup.differences() == "")
        #expect(b.read("pipe") == "now\n" && !b.has("file"))
        #expect(try a.shell("stat -c %F d/pipe file") == "fifo\nfifo\n")
        socket.close()
    }

    @Test func `S66 links are shared as links, whatever they lead to, and never followed`() throws {
        let (setup, a, b) = try Setup.pair()
        try Shell.run(
            "mkdir outside; echo secret > outside/f; touch -d 2001-02-03 outside/f outside",
            in: setup.directory)
        let canary = "find outside -printf '%p %m %s %T@ %C@\\n'; cat outside/f"
        let before = try Shell.run(canary, in: setup.directory)
        let outside = setup.directory + "/outside"
        try a.shell(
            """
            ln -s '\(outside)' absolute; ln -s ../outside relative; ln -s loop loop; ln -s nowhere dangling
            ln -s $'\\xff\\xfd' raw; ln -s '\(outside)/f' file; ln -s "$(printf 'y%.0s' {1..4095})" long
            mkdir d; echo in > d/in; ln -s d inside; ln -s . here
            """)
        try setup.settle()
        #expect(try setup.differences() == "")
        #expect(try b.shell("readlink absolute; readlink loop") == "\(outside)\nloop\n")
        // Links become what they led to, and the other way round.
        try b.shell(
            "rm inside; mkdir inside; echo own > inside/f; rm -r d; ln -s ../outside d; rm file; echo text > file"
        )
        try a.wait()
        try b.shell("chmod 600 file")
        try setup.settle()
        #expect(try setup.differences() == "")
        #expect(
            try a.shell("readlink d; cat inside/f file; stat -c %F inside file")
                == "../outside\nown\ntext\ndirectory\nregular file\n")
        // Removing a link removes a link.
        try a.shell("rm absolute relative d loop here long")
        try setup.settle()
        #expect(try setup.differences() == "")
        #expect(try Shell.run(canary, in: setup.directory) == before)
    }

    @Test func `S68 of the modes of files the nine bits are shared, and no file without any is lost`() throws
    {
        let (setup, a, b) = try Setup.pair()
        try a.shell("for m in 4755 2755 1644 6777 0; do echo $m > m$m; chmod $m m$m; done")
        try setup.settle()
        #expect(try b.shell("stat -c '%a %n' m*") == "0 m0\n644 m1644\n755 m2755\n755 m4755\n777 m6777\n")
        try b.shell("chmod 640 m4755 m1644; chmod 600 m0; echo more >> m0; echo more >> m2755")
        try setup.settle()
        #expect(try setup.differences() == "")
        #expect(a.read("m0") == "0\nmore\n" && a.read("m2755") == "2755\nmore\n")
        #expect(try a.conflictCopies() == [])
    }
}

extension ScenarioNamesTests {
    fileprivate static func write(_ name: String, in directory: Int32) throws {
        let file = openat(directory, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0o644)
        guard file >= 0 else { throw TestFailure("cannot make \(name): \(errno)") }
        defer { close(file) }
        let bytes = Array(name.utf8)
        guard Foundation.write(file, bytes, bytes.count) == bytes.count else {
            throw TestFailure("write: \(errno)")
        }
    }

    fileprivate static func read(_ name: String, in directory: Int32) throws -> String {
        let file = openat(directory, name, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw TestFailure("cannot open \(name): \(errno)") }
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: 100)
        let count = Foundation.read(file, &bytes, bytes.count)
        return String(decoding: bytes.prefix(max(count, 0)), as: UTF8.self)
    }
}

extension Agent {
    fileprivate func path(_ name: [UInt8]) -> [CChar] {
        (Array((folder + "/").utf8) + name + [0]).map { CChar(bitPattern: $0) }
    }

    fileprivate func makeFile(_ name: [UInt8], _ text: String) throws {
        let file = open(path(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard file >= 0 else { throw TestFailure("cannot make \(name): \(errno)") }
        defer { close(file) }
        let bytes = Array(text.utf8)
        guard Foundation.write(file, bytes, bytes.count) == bytes.count else {
            throw TestFailure("write: \(errno)")
        }
    }

    fileprivate func removeFile(_ name: [UInt8]) throws {
        guard unlink(path(name)) == 0 else { throw TestFailure("cannot remove \(name): \(errno)") }
    }

    fileprivate func text(_ name: [UInt8]) -> String? {
        let file = open(path(name), O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: 100)
        let count = Foundation.read(file, &bytes, bytes.count)
        return String(decoding: bytes.prefix(max(count, 0)), as: UTF8.self)
    }

    /// Runs the body with the directory at the end of a chain of directories of one name.
    fileprivate func inDepth<Value>(
        _ depth: Int, named name: String, isMaking: Bool = false, _ body: (Int32) throws -> Value
    ) throws -> Value {
        var directory = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        defer { close(directory) }
        for level in 0..<depth {
            if isMaking { mkdirat(directory, name, 0o755) }
            let next = openat(directory, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            guard next >= 0 else { throw TestFailure("nothing at depth \(level): \(errno)") }
            close(directory)
            directory = next
        }
        return try body(directory)
    }
}

/// A socket with a name in a folder.
private final class SocketFile {
    private let descriptor: Int32

    init(_ folder: String, _ name: String) throws {
        descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array((folder + "/" + name).utf8)
        guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
            throw TestFailure("the path is too long")
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard result == 0 else { throw TestFailure("cannot bind: \(errno)") }
    }

    func close() { Foundation.close(descriptor) }
}
