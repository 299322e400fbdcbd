// SPDX-License-Identifier: Apache-2.0

import RelayCore
import Testing

@testable import RelayServer

@Suite(.timeLimit(.minutes(1))) struct AcquisitionQueueTests {
    private let acquisition = Acquisition(content: ContentID(Bytes32(1, 2, 3, 4)), sizeBytes: 100)

    @Test func `all is there once a sweep has met every request, and what it found was brought`() async {
        let queue = AcquisitionQueue()
        queue.requestSweep(after: Revision(5))
        #expect(!queue.isDone)
        guard let sweep = await queue.takeSweep() else { return }
        #expect(sweep.after == Revision(5) && !queue.isDone)
        queue.add(acquisition)
        queue.finish(sweep)
        #expect(!queue.isDone)
        queue.park(acquisition)
        #expect(!queue.isDone)
        queue.resumeParked()
        queue.finish(acquisition, isStored: true)
        #expect(queue.isDone)
    }

    @Test func `what was given up is missing until a sweep finds it again`() async {
        let queue = AcquisitionQueue()
        queue.requestSweep()
        if let sweep = await queue.takeSweep() { queue.finish(sweep) }
        queue.add(acquisition)
        queue.finish(acquisition, isStored: false)
        #expect(!queue.isDone)
        queue.requestSweep()
        if let sweep = await queue.takeSweep() { queue.finish(sweep) }
        #expect(queue.isDone)
    }

    @Test func `a request that comes during a sweep is not met by it`() async {
        let queue = AcquisitionQueue()
        queue.requestSweep(after: Revision(5))
        let first = await queue.takeSweep()
        queue.requestSweep(after: Revision(9))
        queue.requestSweep()
        if let first { queue.finish(first) }
        #expect(!queue.isDone)
        let second = await queue.takeSweep()
        #expect(second?.after == .zero)
        if let second { queue.finish(second) }
        #expect(queue.isDone)
    }
}
