// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import RelayCore

@Suite struct EntryNameTests {
    @Test(arguments: [
        [], [0x2e], [0x2e, 0x2e], [0x61, 0x2f], [0x61, 0], [UInt8](repeating: 0x61, count: 256),
    ])
    func `what is no name is refused`(_ bytes: [UInt8]) { #expect(EntryName(bytes) == nil) }

    @Test(arguments: [
        [0x2d], [0xff, 0xfe], [0x0a], [UInt8](repeating: 0x61, count: 255), [0x2e, 0x2e, 0x2e],
    ])
    func `every other bytes are a name`(_ bytes: [UInt8]) { #expect(EntryName(bytes)?.bytes == bytes) }

    @Test func `names that Unicode calls equal are different names`() {
        let composed = EntryName([0xc3, 0xa9])
        let decomposed = EntryName([0x65, 0xcc, 0x81])
        #expect(composed != decomposed)
        #expect(Set([composed, decomposed]).count == 2)
    }

    @Test func `a displayed name cannot forge a line`() {
        #expect(EntryName([0x61, 0x0a, 0x1b, 0xff, 0x5c])?.description == "a\\x0a\\x1b\\xff\\\\")
        #expect(displayText(Array("päth\u{202e}x".utf8)) == "päth\\xe2\\x80\\xaex")
    }
}

@Suite struct RelativePathTests {
    @Test(arguments: ["/a", "a/", "a//b", "../a", "a/./b", "a\0b"])
    func `malformed paths are refused`(_ text: String) {
        #expect(RelativePath(bytes: Array(text.utf8)) == nil)
    }

    @Test func `a path survives its bytes`() {
        let path = RelativePath(bytes: Array("a/b c/\u{fe}".utf8))
        #expect(path?.components.count == 3)
        #expect(path.flatMap { RelativePath(bytes: $0.bytes) } == path)
        #expect(RelativePath(bytes: [])?.isRoot == true)
    }

    @Test func `too deep a path is refused`() {
        let bytes = Array(
            [[UInt8]](repeating: [0x61], count: RelativePath.limitDepth + 1).joined(separator: [0x2f]))
        #expect(RelativePath(bytes: bytes) == nil)
        #expect(RelativePath(bytes: bytes.dropLast(2)) != nil)
    }
}

@Suite struct ConflictNameTests {
    private let day = Timestamp(seconds: 1_795_392_000, nanoseconds: 0)

    private func name(_ text: String, attempt: Int = 1, device: String = "laptop") -> String {
        ConflictName.name(for: Fixture.name(text), device: device, date: day, attempt: attempt).description
    }

    @Test func `the mark stands before the extension`() {
        #expect(name("plan.md") == "plan (conflict laptop 2026-11-23).md")
        #expect(name("plan") == "plan (conflict laptop 2026-11-23)")
        #expect(name(".bashrc") == ".bashrc (conflict laptop 2026-11-23)")
        #expect(name("plan.md", attempt: 2) == "plan (conflict laptop 2026-11-23 2).md")
    }

    @Test func `a device's name cannot break a path`() {
        #expect(name("a", device: "../x\n") == "a (conflict ..x 2026-11-23)")
        #expect(name("a", device: "/") == "a (conflict device 2026-11-23)")
    }

    @Test func `the longest names are shortened on whole characters`() {
        let long = String(repeating: "é", count: 127)
        let result = ConflictName.name(for: Fixture.name(long), device: "laptop", date: day, attempt: 1)
        #expect(result.bytes.count <= EntryName.limitBytes)
        #expect(String(validating: result.bytes, as: UTF8.self) != nil)
    }

    @Test(
        arguments: [
            (0, "1970-01-01"), (951_782_400, "2000-02-29"), (-1, "1969-12-31"), (4_107_542_400, "2100-03-01"),
        ] as [(Int64, String)])
    func `days follow the Gregorian calendar`(_ seconds: Int64, _ text: String) {
        #expect(CalendarDay(Timestamp(seconds: seconds, nanoseconds: 0)).description == text)
    }
}

@Suite struct ManifestTests {
    @Test func `a manifest survives its encoding`() {
        let manifest = Manifest([
            ChunkReference(id: ChunkID(Bytes32(1, 2, 3, 4)), sizeBytes: 70_000),
            ChunkReference(id: ChunkID(Bytes32(.max, 0, 1, 2)), sizeBytes: 1),
        ])
        #expect(Manifest(encoded: manifest.encoded) == manifest)
        #expect(Manifest(encoded: manifest.encoded.dropLast()) == nil)
        #expect(manifest.sizeBytes == 70_001)
    }
}
