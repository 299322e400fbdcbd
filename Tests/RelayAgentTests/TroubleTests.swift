// SPDX-License-Identifier: Apache-2.0

import Foundation
import RelayCore
import RelayWire
import Testing

@testable import RelayAgent

@Suite(.serialized) struct TroubleTests {
    @Test func `a folder that goes away halts, and goes on when it is back, and nothing is deleted`()
        async throws
    {
        try await TestNetwork.run(["anna", "ben"]) { network, devices in
            let (anna, ben) = (devices[0], devices[1])
            try anna.write("kept", "kept")
            try await network.settle()
            let aside = ben.folder + ".aside"
            #expect(rename(ben.folder, aside) == 0)
            try await ben.waitForReport { $0.state == .halted }
            try anna.write("more", "more")
            try await anna.waitInSync()
            #expect(anna.text("kept") == "kept")
            #expect(rename(aside, ben.folder) == 0)
            try await ben.waitForReport { $0.state != .halted }
            try await network.settle()
            #expect(try ben.tree() == anna.tree())
            #expect(ben.text("kept") == "kept")
        }
    }

    @Test func `a folder replaced by another halts`() async throws {
        try await TestNetwork.run(["anna", "ben"]) { network, devices in
            let (anna, ben) = (devices[0], devices[1])
            try anna.write("kept", "kept")
            try await network.settle()
            #expect(rename(ben.folder, ben.folder + ".aside") == 0)
            try FileManager.default.createDirectory(atPath: ben.folder, withIntermediateDirectories: true)
            try await ben.waitForReport { $0.state == .halted }
            try await anna.waitInSync()
            #expect(anna.text("kept") == "kept")
            #expect(try FileManager.default.contentsOfDirectory(atPath: ben.folder).isEmpty)
        }
    }

    @Test func `a damaged replica is put aside and built anew`() async throws {
        try await TestNetwork.run(["anna", "ben"]) { network, devices in
            let (anna, ben) = (devices[0], devices[1])
            try anna.write("kept", "kept")
            try await network.settle()
            await ben.stop()
            let file = try #require(
                FileManager.default.subpathsOfDirectory(atPath: ben.state).first {
                    $0.hasSuffix("replica.sqlite")
                })
            try Data("this is not a database, whatever its name says".utf8)
                .write(to: URL(fileURLWithPath: ben.state + "/" + file))
            try ben.write("new", "new")
            try await ben.start()
            try await network.settle()
            #expect(try anna.tree().keys.sorted() == ["kept", "new"])
            #expect(try ben.tree() == anna.tree())
            let names = try FileManager.default.subpathsOfDirectory(atPath: ben.state)
            #expect(names.contains { $0.contains("replica.sqlite.damaged-") })
        }
    }

    @Test func `a second agent on one state directory is refused`() async throws {
        try await TestNetwork.run(["anna"]) { _, devices in
            #expect {
                _ = try devices[0].makeAgent()
            } throws: { error in
                if case AgentError.stateInUse = error { true } else { false }
            }
        }
    }

    @Test func `a folder nobody knows is refused with what to do`() async throws {
        try await TestNetwork.run([]) { network, _ in
            let device = TestDevice(name: "dora", directory: network.directory + "/dora", watching: true)
            let agent = try device.makeAgent()
            let error = #expect(throws: AgentError.self) { try agent.serve(folder: device.folder) }
            #expect(error?.description.contains("--join") == true)
        }
    }

    @Test func `folders inside one another and around the state are refused`() async throws {
        try await TestNetwork.run(["anna"]) { network, devices in
            let anna = devices[0]
            let link = try await network.invite()
            for folder in [anna.folder + "/inside", network.directory, anna.state + "/folder", "/"] {
                let error = await #expect(throws: AgentError.self) {
                    try await anna.agent.join(folder: folder, link: link)
                }
                guard case .refused? = error else {
                    Issue.record("\(folder): \(String(describing: error))")
                    continue
                }
            }
        }
    }

    @Test func `a token is good for one device`() async throws {
        try await TestNetwork.run([]) { network, _ in
            let link = try await network.invite()
            let first = TestDevice(name: "first", directory: network.directory + "/first", watching: true)
            let second = TestDevice(name: "second", directory: network.directory + "/second", watching: true)
            for device in [first, second] {
                try FileManager.default.createDirectory(
                    atPath: device.folder, withIntermediateDirectories: true)
            }
            try await first.makeAgent().join(folder: first.folder, link: link)
            let error = await #expect(throws: AgentError.self) {
                try await second.makeAgent().join(folder: second.folder, link: link)
            }
            guard case .notAdmitted? = error else {
                Issue.record("not the expected error: \(String(describing: error))")
                return
            }
        }
    }

    @Test func `an agent ends soon after it is told to, also while its hub is gone`() async throws {
        try await TestNetwork.run(["anna"]) { network, devices in
            let anna = devices[0]
            try anna.write("large", noise(30 << 20, seed: 10))
            let begin = ContinuousClock.now
            await anna.stop()
            #expect(ContinuousClock.now - begin < .seconds(4))
        }
    }
}
