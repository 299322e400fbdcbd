// SPDX-License-Identifier: Apache-2.0

import RelayProgram
import Testing

@Suite struct DescriptorLimitTests {
    @Test(arguments: [(0, 8), (64, 12), (256, 108), (1024, 492), (65_536, 4096), (Int.max, 4096)])
    func `of few descriptors many are left for other things than connections`(
        descriptors: Int, connections: Int
    ) {
        #expect(DescriptorLimit.connections(descriptors: descriptors) == connections)
    }

    @Test func `a process may open files`() { #expect(DescriptorLimit.current > 3) }
}
