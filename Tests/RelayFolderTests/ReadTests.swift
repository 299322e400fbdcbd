// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc
import RelayCore
import Synchronization
import Testing

@testable import RelayFolder

@Suite struct ReadTests {
    @Test(arguments: places) func `contents are described whatever their size`(place: String) throws {
        let scratch = try Scratch(in: place)
        for size in [0, 1, 65_535, 65_536, 65_537, 1 << 20, (1 << 20) + 1, 5_000_000] {
            let bytes = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 13) }
            writeBytes(scratch.path + "/f", bytes)
            guard case .content(let content, let fingerprint, let isTrusted) = scratch.read("f") else {
                Issue.record("not read: \(size)")
                continue
            }
            #expect(content.content == contentID(bytes))
            #expect(content.sizeBytes == UInt64(size))
            #expect(try scratch.fingerprint("f") == fingerprint)
            #expect(isTrusted == (scratch.folder.fileSystem.clockGranularityNanoseconds == 0))
        }
    }

    @Test func `a file is read as well with the chunks that it had before`() throws {
        let scratch = try Scratch()
        let path = scratch.path + "/f"
        var bytes = (0..<9_000_000).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 13) }
        writeBytes(path, bytes)
        guard case .content(let before, _, _) = scratch.read("f") else {
            Issue.record("not read")
            return
        }
        bytes.insert(7, at: 5_000_000)
        bytes += [1, 2, 3]
        writeBytes(path, bytes)
        let request = ReadRequest(node: .root, path: relative("f"), former: before.manifest)
        guard case .content(let after, _, _) = scratch.folder.read(request).outcome else {
            Issue.record("not read again")
            return
        }
        #expect(after.content == contentID(bytes) && after.content != before.content)
        #expect(after.sizeBytes == UInt64(bytes.count))
    }

    @Test func `what is no regular file is absent`() throws {
        let scratch = try Scratch()
        scratch.makeDirectory("d")
        scratch.write("f", "x")
        #expect(symlink("f", scratch.path + "/l") == 0)
        for name in ["d", "l", "none", "none/x", "f/x", ".relay/root"] {
            #expect(scratch.read(name) == .absent)
        }
    }

    @Test(arguments: places) func `a file with a writer is busy, unless one insists`(place: String) throws {
        let scratch = try Scratch(in: place)
        scratch.write("f", "one")
        let writer = open(scratch.path + "/f", O_WRONLY | O_CLOEXEC | O_APPEND)
        #expect(scratch.read("f").isBusy)
        guard case .content(let content, _, let isTrusted) = scratch.read("f", isInsisting: true) else {
            Issue.record("not read")
            return
        }
        #expect(content.content == contentID("one"))
        #expect(isTrusted == !scratch.folder.fileSystem.hidesMappedWrites)
        #expect(write(writer, "two", 3) == 3)
        close(writer)
        #expect(scratch.read("f").content?.content == contentID("onetwo"))
    }

    @Test func `after an insisting read a store through a mapping shows in the fingerprint`() throws {
        let scratch = try Scratch()
        scratch.write("f", "aaaa")
        let file = open(scratch.path + "/f", O_RDWR | O_CLOEXEC)
        let mapped = try #require(mmap(nil, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0))
        close(file)
        mapped.storeBytes(of: UInt8(ascii: "b"), as: UInt8.self)
        #expect(scratch.read("f").isBusy)
        guard case .content(let content, let before, let isTrusted) = scratch.read("f", isInsisting: true)
        else {
            Issue.record("not read")
            return
        }
        #expect(isTrusted)
        #expect(content.content == contentID("baaa"))
        mapped.storeBytes(of: UInt8(ascii: "c"), toByteOffset: 1, as: UInt8.self)
        #expect(try scratch.fingerprint("f") != before)
        munmap(mapped, 4096)
        #expect(scratch.read("f").content?.content == contentID("bcaa"))
    }

    @Test func `a read under a concurrent writer gives bytes that stood there together, or busy`() throws {
        let scratch = try Scratch()
        let size = 4 << 20
        writeBytes(scratch.path + "/f", [UInt8](repeating: 0, count: size))
        let path = scratch.path + "/f"
        let isStopped = Atomic<Bool>(false)
        withThread {
            var value: UInt8 = 0
            while !isStopped.load(ordering: .relaxed) {
                value = (value + 1) % 8
                let file = open(path, O_WRONLY | O_CLOEXEC)
                let bytes = [UInt8](repeating: value, count: size)
                _ = write(file, bytes, size)
                close(file)
            }
        } during: {
            let whole = Set((UInt8(0)..<8).map { contentID([UInt8](repeating: $0, count: size)) })
            for attempt in 0..<60 {
                if let content = scratch.read("f", isInsisting: attempt.isMultiple(of: 2)).content {
                    let isWhole = whole.contains(content.content)
                    #expect(isWhole)
                }
            }
            isStopped.store(true, ordering: .relaxed)
        }
        #expect(scratch.read("f").content != nil)
    }

    @Test(arguments: places) func `edits of the same size and time are seen`(place: String) throws {
        let scratch = try Scratch(in: place)
        scratch.write("f", "one")
        for index in 0..<200 {
            guard case .content(_, let before, let isTrusted) = scratch.read("f") else {
                Issue.record("not read")
                return
            }
            let file = open(scratch.path + "/f", O_WRONLY | O_CLOEXEC)
            #expect(write(file, [UInt8(truncatingIfNeeded: index)], 1) == 1)
            close(file)
            touch(scratch.path + "/f", before.modified)
            let after = try scratch.fingerprint("f")
            #expect(after.modified == before.modified && after.sizeBytes == before.sizeBytes)
            #expect(after != before || !isTrusted)
        }
    }

    @Test func `an unreadable file is a problem`() throws {
        let scratch = try Scratch()
        #expect(chmod(scratch.outer, 0o755) == 0)
        scratch.write("f", "x", mode: 0)
        try asNobody {
            guard case .failed(let problem) = scratch.read("f") else {
                Issue.record("read")
                return
            }
            #expect(problem.cause == .permission)
            #expect(problem.description == "cannot read f: permission denied")
        }
    }

    @Test func `the lease that is asked for neither delays others nor ends the process`() throws {
        let scratch = try Scratch()
        scratch.write("f", "x")
        let path = scratch.path + "/f"
        let opened = Atomic<Bool>(false)
        let lease = try #require(ReadLease(in: scratch.folder.root, Array("f".utf8)))
        // A writer breaks the lease, and waits for the end of it.
        withThread {
            let file = open(path, O_WRONLY | O_CLOEXEC)
            opened.store(true, ordering: .relaxed)
            close(file)
        } during: {
            while relay_fcntl(lease.descriptor.number, 1025, 0) == 0 { sched_yield() }
            let isEarly = opened.load(ordering: .relaxed)
            #expect(!isEarly)
            _ = relay_fcntl(lease.descriptor.number, RELAY_F_SETLEASE, Int32(F_UNLCK))
        }
        let isOpened = opened.load(ordering: .relaxed)
        #expect(isOpened)
    }

    @Test func `a source tells when it is not as it was`() throws {
        let scratch = try Scratch()
        scratch.write("f", "hello")
        let fingerprint = try scratch.fingerprint("f")
        let source = try scratch.folder.openSource(relative("f"), expecting: fingerprint)
        #expect(try source.read(at: 1, count: 3) == Array("ell".utf8))
        #expect(try source.read(at: 4, count: 3) == Array("o".utf8))
        #expect(source.isUnchanged())
        scratch.write("f", "hellO")
        #expect(!source.isUnchanged())
        #expect(throws: Problem(.other, "cannot read f: it has changed")) {
            try scratch.folder.openSource(relative("f"), expecting: fingerprint)
        }
        source.close()
        #expect(throws: Problem.self) { try source.read(at: 0, count: 1) }
    }
}

/// Runs one closure on a thread of its own while the other runs here, and waits for both.
func withThread(_ background: @Sendable @escaping () -> Void, during body: () throws -> Void) rethrows {
    final class Work: Sendable {
        let run: @Sendable () -> Void
        init(_ run: @Sendable @escaping () -> Void) { self.run = run }
    }
    var thread = pthread_t()
    let work = Unmanaged.passRetained(Work(background)).toOpaque()
    pthread_create(
        &thread, nil,
        { raw in
            guard let raw else { return nil }
            Unmanaged<Work>.fromOpaque(raw).takeRetainedValue().run()
            return nil
        }, work)
    defer { pthread_join(thread, nil) }
    try body()
}
