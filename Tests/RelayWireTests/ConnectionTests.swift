// SPDX-License-Identifier: Apache-2.0

import NIOCore
import RelayCore
import Testing

@testable import RelayWire

extension NetworkTests {
    /// Real TLS over loopback.
    @Suite struct ConnectionTests {
        @Test func `an admitted agent and its hub exchange every message in order`() async throws {
            var hub = TestHub()
            let greeted = Signal<(DeviceID, Hello)>()
            let received = Signal<[AgentMessage]>()
            hub.admit = { device, hello in
                greeted.send((device, hello))
                return .success(
                    HelloAnswer(share: Specimens.share, device: device, heartbeatSeconds: 15))
            }
            hub.control = { _, _, connection in
                try? await connection.send(Array(Specimens.hubMessages.dropLast()))
                var messages: [AgentMessage] = []
                while messages.count < Specimens.agentMessages.count,
                    let message = try? await connection.next()
                { messages.append(message) }
                received.send(messages)
                while case .some = try? await connection.next() {}
            }
            try await hub.run { port in
                let (answer, connection) = try await Dialer.connectControl(
                    host: "localhost", port: port, identity: try Identities.agent.get(),
                    hub: try Identities.hub.get().id, hello: Dialing.hello)
                #expect(answer.share == Specimens.share)
                #expect(connection.peer == (try Identities.hub.get().id))
                let (device, hello) = try await greeted.wait()
                #expect(device == (try Identities.agent.get().id))
                #expect(hello == Dialing.hello)

                for message in Specimens.agentMessages { try await connection.send(message) }
                #expect(try await received.wait() == Specimens.agentMessages)
                for message in Specimens.hubMessages.dropLast() {
                    #expect(try await connection.next() == message)
                }
                await connection.close()
            }
        }

