// SPDX-License-Identifier: Apache-2.0

import RelayCore
import Testing

@Suite struct WatchRecordTests {
    private let records: [WatchRecord] = [
        .ready, .overflow,
        .hints([
            .entry(path("a/b"), writing: true), .entry(path([0xff, 0x0a]), writing: false), .subtree(.root),
            .deleted(path("gone")),
        ]),
        .polling(count: 7, directories: [.root, path("a/b")]), .polling(count: 0, directories: []),
        .rootGone("it was moved"),
    ]

    private func encode(_ records: [WatchRecord]) -> [UInt8] {
        var encoder = WatchRecordEncoder()
        for record in records { encoder.append(record) }
        return encoder.bytes
    }

    private func decode(_ bytes: [UInt8]) throws -> [WatchRecord] {
        var decoder = WatchRecordDecoder()
        decoder.append(bytes)
        var result: [WatchRecord] = []
        while let record = try decoder.next() { result.append(record) }
        return result
    }

    @Test func `records have known bytes`() {
        #expect(encode([.ready]) == [0, 0, 0, 1, 1])
        #expect(
            encode([.hints([.entry(path("a"), writing: true), .subtree(.root)])])
                == [0, 0, 0, 12, 2, 1, 0, 0, 0, 1, 0x61, 2, 0, 0, 0, 0])
        #expect(encode([.hints([.deleted(path("a"))])]) == [0, 0, 0, 7, 2, 3, 0, 0, 0, 1, 0x61])
        #expect(encode([.overflow]) == [0, 0, 0, 1, 3])
        #expect(
            encode([.polling(count: 258, directories: [path("b")])])
                == [0, 0, 0, 10, 4, 0, 0, 1, 2, 0, 0, 0, 1, 0x62])
        #expect(encode([.rootGone("x")]) == [0, 0, 0, 2, 5, 0x78])
    }

    @Test func `records come back, however their bytes arrive`() throws {
        let bytes = encode(records)
        #expect(try decode(bytes) == records)
        var decoder = WatchRecordDecoder()
        var result: [WatchRecord] = []
        for byte in bytes {
            decoder.append([byte])
            while let record = try decoder.next() { result.append(record) }
        }
        #expect(result == records)
    }

    @Test func `hints that are too many for a record become several`() throws {
        let name = String(repeating: "n", count: 250)
        let hints = (0..<10_000).map { Hint.entry(path("\(name)/\($0)"), writing: false) }
        let bytes = encode([.hints(hints)])
        let decoded = try decode(bytes)
        #expect(decoded.count > 1)
        #expect(decoded.flatMap { if case .hints(let part) = $0 { part } else { [Hint]() } } == hints)
    }

    @Test(
        arguments: [
            [0, 0, 0, 0], [0, 0x10, 0, 1, 2], [0xff, 0xff, 0xff, 0xff, 1], [0, 0, 0, 1, 0], [0, 0, 0, 1, 6],
            [0, 0, 0, 2, 1, 0], [0, 0, 0, 2, 2, 0], [0, 0, 0, 6, 2, 4, 0, 0, 0, 0],
            [0, 0, 0, 7, 2, 0, 0, 0, 0, 2, 0x61], [0, 0, 0, 7, 2, 0, 0, 0, 0, 1, 0x2f], [0, 0, 0, 2, 4, 0],
        ] as [[UInt8]])
    func `bytes that are no record are refused`(bytes: [UInt8]) {
        #expect(throws: WatchRecordError.self) { try decode(bytes) }
    }
}
