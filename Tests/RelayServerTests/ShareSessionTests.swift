// SPDX-License-Identifier: Apache-2.0

import RelayCore
import RelayStorage
import Testing

@testable import RelayServer

@Suite(.timeLimit(.minutes(1))) struct ShareSessionTests {
    @Test func `a share that failed is opened again, with what it had`() async throws {
        try await withDirectory { directory in
            let session = ShareSession(
                share: ShareRecord(id: ShareID(high: 1, low: 2), name: "shared"), directory: directory,
                isNew: true, limitBytes: nil, gate: StoreGate(logger: testLogger()),
                acquisitions: AcquisitionQueue(), roll: MemberRoll([:]), logger: testLogger())
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
}
