// SPDX-License-Identifier: Apache-2.0

import Glibc
import Testing

@testable import RelayFolder

@Suite struct PressureTests {
    private func isHigh(_ text: String) throws -> Bool {
        let scratch = try Scratch()
        scratch.write("pressure", text)
        return ProcessorPressure(path: scratch.path + "/pressure").isHigh
    }

    @Test func `what the kernel tells of those who wait for a processor is taken in`() throws {
        let full = "full avg10=90.00 avg60=90.00 avg300=90.00 total=5\n"
        #expect(try !isHigh("some avg10=0.00 avg60=99.00 avg300=99.00 total=1\n" + full))
        #expect(try !isHigh("some avg10=19.99 avg60=0.00 avg300=0.00 total=1\n" + full))
        #expect(try isHigh("some avg10=20.00 avg60=0.00 avg300=0.00 total=1\n" + full))
    }

    @Test(arguments: ["", "nonsense\n", "some avg60=99.00\n", "some avg10=\n", "some avg10=x\n", full])
    func `a kernel that tells nothing of them is not busy`(text: String) throws {
        #expect(try !isHigh(text))
        #expect(!ProcessorPressure(path: "/var/tmp/there-is-no-such-file").isHigh)
    }

    private static let full = "full avg10=90.00 avg60=90.00 avg300=90.00 total=5\n"
}
