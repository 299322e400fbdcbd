// SPDX-License-Identifier: Apache-2.0

import Foundation
import RelayCore
import Synchronization
import Testing

@testable import RelayAgent

@Suite(.serialized) struct ControlTests {
    private func path(_ text: String) throws -> RelativePath {
        try #require(RelativePath(bytes: Array(text.utf8)))
    }

    @Test func `an upload becomes a file here and elsewhere, and can be read and deleted`() async throws {
        try await TestNetwork.run(["anna", "ben"]) { network, devices in
            let (anna, ben) = (devices[0], devices[1])
            let bytes = noise(700_000, seed: 8)
            let portions = Mutex([Array(bytes[..<300_000]), Array(bytes[300_000...])])
            let modified = Timestamp(seconds: 1_000_000_000, nanoseconds: 5)
            try await anna.agent.upload(
                share: nil, path: path("in/up.bin"), mode: PermissionBits(0o640), modified: modified,
                from: { portions.withLock { $0.isEmpty ? nil : $0.removeFirst() } })
            try await network.settle()
            #expect(ben.bytes("in/up.bin") == bytes)
            var status = stat()
            #expect(stat(ben.path("in/up.bin"), &status) == 0)
            #expect(status.st_mode & 0o777 == 0o640)
            #expect(status.st_mtim.tv_sec == 1_000_000_000)

            let read = Mutex<[UInt8]>([])
            try await ben.agent.read(share: "shared", path: path("in/up.bin"), timeoutSeconds: 10) {
                payload, part in
                #expect(payload.sizeBytes == 700_000)
                read.withLock { $0 += part }
            }
            #expect(read.withLock { $0 } == bytes)

            try await ben.agent.delete(share: nil, path: path("in"))
            try await network.settle()
            #expect(try anna.tree().isEmpty)
            await #expect(throws: ControlError.notFound("nothing at in in the share")) {
                try await ben.agent.delete(share: nil, path: try path("in"))
            }
        }
    }

    @Test func `who waits for no time at all is told what is known`() async throws {
        try await TestNetwork.run(["anna"]) { network, devices in
            let anna = try devices[0].agent
            try await anna.wait(share: nil, timeoutSeconds: 20)
            try await anna.wait(share: nil, timeoutSeconds: 0)
            await #expect(throws: ControlError.self) {
                try await anna.wait(share: "unknown", timeoutSeconds: 0)
            }
        }
    }

    @Test func `a list names everything in the order of the paths`() async throws {
        try await TestNetwork.run(["anna"]) { network, devices in
            let anna = devices[0]
            try anna.makeDirectory("b")
            try anna.write("b/x", "12345")
            try anna.write("a", "1")
            try await network.settle()
            let entries = try await anna.agent.list(share: nil, path: .root)
            #expect(entries.map(\.path) == ["a", "b", "b/x"])
            #expect(entries.map(\.kind) == ["file", "directory", "file"])
            #expect(entries.allSatisfy { $0.state == .inSync })
            #expect(entries[2].sizeBytes == 5)
            let part = try await anna.agent.list(share: nil, path: path("b"))
            #expect(part.map(\.path) == ["b", "b/x"])
            await #expect(throws: ControlError.self) {
                _ = try await anna.agent.list(share: nil, path: try path("c"))
            }
        }
    }

    @Test func `a missing path, a reserved name and an unknown share are told apart`() async throws {
        try await TestNetwork.run(["anna"]) { network, devices in
            let anna = try devices[0].agent
            try await network.settle()
            await #expect(throws: ControlError.notFound("nothing at nowhere in the share")) {
                _ = try await anna.download(share: nil, path: try path("nowhere"), timeoutSeconds: 10)
            }
            await #expect(throws: ControlError.refused("the name .relay is reserved")) {
                try await anna.makeDirectory(share: nil, path: try path(".relay/x"))
            }
            await #expect(throws: ControlError.notFound("no share other; this agent has shared")) {
                _ = try await anna.list(share: "other", path: .root)
            }
        }
    }

    @Test func `what only the share has can be read and deleted`() async throws {
        try await TestNetwork.run(["anna", "ben"], storeLimitBytes: 0) { network, devices in
            let (anna, ben) = (devices[0], devices[1])
            let bytes = noise(500_000, seed: 9)
            try anna.write("far", bytes)
            try await network.settle()
            let read = Mutex<[UInt8]>([])
            try await ben.agent.read(share: nil, path: path("far"), timeoutSeconds: 10) { _, part in
                read.withLock { $0 += part }
            }
            #expect(read.withLock { $0 } == bytes)
            try await ben.agent.delete(share: nil, path: path("far"))
            try await network.settle()
            #expect(try anna.tree().isEmpty)
        }
    }
}
