// SPDX-License-Identifier: Apache-2.0

/// The times and limits of connections. The defaults are the protocol's; tests use shorter ones.
package struct ConnectionSettings: Hashable, Sendable {
    /// How long an address may take to accept a connection.
    package var connecting = Duration.seconds(10)
    /// How long TLS handshake and hello (for an agent: and the hub's answer) may take together.
    package var admission = Duration.seconds(10)
    /// After this much silence a sign of life is sent; after three times as much the peer is taken for dead.
    package var heartbeat = Duration.seconds(15)
    /// How many heartbeats a peer may take nothing of what is sent to it, though it is alive.
    package var stalledHeartbeats = 8
    /// How long a farewell may take.
    package var closing = Duration.seconds(2)

    /// Reading stops when this many bytes wait to be taken, and goes on when half of them are taken.
    package var unreadBytes = 4 << 20
    /// The same in messages.
    package var unreadMessages = 4096
    /// `send` waits when this many bytes wait to be written, until half of them are written.
    package var unsentBytes = 4 << 20

    /// How many connections a hub has at most.
    package var connectionLimit = 4096
    /// How many of them may be without admission at one time.
    package var unadmittedLimit = 256

    package init() {}
}
