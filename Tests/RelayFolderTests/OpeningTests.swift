// SPDX-License-Identifier: Apache-2.0

import Glibc
import RelayCore
import Testing

@testable import RelayFolder

@Suite struct OpeningTests {
    @Test func `a new folder gets a marker, and is known again by its record`() throws {
        let scratch = try Scratch()
        let record = scratch.folder.record
        #expect(bytes(at: scratch.path + "/.relay/root") == Array((record.marker + "\n").utf8))
        #expect(RootRecord(encoded: record.encoded) == record)
        try scratch.folder.verifyRoot()
        scratch.folder.close()
        let again = try SharedFolder.open(scratch.path, expecting: record, create: false)
        #expect(again.record == record)
        again.close()
    }

    @Test func `our own directories are for the owner alone`() throws {
        let scratch = try Scratch()
        for name in [".relay", ".relay/stage", ".relay/park"] { #expect(scratch.mode(name) == 0o700) }
    }

    @Test func `S34 one agent at a time`() throws {
        let scratch = try Scratch()
        #expect(
            throws: FolderError.inUse(
                "cannot open \(scratch.path): another agent serves this folder; one folder has one agent")
        ) {
            try SharedFolder.open(scratch.path, expecting: nil, create: false)
        }
    }

    @Test func `S31 an empty directory in the folder's stead is not ours, and stays empty`() throws {
        let scratch = try Scratch()
        scratch.folder.close()
        #expect(rename(scratch.path, scratch.outer + "/away") == 0)
        #expect(mkdir(scratch.path, 0o755) == 0)
        let error = #expect(throws: FolderError.self) {
            try SharedFolder.open(scratch.path, expecting: scratch.folder.record, create: true)
        }
        guard case .notOurs(let text)? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(!text.contains("create") && !text.contains(".relay/root"))
        #expect(!scratch.exists(".relay"))
    }

    @Test func `S31 a copy of the folder with its marker is not ours`() throws {
        let scratch = try Scratch()
        scratch.folder.close()
        #expect(rename(scratch.path, scratch.outer + "/away") == 0)
        for path in ["", "/.relay", "/.relay/stage", "/.relay/park"] {
            #expect(mkdir(scratch.path + path, 0o700) == 0)
        }
        let marker = try #require(bytes(at: scratch.outer + "/away/.relay/root"))
        writeBytes(scratch.path + "/.relay/root", marker)
        let error = #expect(throws: FolderError.self) {
            try SharedFolder.open(scratch.path, expecting: scratch.folder.record, create: false)
        }
        guard case .notOurs? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test func `verifying notices a folder that was moved away, and one that took its place`() throws {
        let scratch = try Scratch()
        #expect(rename(scratch.path, scratch.outer + "/away") == 0)
        #expect(throws: FolderError.missing("cannot open \(scratch.path): it is not there")) {
            try scratch.folder.verifyRoot()
        }
        #expect(mkdir(scratch.path, 0o755) == 0)
        let error = #expect(throws: FolderError.self) { try scratch.folder.verifyRoot() }
        guard case .notOurs? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test func `verifying notices a marker that is gone`() throws {
        let scratch = try Scratch()
        #expect(unlink(scratch.path + "/.relay/root") == 0)
        #expect(throws: FolderError.self) { try scratch.folder.verifyRoot() }
    }

    @Test func `a damaged marker is never replaced`() throws {
        let scratch = try Scratch()
        scratch.folder.close()
        writeBytes(scratch.path + "/.relay/root", Array("zzz".utf8))
        #expect(throws: FolderError.self) {
            try SharedFolder.open(scratch.path, expecting: nil, create: false)
        }
        #expect(bytes(at: scratch.path + "/.relay/root") == Array("zzz".utf8))
    }

    @Test func `what is not there is made only on request`() throws {
        let scratch = try Scratch()
        let path = scratch.outer + "/a/b/c"
        #expect(throws: FolderError.missing("cannot open \(path): it is not there")) {
            try SharedFolder.open(path, expecting: nil, create: false)
        }
        try SharedFolder.open(path, expecting: nil, create: true).close()
        writeBytes(scratch.outer + "/file", [1])
        let error = #expect(throws: FolderError.self) {
            try SharedFolder.open(scratch.outer + "/file", expecting: nil, create: true)
        }
        guard case .notADirectory? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test func `a folder inside a shared folder is refused`() throws {
        let scratch = try Scratch()
        scratch.makeDirectory("d")
        #expect(SharedFolder.enclosingShare(of: scratch.path + "/d/e") == scratch.path)
        #expect(SharedFolder.enclosingShare(of: scratch.path) == nil)
        let error = #expect(throws: FolderError.self) {
            try SharedFolder.open(scratch.path + "/d", expecting: nil, create: true)
        }
        guard case .nested? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(!scratch.exists("d/.relay"))
    }

    @Test func `a link in place of our own directory is refused`() throws {
        let scratch = try Scratch()
        scratch.folder.close()
        #expect(rename(scratch.path + "/.relay/stage", scratch.outer + "/stage") == 0)
        #expect(symlink(scratch.outer + "/stage", scratch.path + "/.relay/stage") == 0)
        #expect(throws: FolderError.self) {
            try SharedFolder.open(scratch.path, expecting: scratch.folder.record, create: false)
        }
    }

    @Test func `a closed folder does nothing any more`() throws {
        let scratch = try Scratch()
        scratch.write("f", "x")
        scratch.folder.close()
        guard case .failed = scratch.folder.scan([.directory(.root)])[0].outcome else {
            Issue.record("scanned")
            return
        }
        guard case .failed = scratch.read("f") else {
            Issue.record("read")
            return
        }
        guard case .failed = scratch.apply(.makeDirectory(relative("d"), mode: PermissionBits(0o755))) else {
            Issue.record("applied")
            return
        }
    }

    @Test func `how old a file must be to be trusted depends on kernel and file system`() {
        func granularity(_ type: UInt32, _ kernel: (major: Int, minor: Int), fraction: UInt32 = 5) -> Int64 {
            let sample = Timestamp(seconds: 100, nanoseconds: fraction)
            return ClockGranularity.nanoseconds(fileSystemType: type, kernel: kernel, sample: sample)
        }
        #expect(granularity(FileSystemType.ext4, (6, 18)) == 0)
        #expect(granularity(FileSystemType.ext4, (6, 12)) == 20_000_000)
        #expect(granularity(FileSystemType.ext4, (6, 18), fraction: 0) == 2_000_000_000)
        #expect(granularity(0x4d44, (6, 18)) == 2_000_000_000)
        #expect(ClockGranularity.runningKernel() > (3, 0))
        let now = Timestamp(seconds: 100, nanoseconds: 5)
        let before = Timestamp(seconds: 99, nanoseconds: 999_999_999)
        #expect(ClockGranularity.isYoung(changed: before, now: now, granularityNanoseconds: 7))
        #expect(!ClockGranularity.isYoung(changed: before, now: now, granularityNanoseconds: 6))
        let ancient = Timestamp(seconds: .min, nanoseconds: 0)
        #expect(!ClockGranularity.isYoung(changed: ancient, now: now, granularityNanoseconds: 6))
    }
}
