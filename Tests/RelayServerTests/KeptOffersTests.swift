// SPDX-License-Identifier: Apache-2.0

import RelayCore
import RelayWire
import Testing

@testable import RelayServer

/// Contents that came ahead of the batches that name them.
@Suite(.timeLimit(.minutes(1))) struct KeptOffersTests {
    private func bare(_ file: TestFile) -> ContentOffer {
        var offer = file.offer
        offer.inline = nil
        return offer
    }

    @Test func `a batch may name contents that came before it without their bytes`() async throws {
        try await withDirectory { directory in
            try await withHub(directory) { hub in
                let author = try await hub.joinFully("author")
                let reader = try await hub.joinFully("reader")
                let (one, two) = (TestFile.text("one"), TestFile.text("two"))
                try await author.send(.offer([one.offer, two.offer]))
                try await author.commit([one.create("one")], offers: [bare(one)])
                #expect(try await reader.changes().offers == [one.offer])
                try await author.commit([two.create("two")], offers: [bare(two)])
                #expect(try await reader.changes().offers == [two.offer])
                // Both are stored, and nobody is asked for them.
                try await hub.waitForReport { $0.storedBytes > 0 }
                await author.disconnect()
                try await reader.want(one, [0])
                try await reader.receive(one, count: 1)
                try await reader.want(two, [0])
                try await reader.receive(two, count: 1)
            }
        }
    }

    @Test func `what was not kept is asked of its author`() async throws {
        try await withDirectory { directory in
            try await withHub(directory) { hub in
                let author = try await hub.joinFully("author")
                let (one, two) = (TestFile.text("one"), TestFile.text("two"))
                try await author.send(.offer([one.offer, two.offer]))
                // Not needed after all, it says.
                try await author.send(.offer([]))
                try await author.commit([one.create("one")], offers: [bare(one)])
                try await author.serveOne(one)
                // A batch that names a content has it kept no longer.
                try await author.send(.offer([two.offer]))
                try await author.commit([two.create("two")], offers: [bare(two)])
                let three = TestFile.text("three")
                try await author.commit([three.create("three")], offers: [bare(three)])
                try await author.serveOne(three)
            }
        }
    }

    @Test func `an offer that is not what it claims to be ends the connection`() async throws {
        try await withDirectory { directory in
            try await withHub(directory) { hub in
                let author = try await hub.joinFully("author")
                let (one, two) = (TestFile.text("one"), TestFile.text("two"))
                var wrong = one.offer
                wrong.inline = two.offer.inline
                try await author.send(.offer([wrong]))
                let error = await #expect(throws: WireError.self) { try await author.next() }
                #expect("\(error.map(String.init(describing:)) ?? "")".contains("not the one of its list"))
            }
        }
    }

    @Test func `a bounded number of bytes is kept`() {
        var kept = KeptOffers()
        let files = (0..<200).map { TestFile.random(60_000, seed: UInt64($0) + 1) }
        kept.keep(files.map(\.offer))
        let batch = Batch(id: .random(), operations: [], offers: files.map(bare))
        let taken = kept.take(for: batch)
        #expect(taken.count == 6 << 20 / 60_176)
        #expect(kept.take(for: batch).isEmpty)
        kept.keep([files[0].offer])
        kept.keep([])
        #expect(kept.take(for: batch).isEmpty)
    }
}