        @Test func `a bulk connection carries every message both ways`() async throws {
            var hub = TestHub()
            hub.bulk = { _, hello, connection in
                guard hello.role == .bulk else { return }
                while let messages = try? await connection.nextBatch() {
                    try? await connection.send(messages)
                }
            }
            try await hub.run { port in
                let connection = try await Dialing.bulk(port)
                try await connection.send(Specimens.bulkMessages)
                for message in Specimens.bulkMessages { #expect(try await connection.next() == message) }
                await connection.close()
            }
        }

        @Test func `a refused agent is told why`() async throws {
            var hub = TestHub()
            hub.admit = { _, _ in .failure(Refusal(.unknownDevice, "not a member of photos")) }
            hub.control = { _, _, _ in Issue.record("a refused agent was let in") }
            try await hub.run { port in
                let error = await wireError { _ = try await Dialing.control(port) }
                #expect(error == .refused(.unknownDevice, "not a member of photos"))
            }
        }

        @Test func `a hub with another key is not talked to`() async throws {
            var hub = TestHub()
            hub.admit = { _, _ in
                Issue.record("an agent talked to the wrong hub")
                return .failure(Refusal(.failure, ""))
            }
            try await hub.run { port in
                let other = try Identities.stranger.get().id
                let error = await wireError { _ = try await Dialing.control(port, hub: other) }
                guard case .wrongHub(let text)? = error else {
                    Issue.record("got \(String(describing: error))")
                    return
                }
                #expect(text.contains("127.0.0.1:\(port)"))
                #expect(text.contains(other.description))
            }
        }

        @Test func `an agent of another version is refused as such`() async throws {
            try await TestHub().run { port in
                let link = try await RawPeer.link(port)
                var hello = Dialing.hello.wire
                hello.version = 2
                try await link.send(.frame(.hello, encodeMessage(hello)))
                let frame = try #require(try await link.next())
                let refusal = try Refusal(wire: decodeMessage(WireRefusal.self, frame.payload(of: .refusal)))
                #expect(refusal.reason == .unsupportedVersion)
                await link.close()
            }
        }

        @Test func `nobody listening is said with address and cause`() async throws {
            // A port that was just free.
            let port = try await TestHub().run { $0 }
            let error = await wireError { _ = try await Dialing.control(port) }
            #expect(error == .unreachable("cannot reach hub 127.0.0.1:\(port): connection refused"))
            let nameless = await wireError { _ = try await Dialing.control(1, host: "no-such-host.invalid") }
            #expect(nameless == .unreachable("cannot reach hub no-such-host.invalid:1: host name not found"))
            let portless = await wireError { _ = try await Dialing.control(0) }
            #expect(portless == .unreachable("cannot reach hub 127.0.0.1:0: there is no such port"))
        }

        @Test func `a port that is taken is said with its cause`() async throws {
            try await TestHub().run { port in
                let second = HubListener(host: "127.0.0.1", port: port, identity: try Identities.hub.get())
                let error = await wireError {
                    try await second.run(
                        ready: { _ in }, admit: { _, _ in .failure(Refusal(.failure, "")) },
                        control: { _, _, _ in }, bulk: { _, _, _ in })
                }
                let text = "cannot listen on 127.0.0.1:\(port): another program listens there; end it, or "
                #expect(error == .cannotListen(text + "choose another port with --listen"))
            }
        }

        @Test func `a goodbye arrives after the messages before it`() async throws {
            var hub = TestHub()
            hub.control = { _, _, connection in
                try? await connection.send([.ping(1), .goodbye(.superseded, "a newer connection")])
                await connection.close()
            }
            hub.bulk = { _, _, connection in await connection.close(Refusal(.limit, "too much")) }
            try await hub.run { port in
                let control = try await Dialing.control(port)
                #expect(try await control.next() == .ping(1))
                let first = await wireError { _ = try await control.next() }
                #expect(first == .refused(.superseded, "a newer connection"))
                let sending = await wireError { try await control.send(.ping(1)) }
                #expect(sending == .refused(.superseded, "a newer connection"))

                let bulk = try await Dialing.bulk(port)
                let second = await wireError { _ = try await bulk.next() }
                #expect(second == .refused(.limit, "too much"))
            }
        }

        @Test func `closing ends the other side and may be repeated`() async throws {
            var hub = TestHub()
            hub.control = { _, _, connection in await connection.close() }
            try await hub.run { port in
                let connection = try await Dialing.control(port)
                #expect(try await connection.next() == nil)
                #expect(try await connection.next() == nil)
                await connection.close()
                await connection.close()
                #expect(await wireError { try await connection.send(.ping(1)) } == .closed)
            }
        }

        @Test func `a connection that is let go of closes`() async throws {
            var hub = TestHub()
            let ended = Signal<Bool>()
            hub.control = { _, _, connection in
                let last = try? await connection.next()
                ended.send(last == .some(.none))
            }
            try await hub.run { port in
                _ = try await Dialing.control(port)
                #expect(try await ended.wait())
            }
        }

        @Test func `a hub that ends says goodbye and comes to an end`() async throws {
            let connected = Signal<AgentControl>()
            try await TestHub().run { port in connected.send(try await Dialing.control(port)) }
            let connection = try await connected.wait()
            let error = await wireError { while case .some = try await connection.next() {} }
            #expect(error == .refused(.shuttingDown, "the hub is shutting down"))
        }

        @Test func `a cancelled receiver leaves the connection as it was`() async throws {
            var hub = TestHub()
            hub.control = { _, _, connection in
                while let message = try? await connection.next() {
                    if case .ping(let value) = message { try? await connection.send(.pong(value)) }
                }
            }
            try await hub.run { port in
                let connection = try await Dialing.control(port)
                let receiving = Task { await wireError { _ = try await connection.next() } }
                receiving.cancel()
                #expect(await receiving.value == .closed)
                try await connection.send(.ping(5))
                #expect(try await connection.next() == .pong(5))
            }
        }

        @Test func `a message beyond a limit is refused here and harms nothing`() async throws {
            var hub = TestHub()
            hub.control = { _, _, connection in
                while let message = try? await connection.next() {
                    if case .ping(let value) = message { try? await connection.send(.pong(value)) }
                }
            }
            try await hub.run { port in
                let connection = try await Dialing.control(port)
                let offer = ContentOffer(
                    content: Specimens.content, manifest: nil,
                    inline: EncodedChunk(
                        encoding: .raw, sizeBytes: 65536, bytes: [UInt8](repeating: 0, count: 65536)))
                let batch = Batch(
                    id: Specimens.batchID, operations: [], offers: Array(repeating: offer, count: 16))
                let error = await wireError { try await connection.send([.ping(1), .commit(batch)]) }
                guard case .protocolViolation? = error else {
                    Issue.record("got \(String(describing: error))")
                    return
                }
                try await connection.send(.ping(2))
                #expect(try await connection.next() == .pong(2))
            }
        }

        @Test func `a peer that breaks a rule is told and let go of`() async throws {
            var hub = TestHub()
            let ended = Signal<WireError?>()
            hub.control = { _, _, connection in
                ended.send(await wireError { while case .some = try await connection.next() {} })
            }
            try await hub.run { port in
                for bad in [[UInt8](), [0xff, 0xff], [0x0a, 0x02, 0x0a, 0x00]] {
                    let link = try await RawPeer.link(port)
                    try await link.send(.frame(.hello, encodeMessage(Dialing.hello.wire)))
                    _ = try await link.next()
                    link.open(.control)
                    try await link.send(.frame(.control, bad))
                    guard case .protocolViolation? = try await ended.wait() else {
                        Issue.record("the hub took \(bad)")
                        return
                    }
                    let error = await wireError { _ = try await link.next() }
                    guard case .refused(.malformed, _)? = error else {
                        Issue.record("got \(String(describing: error))")
                        return
                    }
                }
            }
        }

        @Test func `what came before a malformed message is received`() async throws {
            var hub = TestHub()
            let received = Signal<[AgentMessage]>()
            hub.control = { _, _, connection in
                var all: [AgentMessage] = []
                _ = await wireError {
                    while let messages = try await connection.nextBatch() { all += messages }
                }
                received.send(all)
            }
            try await hub.run { port in
                let link = try await RawPeer.link(port)
                try await link.send(.frame(.hello, encodeMessage(Dialing.hello.wire)))
                _ = try await link.next()
                link.open(.control)
                var writer = FrameWriter()
                let ping = try encodeMessage(AgentMessage.ping(1).wire)
                for payload in [ping, ping, [0xff], ping] {
                    try writer.append(.control, payload, limitBytes: WireLimits.controlFrameBytes)
                }
                try await link.send(writer)
                #expect(try await received.wait() == [.ping(1), .ping(1)])
            }
        }
    }
}
