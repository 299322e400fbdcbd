// SPDX-License-Identifier: Apache-2.0

import RelayCore
import RelayStorage
import Testing

@testable import RelayServer

@Suite(.timeLimit(.minutes(1))) struct ShareSessionTests {
    @Test func `a share that failed is opened again, with what it had`() async throws {
        try await withDirectory { directory in
            let session = makeSession(directory, AcquisitionQueue(), isNew: true)
            try await session.open()
            let epoch = try #require(await session.standing()).head.epoch
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await session.run() }
                await session.fail(StateError("cannot write the index: disk full"))
                #expect(await session.standing() == nil)
                #expect(await session.access(CheckedBatch.emptyContent) == nil)
                #expect(await session.alarms.take(limitBytes: 0).count == 1)
                // Whatever comes has it opened again, but not more often than once in a while.
                while await session.standing() == nil {
                    session.inbox.put(.drained(SubscriberID(1)))
                    await Task.yield()
                }
                #expect(await session.standing()?.head.epoch == epoch)
                group.cancelAll()
            }
        }
    }

    @Test func `what was whole when the share was closed in order is not looked through again`() async throws
    {
        try await withDirectory { directory in
            let index = try SQLiteShareIndex(path: directory + "/index.sqlite") { Epoch(high: 1, low: 2) }
            try index.transaction { () throws in try index.setWholeThrough(Revision(7)) }
            index.close()
            // The second open finds nothing, for the first was not closed in order.
            for expected in [7, 0] as [UInt64] {
                let queue = AcquisitionQueue()
                let session = makeSession(directory, queue)
                try await session.open()
                #expect(await queue.takeSweep()?.after == Revision(expected))
                await session.close()
            }
            let queue = AcquisitionQueue()
            let session = makeSession(directory, queue)
            try await session.open()
            if let sweep = await queue.takeSweep() { queue.finish(sweep) }
            #expect(queue.isDone)
            await session.close()
            let closed = try SQLiteShareIndex(path: directory + "/index.sqlite") { Epoch(high: 1, low: 2) }
            #expect(try closed.transaction { () throws in try closed.takeWholeThrough() } == .zero)
            #expect(try closed.transaction { () throws in try closed.takeWholeThrough() } == nil)
        }
    }

    private func makeSession(
        _ directory: String, _ queue: AcquisitionQueue, isNew: Bool = false
    ) -> ShareSession {
        ShareSession(
            share: ShareRecord(id: ShareID(high: 1, low: 2), name: "shared"), directory: directory,
            isNew: isNew, limitBytes: nil, gate: StoreGate(logger: testLogger()), acquisitions: queue,
            roll: MemberRoll([:]), logger: testLogger())
    }
}
