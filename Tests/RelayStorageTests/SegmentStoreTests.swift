// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import RelayCore
import RelayStorage
import Testing

@Suite struct SegmentStoreTests {
    private let directory: TemporaryDirectory
    private var path: String { directory.file("segments") }

    init() throws { directory = try TemporaryDirectory() }

    private func chunk(_ number: UInt64, count: Int = 100) -> (ChunkID, EncodedChunk) {
        var generator = SeededGenerator(seed: number)
        let bytes = (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        let encoding: ChunkEncoding = number.isMultiple(of: 2) ? .raw : .zstd
        return (
            Sample.chunk(number), EncodedChunk(encoding: encoding, sizeBytes: UInt32(count), bytes: bytes)
        )
    }

    private func open(limitBytes: UInt64? = nil) throws -> SegmentStore {
        try SegmentStore(directory: path, limitBytes: limitBytes)
    }

    private func scan(_ store: SegmentStore) throws -> [ChunkID: ChunkLocation] {
        var found: [ChunkID: ChunkLocation] = [:]
        try store.scan { found[$0] = $1 }
        return found
    }

    @Test func `ten thousand chunks are read back, also after reopening`() throws {
        let chunks = (0..<10_000 as Range<UInt64>).map { chunk($0, count: Int($0 % 200)) }
        var locations: [ChunkLocation] = []
        do {
            let store = try open()
            for start in stride(from: 0, to: chunks.count, by: 100) {
                locations += try #require(try store.append(Array(chunks[start..<start + 100])))
            }
            try store.sync()
            for (chunk, location) in zip(chunks, locations) {
                #expect(try store.read(location, expecting: chunk.0) == chunk.1)
            }
        }
        let store = try open()
        for (chunk, location) in zip(chunks, locations) {
            #expect(try store.read(location) == chunk.1)
        }
        #expect(try scan(store) == Dictionary(uniqueKeysWithValues: zip(chunks.map(\.0), locations)))
        #expect(store.usedBytes == UInt64(try directory.bytes("segments/00000000.seg").count))
    }

    @Test func `what is stored while something else is done is there when that is finished`() throws {
        let chunks = (0..<20 as Range<UInt64>).map { chunk($0) }
        let store = try open()
        let storings = try chunks.map { try #require(try store.beginStoring([$0])) }
        for (chunk, storing) in zip(chunks, storings) {
            let location = try #require(try storing.finish().first)
            #expect(try store.read(location, expecting: chunk.0) == chunk.1)
        }
    }

    @Test func `a full segment is followed by another`() throws {
        let store = try open()
        let megabyte = chunk(1, count: ContentLimits.chunkBytes)
        var locations: [ChunkLocation] = []
        for _ in 0..<26 {
            locations += try #require(
                try store.append([(ChunkID, EncodedChunk)](repeating: megabyte, count: 10)))
        }
        try store.sync()
        #expect(Set(locations.map(\.segment)) == [0, 1])
        #expect(try directory.names(in: "segments") == ["00000000.seg", "00000001.seg"])
        let first = try #require(locations.first { $0.segment == 1 })
        #expect(try store.read(first, expecting: megabyte.0) == megabyte.1)
        // Memory of the first segment was given back: it is read from the disk.
        #expect(try store.read(locations[0], expecting: megabyte.0) == megabyte.1)
        #expect(try directory.bytes("segments/00000000.seg").count <= 256 << 20)
    }

    @Test func `what was appended is known to be recent, from the first segment on`() throws {
        let locations: [ChunkLocation]
        do {
            let store = try open()
            locations = try #require(try store.append([chunk(1), chunk(2)]))
            #expect(locations.allSatisfy(store.isRecent))
            try store.sync()
        }
        let store = try open()
        #expect(!locations.contains(where: store.isRecent))
        let more = try #require(try store.append([chunk(3)]))
        #expect(more.allSatisfy(store.isRecent) && !locations.contains(where: store.isRecent))
    }

    @Test func `a torn tail is cut off and what was before stays`() throws {
        let chunks = (0..<20 as Range<UInt64>).map { chunk($0) }
        var locations: [ChunkLocation] = []
        do { locations = try #require(try open().append(chunks)) }
        let whole = try directory.bytes("segments/00000000.seg")
        let lastOffset = Int(try #require(locations.last).offset)
        for length in [lastOffset, lastOffset + 1, lastOffset + 51, lastOffset + 60, whole.count - 1] {
            try directory.write(Array(whole.prefix(length)), to: "segments/00000000.seg")
            let store = try open()
            #expect(store.usedBytes == UInt64(lastOffset))
            #expect(try scan(store).count == 19)
            let again = try #require(try store.append([chunk(50)]))
            #expect(again.first?.offset == UInt64(lastOffset))
            #expect(try store.read(try #require(again.first)) == chunk(50).1)
            #expect(try store.read(locations[18], expecting: chunks[18].0) == chunks[18].1)
        }
    }

    @Test func `a tail of zeros or garbage is cut off`() throws {
        for fill in [0, 0xff] as [UInt8] {
            try? FileManager.default.removeItem(atPath: path)
            do { _ = try open().append([chunk(1), chunk(2)]) }
            let whole = try directory.bytes("segments/00000000.seg")
            let torn = whole.dropLast(60) + [UInt8](repeating: fill, count: 5000)
            try directory.write(Array(torn), to: "segments/00000000.seg")
            #expect(Set(try scan(try open()).keys) == [Sample.chunk(1)])
            #expect(try directory.bytes("segments/00000000.seg").count == 16 + 152)
        }
    }

    @Test func `damage in the middle loses one chunk and cuts off none`() throws {
        let chunks = (0..<20 as Range<UInt64>).map { chunk($0) }
        var locations: [ChunkLocation] = []
        do { locations = try #require(try open().append(chunks)) }
        var bytes = try directory.bytes("segments/00000000.seg")
        let length = bytes.count
        bytes[Int(locations[7].offset)] ^= 1
        bytes[Int(locations[9].offset) + 70] ^= 1
        try directory.write(bytes, to: "segments/00000000.seg")
        let store = try open()
        #expect(throws: StateError.self) { try store.read(locations[7]) }
        #expect(throws: StateError.self) { try store.read(locations[9]) }
        #expect(try store.read(locations[19]) == chunks[19].1)
        #expect(
            Set(try scan(store).keys) == Set(chunks.map(\.0)).subtracting([Sample.chunk(7), Sample.chunk(9)]))
        let next = try #require(try store.append([chunk(30)])?.first)
        #expect(next.segment == 1)
        #expect(try directory.bytes("segments/00000000.seg").count == length)
    }

    @Test func `a segment that lacks what is known to be in it is left as it is`() throws {
        let chunks = (0..<20 as Range<UInt64>).map { chunk($0) }
        var locations: [ChunkLocation] = []
        do { locations = try #require(try open().append(chunks)) }
        let last = try #require(locations.last)
        let known = ChunkPlace(segment: 0, offset: last.offset + 152)
        let whole = try directory.bytes("segments/00000000.seg")
        var flipped = whole
        flipped[Int(last.offset) + 70] ^= 1
        for bytes in [Array(whole.dropLast(40)), flipped, []] {
            try directory.write(bytes, to: "segments/00000000.seg")
            try? FileManager.default.removeItem(atPath: directory.file("segments/00000001.seg"))
            let store = try SegmentStore(directory: path, limitBytes: nil, known: known)
            #expect(try store.append([chunk(30)])?.first?.segment == 1)
            #expect(try directory.bytes("segments/00000000.seg") == bytes)
        }
        // Nor is its number used again when it is gone.
        for name in try directory.names(in: "segments") {
            try FileManager.default.removeItem(atPath: directory.file("segments/" + name))
        }
        let store = try SegmentStore(directory: path, limitBytes: nil, known: known)
        #expect(try store.append([chunk(30)])?.first?.segment == 1)
    }

    @Test func `a segment that is removed while it is used takes nothing more, and is read on`() throws {
        let store = try open()
        let first = try #require(try store.store([chunk(1)])?.first)
        #expect(store.hasFile(0))
        try FileManager.default.removeItem(atPath: directory.file("segments/00000000.seg"))
        #expect(!store.hasFile(0))
        #expect(throws: StateError.self) { try store.store([chunk(2)]) }
        let second = try #require(try store.store([chunk(2)])?.first)
        #expect(second.segment == 1)
        #expect(try store.read(first, expecting: chunk(1).0) == chunk(1).1)
        store.letGo(0)
        #expect { try store.read(first) } throws: { ($0 as? StateError)?.isDamaged == true }
    }

    @Test func `a segment that is given up is read by whoever has it open, and gives its room back`() throws {
        let store = try open()
        let first = try #require(try store.store([chunk(1), chunk(2)])?.first)
        #expect(throws: StateError.self) { try store.remove(0) }
        store.seal(0)
        let next = try #require(try store.store([chunk(3)])?.first)
        #expect(next.segment == 1 && store.isActive(1) && !store.isActive(0))
        #expect(try store.sizes().map(\.bytes) == [16 + 2 * 152, 16 + 152])
        #expect(try store.read(first) == chunk(1).1)
        try store.remove(0)
        #expect(store.usedBytes == 16 + 152)
        #expect(try directory.names(in: "segments") == ["00000001.seg"])
        #expect(throws: StateError.self) { try store.read(first) }
        // Nothing of it is in the way of what follows.
        _ = try #require(try store.store([chunk(4)]))
        #expect(try store.read(next) == chunk(3).1)
    }

    @Test func `a wrong place or another chunk's place is an error`() throws {
        let store = try open()
        let locations = try #require(try store.append([chunk(2), chunk(4)]))
        #expect(throws: StateError.self) { try store.read(locations[0], expecting: Sample.chunk(4)) }
        var wrong = locations[0]
        wrong.offset += 1
        #expect(throws: StateError.self) { try store.read(wrong) }
        wrong = locations[0]
        wrong.offset = .max
        #expect(throws: StateError.self) { try store.read(wrong) }
        wrong = locations[0]
        wrong.segment = 77
        #expect(throws: StateError.self) { try store.read(wrong) }
        wrong = locations[0]
        wrong.storedBytes = .max
        #expect(throws: StateError.self) { try store.read(wrong) }
    }

    @Test func `nothing is kept under a limit of zero`() throws {
        let store = try open(limitBytes: 0)
        #expect(try store.append([chunk(1)]) == nil)
        #expect(try store.append([]) == nil)
        try store.sync()
        #expect(store.usedBytes == 0)
        #expect(try directory.names(in: "segments") == [])
    }

    @Test func `the limit is kept to the byte, and what is stored stays`() throws {
        let store = try open(limitBytes: 16 + 3 * 152)
        _ = try #require(try store.append([chunk(1), chunk(2)]))
        #expect(try store.append([chunk(3), chunk(4)]) == nil)
        let last = try #require(try store.append([chunk(3)])?.first)
        #expect(store.usedBytes == 16 + 3 * 152)
        #expect(try store.append([chunk(4, count: 0)]) == nil)
        #expect(try store.append([chunk(1)], isMove: true)?.count == 1)
        #expect(try store.append([chunk(4, count: 0)]) == nil)
        #expect(try store.read(last) == chunk(3).1)
    }

    @Test func `too large a chunk is refused`() throws {
        let store = try open()
        #expect(throws: StateError.self) { try store.append([chunk(1, count: ContentLimits.chunkBytes + 1)]) }
        #expect(store.usedBytes == 0)
    }

    @Test func `a store in use is refused`() throws {
        let store = try open()
        #expect(throws: StateError.self) { try open() }
        _ = try store.append([chunk(1)])
    }

    @Test func `appending, syncing and reading go together on several threads`() async throws {
        let store = try open()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for writer in 0..<4 as Range<UInt64> {
                let chunks = (0..<50 as Range<UInt64>).map { chunk(writer * 1000 + $0) }
                group.addTask {
                    for chunk in chunks {
                        let location = try #require(try store.append([chunk])?.first)
                        try store.sync()
                        #expect(try store.read(location, expecting: chunk.0) == chunk.1)
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(try scan(store).count == 200)
        #expect(directory.mode("segments") == 0o700)
        #expect(directory.mode("segments/00000000.seg") == 0o600)
    }

    @Test func `a probe leaves nothing behind`() throws {
        let store = try open()
        let first = try #require(try store.store([chunk(1)])?.first)
        try store.probe(bytes: 100_000)
        #expect(store.usedBytes == 16 + 152)
        #expect(try directory.bytes("segments/00000000.seg").count == 16 + 152)
        let second = try #require(try store.store([chunk(2)])?.first)
        #expect(try store.read(first) == chunk(1).1 && store.read(second) == chunk(2).1)
        let empty = try SegmentStore(directory: directory.file("empty"), limitBytes: 0)
        try empty.probe(bytes: 100_000)
        #expect(try directory.names(in: "empty") == [])
    }

    @Test func `a full disk takes nothing of what did not fit, and goes on when there is room`() throws {
        let disk = directory.file("disk")
        try FileManager.default.createDirectory(atPath: disk, withIntermediateDirectories: true)
        // Without the right to mount there is nothing to try.
        guard mount("tmpfs", disk, "tmpfs", 0, "size=128k") == 0 else { return }
        defer { umount2(disk, 2) }
        let store = try SegmentStore(directory: disk + "/segments", limitBytes: nil)
        let first = try #require(try store.store([chunk(1, count: 20_000)])?.first)
        let used = store.usedBytes
        #expect {
            try store.store([chunk(2, count: 100_000), chunk(3, count: 100_000)])
        } throws: { ($0 as? StateError)?.isDiskFull == true }
        #expect(throws: StateError.self) { try store.probe(bytes: 200_000) }
        #expect(store.usedBytes == used)
        try store.probe(bytes: 50_000)
        let small = try #require(try store.store([chunk(4)])?.first)
        #expect(mount("tmpfs", disk, "tmpfs", UInt(MS_REMOUNT), "size=1m") == 0)
        try store.probe(bytes: 200_000)
        let large = try #require(
            try store.store([chunk(2, count: 100_000), chunk(3, count: 100_000)]))
        #expect(try store.read(first) == chunk(1, count: 20_000).1)
        #expect(try store.read(small) == chunk(4).1)
        #expect(try store.read(large[1]) == chunk(3, count: 100_000).1)
    }
}
