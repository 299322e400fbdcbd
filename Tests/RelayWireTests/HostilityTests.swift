// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOSSL
import RelayCore
import Testing

@testable import RelayWire

extension NetworkTests {
    /// Who is not admitted costs the hub nothing but its own connection.
    @Suite struct HostilityTests {
        /// A hub with settings of its own.
        private func guardedHub(_ change: (inout ConnectionSettings) -> Void = { _ in }) -> TestHub {
            var hub = TestHub()
            hub.settings.admission = .seconds(10)
            change(&hub.settings)
            return hub
        }

        private func expectServing(_ port: Int) async throws {
            let connection = try await Dialing.control(port)
            await connection.close()
        }

        @Test func `plaintext garbage costs only its connection`() async throws {
            try await guardedHub().run { port in
                for garbage in [
                    "GET / HTTP/1.1\r\n\r\n", "\u{16}\u{3}\u{1}\u{0}\u{5}hello", "\0\0\0\0\0\0\0\0\0",
                ] {
                    let peer = try await RawPeer.plain(port)
                    try await peer.send(Array(garbage.utf8))
                    try await peer.closed()
                }
                try await expectServing(port)
            }
        }

        @Test func `nobody without a certificate is heard`() async throws {
            var hub = guardedHub()
            hub.admit = { _, _ in
                Issue.record("somebody without a certificate was heard")
                return .failure(Refusal(.failure, ""))
            }
            try await hub.run { port in
                let peer = try await RawPeer.secured(port, withCertificate: false)
                try? await peer.send(try Codec.frame(Dialing.hello))
                try await peer.closed()
            }
        }

        @Test func `older versions of TLS are not spoken`() async throws {
            try await guardedHub().run { port in
                let peer = try await RawPeer.secured(port, withCertificate: false, version: .tlsv12)
                try await peer.closed()
                try await expectServing(port)
            }
        }

        @Test func `who says nothing is let go of in time`() async throws {
            try await guardedHub { $0.admission = .seconds(1) }.run { port in
                let silent = try await RawPeer.plain(port)
                let halfway = try await RawPeer.secured(port, withCertificate: true)
                let slow = try await RawPeer.secured(port, withCertificate: true)
                try await slow.send(Array(try Codec.frame(Dialing.hello).dropLast()))
                try await silent.closed()
                try await halfway.closed()
                try await slow.closed()
                try await expectServing(port)
            }
        }

        @Test func `a hello beyond the limit is not read`() async throws {
            try await guardedHub().run { port in
                let peer = try await RawPeer.secured(port, withCertificate: true)
                try await peer.send([0, 0, 0x10, 0x01, 1] + [UInt8](repeating: 0, count: 5000))
                try await peer.closed()
            }
        }

        @Test func `frames out of place before admission end the connection`() async throws {
            try await guardedHub().run { port in
                for kind in FrameKind.allCases where kind != .hello {
                    let peer = try await RawPeer.secured(port, withCertificate: true)
                    try await peer.send(try Codec.frame(kind, [0, 0, 0, 0, 0, 0, 0, 0]))
                    try await peer.closed()
                }
            }
        }

        @Test func `a malformed hello is answered and ends the connection`() async throws {
            try await guardedHub().run { port in
                let link = try await RawPeer.link(port)
                try await link.send(.frame(.hello, [0xff, 0xff, 0xff]))
                let frame = try #require(try await link.next())
                let refusal = try Refusal(wire: decodeMessage(WireRefusal.self, frame.payload(of: .refusal)))
                #expect(refusal.reason == .malformed)
            }
        }

        @Test func `there are never more strangers than the limit`() async throws {
            let hub = guardedHub {
                $0.unadmittedLimit = 3
                $0.admission = .seconds(8)
            }
            try await hub.run { port in
                var strangers: [RawPeer] = []
                for _ in 0..<4 { strangers.append(try await RawPeer.secured(port, withCertificate: true)) }
                // One is closed at once, before the deadline of the others; which one is the hub's affair.
                await withTaskGroup { group in
                    for stranger in strangers { group.addTask { try? await stranger.closed() } }
                    await group.next()
                    #expect(strangers.count { $0.channel.isActive } == 3)
                }
                try await expectServing(port)
            }
        }

        @Test func `there are never more connections than the limit`() async throws {
            try await guardedHub { $0.connectionLimit = 2 }.run { port in
                let first = try await Dialing.control(port)
                let second = try await Dialing.bulk(port)
                let third = await wireError { _ = try await Dialing.control(port) }
                guard case .lost? = third else {
                    Issue.record("got \(String(describing: third))")
                    return
                }
                await first.close()
                await second.close()
            }
        }

        @Test func `hundreds of connections that come and go leave nothing behind`() async throws {
            try await guardedHub().run { port in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for index in 0..<300 {
                        if index >= 20 { try await group.next() }
                        group.addTask {
                            let peer = try await RawPeer.plain(port)
                            if index % 3 == 0 { try? await peer.send([0x16]) }
                            try? await peer.channel.close().get()
                        }
                    }
                    try await group.waitForAll()
                }
                try await expectServing(port)
            }
        }

        @Test func `a connection cut after any number of bytes is an error and not a hang`() async throws {
            var settings = ConnectionSettings()
            settings.admission = .seconds(5)
            let dialing = settings
            try await TestHub(settings: settings).run { port in
                for limit in [0, 1, 5, 100, 300, 517, 600, 900, 1200] {
                    let proxy = try await TestProxy.start(to: port, passing: limit)
                    let error = await wireError {
                        let connection = try await Dialing.control(proxy.port, settings: dialing)
                        for value in 0..<100 { try await connection.send(.ping(UInt64(value))) }
                        while case .some = try await connection.next() {}
                        throw WireError.closed
                    }
                    #expect(error != nil)
                    await proxy.stop()
                }
            }
        }

        @Test(arguments: [false, true])
        func `S50 a cut after any byte of handshake and hello is an error and not a hang`(
            ofAnswers: Bool
        ) async throws {
            try await guardedHub().run { port in
                let most = 1 << 20
                let whole = try await TestProxy.start(to: port, passing: most, ofAnswers: ofAnswers)
                let connection = try await Dialing.control(whole.port)
                let count = most - whole.remaining
                #expect(count > 500)
                await connection.close()
                await whole.stop()
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for limit in 0..<count {
                        if limit >= 8 { try await group.next() }
                        group.addTask {
                            let proxy = try await TestProxy.start(
                                to: port, passing: limit, ofAnswers: ofAnswers)
                            let error = await wireError {
                                let connection = try await Dialing.control(proxy.port)
                                try await connection.send(.ping(1))
                                while case .some = try await connection.next() {}
                                throw WireError.closed
                            }
                            #expect(error != nil, "after \(limit) bytes")
                            await proxy.stop()
                        }
                    }
                    try await group.waitForAll()
                }
                try await expectServing(port)
            }
        }
    }
}
