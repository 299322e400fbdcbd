// SPDX-License-Identifier: Apache-2.0

import Foundation
import RelayCore
import RelayWire
import Synchronization
import Testing

@testable import RelayAgent

/// Hubs that answer with errors, with nothing, or with a part: a folder loses nothing by it.
@Suite(.timeLimit(.minutes(5))) struct HostileHubTests {
    @Test func `S53 a hub that knows nothing, a part, or errors only has no file removed`() async throws {
        let directory = "/tmp/relay-hostile-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let folder = directory + "/agent/folder"
        try FileManager.default.createDirectory(atPath: folder + "/d", withIntermediateDirectories: true)
        for name in ["one", "d/two"] {
            try Data(name.utf8).write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
        }
        let script = ScriptedHub(identity: try DeviceIdentity.loadOrCreate(directory: directory + "/hub"))
        let task = Task { try await script.run() }
        defer { task.cancel() }
        let device = TestDevice(name: "agent", directory: directory + "/agent", watching: true)
        try await join(device, try await script.link())
        // Each of the parts is played at least once.
        let deadline = ContinuousClock.now + .seconds(240)
        while script.turns < ScriptedHub.Turn.allCases.count, ContinuousClock.now < deadline {
            try await Task.sleep(for: .milliseconds(50))
        }
        #expect(script.turns >= ScriptedHub.Turn.allCases.count)
        for name in ["one", "d/two"] {
            #expect(try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(name)")) == Data(name.utf8))
        }
        let names = try FileManager.default.contentsOfDirectory(atPath: folder)
        #expect(Set(names).subtracting([".relay"]) == ["one", "d"])
        await device.stop()
    }

    /// Joins. While other tests keep the machine busy, a handshake may not be through in time.
    private func join(_ device: TestDevice, _ link: JoinLink) async throws {
        for _ in 0..<5 {
            do {
                return try await device.start(joining: link)
            } catch AgentError.unreachable {
                continue
            }
        }
        try await device.start(joining: link)
    }
}

/// A hub that first takes what it is told, and then plays one bad part after the other.
private final class ScriptedHub: Sendable {
    enum Turn: Int, CaseIterable {
        case good, empty, partial, refusing, silentEnd, goodbye, disordered
    }

    private let identity: DeviceIdentity
    private let port = OneShot<Int>()
    private let count = Mutex(0)
    private let epoch = Epoch(high: 5, low: 5)

    init(identity: DeviceIdentity) { self.identity = identity }

    /// How often an agent subscribed.
    var turns: Int { count.withLock { $0 } }

    func link() async throws -> JoinLink {
        let port = try #require(await port.wait())
        return JoinLink(
            host: "127.0.0.1", port: port, share: "shared", hub: identity.id,
            token: [UInt8](repeating: 1, count: 16))
    }

    func run() async throws {
        let listener = HubListener(host: "127.0.0.1", port: 0, identity: identity)
        try await listener.run(
            ready: { port.set($0) },
            admit: { device, _ in
                .success(HelloAnswer(share: ShareID(high: 1, low: 1), device: device, heartbeatSeconds: 15))
            },
            control: { [self] _, _, connection in try? await self.serve(connection) },
            bulk: { _, _, connection in while case .some = try? await connection.next() {} })
    }

    private func serve(_ connection: HubControl) async throws {
        while let message = try await connection.next() {
            guard case .subscribe = message else { continue }
            let number = count.withLock { count in
                defer { count += 1 }
                return count
            }
            let turns = Turn.allCases
            let turn = number == 0 ? Turn.good : turns[1 + (number - 1) % (turns.count - 1)]
            try await play(turn, on: connection)
            return
        }
    }

    private func play(_ turn: Turn, on connection: HubControl) async throws {
        let start = Cursor(epoch: epoch, revision: .zero, chain: .start)
        let nothing = ChangePage(records: [], offers: [], through: start, reachesHead: true)
        func welcome(_ head: UInt64, resumes: Bool) -> HubMessage {
            .welcome(
                Welcome(epoch: epoch, head: Revision(head), resumes: resumes, answers: false, audits: false))
        }
        switch turn {
        case .good:
            try await connection.send([welcome(0, resumes: true), .changes(nothing)])
            try await answer(on: connection, batches: 1) { .accepted(Revision(UInt64($0 + 1))) }
        case .empty:
            try await connection.send([welcome(0, resumes: false), .changes(nothing)])
            try await answer(on: connection, batches: 1) { _ in .nodeGone }
        case .partial:
            var part = nothing
            part.reachesHead = false
            try await connection.send([welcome(100, resumes: false), .changes(part)])
        case .refusing:
            try await connection.send([welcome(0, resumes: false), .changes(nothing)])
            try await answer(on: connection, batches: 1) { _ in .refused("not now") }
        case .silentEnd: break
        case .goodbye:
            try await connection.send([welcome(3, resumes: true)])
            await connection.close(Refusal(.failure, "the hub cannot serve the share"))
        case .disordered:
            try await connection.send([.changes(nothing), welcome(0, resumes: false), .pong(9)])
        }
    }

    /// Answers so many batches, or those that come within a moment; then the connection ends.
    private func answer(
        on connection: HubControl, batches: Int, _ answer: (Int) -> OperationAnswer
    ) async throws {
        let limit = Task {
            try await Task.sleep(for: .seconds(4))
            await connection.close()
        }
        defer { limit.cancel() }
        var left = batches
        while left > 0, let message = try await connection.next() {
            guard case .commit(let batch) = message else { continue }
            left -= 1
            let answers = batch.operations.indices.map(answer)
            let decidedAt = Revision(UInt64(answers.count))
            let landmark = Landmark(revision: decidedAt, chain: ChainValue(Bytes32(1, 1, 1, 1)))
            let page = ChangePage(
                records: [], offers: [],
                through: Cursor(epoch: epoch, revision: decidedAt, chain: ChainValue(Bytes32(1, 1, 1, 1))),
                reachesHead: true)
            try await connection.send([
                .committed(batch.id, answers: answers, decidedAt: landmark), .changes(page),
            ])
        }
    }
}
