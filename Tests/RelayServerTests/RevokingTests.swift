// SPDX-License-Identifier: Apache-2.0

import RelayCore
import RelayServer
import RelayWire
import Testing

/// Devices whose access is taken back, and those that leave.
@Suite(.timeLimit(.minutes(2))) struct RevokingTests {
    /// What the hub says when it closes the connection.
    private func farewell(of control: AgentControl?) async throws -> RefusalReason {
        try await refusal { while try await control?.next() != nil {} }
    }

    private func farewell(of bulk: Bulk?) async throws -> RefusalReason {
        try await refusal { while try await bulk?.next() != nil {} }
    }

    @Test func `S59 a revoked device is cut off, and gets nothing that it knows by reference`() async throws {
        try await withDirectory { directory in
            let file = TestFile.random(3_000_000, seed: 1)
            try await withHub(directory) { hub in
                let a = try await hub.joinFully("a")
                let b = try await hub.joinFully("b")
                try await a.create("large", file)
                let source = try a.holder(of: file)
                let holder = Task { await source.run() }
                try await hub.waitForReport { $0.storedBytes > 2_900_000 }
                // The device asks for all of it, and takes nothing: the hub is in the middle of it.
                for _ in 0..<40 { try await b.want(file, 0..<file.chunkCount) }
                let link = try await hub.link()
                let report = try await hub.hub.revoke(device: "b", share: nil)
                #expect(report.deviceID == b.identity.id.description && report.shares == ["shared"])
                #expect(report.voidLinks == 1)
                #expect(try await farewell(of: b.control) == .revoked)
                #expect(try await farewell(of: b.bulk) == .revoked)
                #expect(try await refusal { try await b.connectControl() } == .revoked)
                #expect(try await refusal { try await b.connectBulk() } == .revoked)
                for token in [link.token, try await hub.link().token] {
                    #expect(try await refusal { try await b.connectControl(token: token) } == .revoked)
                }
                let share = try #require(await hub.hub.status().shares.first)
                #expect(share.devices.map(\.name) == ["a"])
                #expect(share.revoked?.map(\.name) == ["b"])
                // The others do not notice.
                try await a.create("next", .text("next"))
                holder.cancel()
            }
            try await withHub(directory) { hub in
                let b = try await hub.member("b")
                #expect(try await refusal { try await b.connectControl() } == .revoked)
                #expect(try await refusal { try await b.connectBulk() } == .revoked)
                #expect(await hub.hub.status().shares.first?.devices.map(\.name) == ["a"])
            }
        }
    }

    @Test func `links that nobody used are void once a device was revoked`() async throws {
        try await withDirectory { directory in
            try await withHub(directory) { hub in
                _ = try await hub.join("b")
                let before = try await hub.link()
                _ = try await hub.hub.revoke(device: "b", share: "shared")
                let disguised = try await hub.member("disguised")
                #expect(
                    try await refusal { try await disguised.connectControl(token: before.token) }
                        == .badToken)
                let c = try await hub.member("c")
                try await c.connectControl(token: try await hub.link().token)
            }
        }
    }

    @Test func `a device that is revoked from one share stays in the others, and sees nothing of it`()
        async throws
    {
        try await withDirectory { directory in
            try await withHub(directory) { hub in
                let file = TestFile.text("secret")
                let a = try await hub.joinFully("a")
                try await a.create("file", file)
                let b = try await hub.joinFully("b")
                let text = try await hub.hub.invite(share: "other", address: nil, creates: true)
                let inOther = try await hub.member("b")
                try await inOther.connectControl(
                    inOther.hello(token: try JoinLink(parsing: text).token, share: "other"))
                try await inOther.subscribe(nil)
                try await inOther.connectBulk(share: "other")
                _ = try await hub.hub.revoke(device: b.identity.id.description, share: "shared")
                #expect(try await farewell(of: b.control) == .revoked)
                let request = try await inOther.want(file, 0..<1)
                #expect(
                    try await inOther.nextBulk() == .unavailable(request: request, index: nil, .unknown))
                let manifest = try await inOther.wantManifest(file.content)
                #expect(
                    try await inOther.nextBulk() == .unavailable(request: manifest, index: nil, .unknown))
            }
        }
    }

    @Test func `nobody waits for a revoked device`() async throws {
        try await withDirectory { directory in
            try await withHub(directory, storeLimitBytes: 0) { hub in
                let file = TestFile.random(100_000, seed: 2)
                let a = try await hub.joinFully("a")
                try await a.create("file", file)
                await a.disconnect()
                let b = try await hub.joinFully("b")
                let request = try await b.want(file, 0..<1)
                #expect(try await b.nextBulk() == .waiting(request: request, devices: ["a"]))
                _ = try await hub.hub.revoke(device: "a", share: nil)
                #expect(try await b.nextBulk() == .unavailable(request: request, index: 0, .notHeld))
            }
        }
    }

    @Test func `what a revoked device is asked for is asked of the next one`() async throws {
        try await withDirectory { directory in
            try await withHub(directory, storeLimitBytes: 0) { hub in
                let file = TestFile.random(100_000, seed: 3)
                let a = try await hub.joinFully("a")
                try await a.create("file", file)
                let b = try await hub.joinFully("b")
                let c = try await hub.joinFully("c")
                let request = try await c.want(file, 0..<1)
                // The author is asked first, and says nothing.
                _ = try await a.nextBulk()
                _ = try await hub.hub.revoke(device: "a", share: nil)
                try await b.serveOne(file)
                guard case .chunk(request, 0, _) = try await c.nextBulk() else {
                    throw FixtureError("no chunk")
                }
            }
        }
    }

    @Test func `a device that connects while it is revoked does not get in`() async throws {
        try await withDirectory { directory in
            try await withHub(directory) { hub in
                let b = try await hub.join("b")
                let (identity, port, key) = (b.identity, hub.port, b.hub)
                let ends = try await withThrowingTaskGroup(of: RefusalReason?.self) { group in
                    for number in 0..<24 {
                        group.addTask {
                            let dialer = HandDrivenAgent(name: "b", identity: identity, port: port, hub: key)
                            do {
                                if number.isMultiple(of: 2) {
                                    try await dialer.connectControl()
                                    while try await dialer.control?.next() != nil {}
                                } else {
                                    try await dialer.connectBulk()
                                    while try await dialer.bulk?.next() != nil {}
                                }
                            } catch WireError.refused(let reason, _) {
                                return reason
                            }
                            return nil
                        }
                    }
                    _ = try await hub.hub.revoke(device: "b", share: nil)
                    return try await group.reduce(into: []) { $0.append($1) }
                }
                // Each was told, or made way for the next one; none is open.
                #expect(ends.allSatisfy { $0 == .revoked || $0 == .superseded }, "\(ends)")
                #expect(await hub.hub.status().shares.first?.devices.isEmpty == true)
            }
        }
    }

    @Test func `a device that is readmitted goes on`() async throws {
        try await withDirectory { directory in
            try await withHub(directory) { hub in
                let b = try await hub.joinFully("b")
                _ = try await hub.hub.revoke(device: "b", share: nil)
                #expect(try await farewell(of: b.control) == .revoked)
                let report = try await hub.hub.readmit(device: "b", share: nil)
                #expect(report.shares == ["shared"])
                try await b.connectControl()
                try await b.subscribe(nil)
                #expect(await hub.hub.status().shares.first?.revoked == nil)
                let again = await #expect(throws: ControlError.self) {
                    try await hub.hub.readmit(device: "b", share: nil)
                }
                #expect(again?.exitCode == 5)
            }
        }
    }

    @Test func `who is revoked is said by name or id, and is one`() async throws {
        try await withDirectory { directory in
            try await withHub(directory) { hub in
                let b = try await hub.join("b")
                let twin = HandDrivenAgent(
                    name: "b", identity: try hub.identity("twin"), port: hub.port, hub: b.hub)
                try await twin.connectControl(token: try await hub.link().token)
                for (text, code) in [("b", 2), ("nobody", 5), ("", 5)] as [(String, Int32)] {
                    let error = await #expect(throws: ControlError.self) {
                        try await hub.hub.revoke(device: text, share: nil)
                    }
                    #expect(error?.exitCode == code, "\(text)")
                }
                let unknown = await #expect(throws: ControlError.self) {
                    try await hub.hub.revoke(device: "b", share: "nothing")
                }
                #expect(unknown?.exitCode == 5)
                let report = try await hub.hub.revoke(
                    device: String(twin.identity.id.description.prefix(16)), share: nil)
                #expect(report.deviceID == twin.identity.id.description)
                #expect(
                    await hub.hub.status().shares.first?.devices.map(\.deviceID) == [
                        b.identity.id.description
                    ])
            }
        }
    }

    @Test func `a device that leaves is a member no more, and may come back with a link`() async throws {
        try await withDirectory { directory in
            try await withHub(directory) { hub in
                let b = try await hub.joinFully("b")
                try await b.create("file", .text("b"))
                try await b.send(.leave(isForced: false))
                #expect(try await farewell(of: b.control) == .left)
                #expect(try await farewell(of: b.bulk) == .left)
                #expect(try await refusal { try await b.connectControl() } == .unknownDevice)
                #expect(await hub.hub.status().shares.first?.devices.isEmpty == true)
                try await b.connectControl(token: try await hub.link().token)
                let known = try await b.subscribe(nil).records
                #expect(known.count == 1)
            }
        }
    }

    @Test func `S37 a device that alone has contents stays, unless it is forced`() async throws {
        try await withDirectory { directory in
            try await withHub(directory, storeLimitBytes: 0) { hub in
                let a = try await hub.joinFully("a")
                let b = try await hub.joinFully("b")
                try await a.create("file", .random(100_000, seed: 4))
                try await b.send(.leave(isForced: false))
                #expect(try await farewell(of: b.control) == .left)
                try await a.send(.leave(isForced: false))
                #expect(try await farewell(of: a.control) == .needed)
                try await a.connectControl()
                try await a.send(.leave(isForced: true))
                #expect(try await farewell(of: a.control) == .left)
            }
        }
    }

    @Test func `S37 a device leaves once another one holds what it has`() async throws {
        try await withDirectory { directory in
            try await withHub(directory, storeLimitBytes: 0) { hub in
                let a = try await hub.joinFully("a")
                try await a.create("file", .random(100_000, seed: 4))
                let revision = try #require(a.decidedAt)
                let b = try await hub.joinFully("b")
                try await b.send(.applied(revision))
                try await hub.waitForReport { $0.devices.contains { $0.appliedRevision == revision.number } }
                try await a.send(.leave(isForced: false))
                #expect(try await farewell(of: a.control) == .left)
            }
        }
    }
}
