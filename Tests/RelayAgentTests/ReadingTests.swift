// SPDX-License-Identifier: Apache-2.0

import Foundation
import RelayCore
import RelayFolder
import Synchronization
import Testing

@testable import RelayAgent

@Suite struct ReadingTests {
    @Test func `a file that was served to others is not kept open`() async throws {
        try await TestNetwork.run(["a", "b"], storeLimitBytes: 0) { network, devices in
            let (a, b) = (devices[0], devices[1])
            try a.write("f", noise(3_000_000, seed: 5))
            try await network.settle()
            #expect(b.bytes("f")?.count == 3_000_000)
            try a.remove("f")
            try await network.settle()
            var open = ["unknown"]
            for _ in 0..<1000 where !open.isEmpty {
                open = Self.openFiles(beneath: network.directory).filter { $0.contains("(deleted)") }
                await pause(.milliseconds(10))
            }
            #expect(open.filter { $0.hasSuffix("/f (deleted)") } == [])
        }
    }

    private static func openFiles(beneath directory: String) -> [String] {
        let numbers = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []
        return numbers.compactMap { number in
            let target = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(number)")
            return target.flatMap { $0.hasPrefix(directory) ? $0 : nil }
        }
    }
}
