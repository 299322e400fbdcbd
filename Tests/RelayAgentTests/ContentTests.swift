// SPDX-License-Identifier: Apache-2.0

import Foundation
import RelayCore
import Testing

@testable import RelayAgent

@Suite(.serialized) struct ContentTests {
    @Test func `a large file crosses both ways, and an edit of it`() async throws {
        try await TestNetwork.run(["anna", "ben"]) { network, devices in
            let (anna, ben) = (devices[0], devices[1])
            var bytes = noise(24 << 20, seed: 1)
            try anna.write("large", bytes)
            try await network.settle()
            #expect(ben.bytes("large") == bytes)
            bytes.insert(contentsOf: noise(1000, seed: 2), at: 5_000_000)
            try ben.write("large", bytes)
            try await network.settle()
            #expect(anna.bytes("large") == bytes)
            try anna.write("another", bytes + noise(100, seed: 3))
            try ben.write("other", noise(9 << 20, seed: 4))
            try await network.settle()
            #expect(try ben.tree() == anna.tree())
        }
    }

    @Test func `zeros and repetitions cross`() async throws {
        try await TestNetwork.run(["anna", "ben"]) { network, devices in
            let (anna, ben) = (devices[0], devices[1])
            let block = noise(300_000, seed: 5)
            try anna.write("zeros", [UInt8](repeating: 0, count: 3 << 20))
            try anna.write("again", block + block + block + block)
            try await network.settle()
            #expect(try ben.tree() == anna.tree())
        }
    }

    @Test func `a hub that keeps nothing passes contents on from who has them`() async throws {
        try await TestNetwork.run(["anna", "ben"], storeLimitBytes: 0) { network, devices in
            let (anna, ben) = (devices[0], devices[1])
            let bytes = noise(3 << 20, seed: 6)
            try anna.write("relayed", bytes)
            try anna.write("small", "small")
            try await network.settle()
            #expect(ben.bytes("relayed") == bytes)
            #expect(ben.text("small") == "small")
            let carl = try await network.join("carl")
            try await network.settle()
            #expect(carl.bytes("relayed") == bytes)
        }
    }

    @Test func `content of a device that is offline is waited for by name, and comes with it`() async throws {
        try await TestNetwork.run(["anna"], storeLimitBytes: 0) { network, devices in
            let anna = devices[0]
            let bytes = noise(2 << 20, seed: 7)
            try anna.write("only-anna", bytes)
            try await network.settle()
            await anna.stop()
            let ben = try await network.join("ben")
            let path = try #require(RelativePath(bytes: Array("only-anna".utf8)))
            let error = await #expect(throws: ControlError.self) {
                _ = try await ben.agent.download(share: nil, path: path, timeoutSeconds: 2)
            }
            guard case .notInSync(let text)? = error else {
                Issue.record("not the expected error: \(String(describing: error))")
                return
            }
            #expect(text.contains("anna"))
            try await anna.start()
            _ = try await ben.agent.download(
                share: nil, path: path, timeoutSeconds: TestNetwork.patienceSeconds)
            #expect(ben.bytes("only-anna") == bytes)
        }
    }

    @Test func `a restart reads nothing again and transfers nothing again`() async throws {
        try await TestNetwork.run(["anna", "ben"]) { network, devices in
            let (anna, ben) = (devices[0], devices[1])
            for number in 0..<50 { try anna.write("f\(number)", "content \(number)") }
            try await network.settle()
            let times = try (0..<50).map { number in
                var status = stat()
                try #require(stat(anna.path("f\(number)"), &status) == 0)
                return status.st_atim.tv_sec * 1_000_000_000 + status.st_atim.tv_nsec
            }
            let revision = try await ben.report().revision
            await anna.stop()
            try await anna.start()
            try await network.settle()
            for number in 0..<50 {
                var status = stat()
                try #require(stat(anna.path("f\(number)"), &status) == 0)
                #expect(status.st_atim.tv_sec * 1_000_000_000 + status.st_atim.tv_nsec == times[number])
            }
            #expect(try await ben.report().revision == revision)
        }
    }
}
