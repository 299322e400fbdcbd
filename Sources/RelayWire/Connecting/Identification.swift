// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOSSL
import RelayCore

/// What the TLS handshake of one connection found out; belongs to its event loop.
final class Identification {
    /// The device whose key the peer proved to hold.
    var device: DeviceID?
    /// Why the peer is not the one that was looked for.
    var mismatch: WireError?

    /// Takes any peer with a certificate of its own: who it is decides on what it may do, later.
    func acceptAnyone(_ chain: [NIOSSLCertificate], _ promise: EventLoopPromise<NIOSSLVerificationResult>) {
        guard let leaf = chain.first, chain.count == 1, let found = TransportSecurity.device(of: leaf) else {
            return promise.succeed(.failed)
        }
        device = found
        promise.succeed(.certificateVerified)
    }

    /// Takes the one hub whose key is known.
    func acceptOnly(
        _ hub: DeviceID, at name: String, _ chain: [NIOSSLCertificate],
        _ promise: EventLoopPromise<NIOSSLVerificationResult>
    ) {
        guard let leaf = chain.first, let found = TransportSecurity.device(of: leaf) else {
            mismatch = .wrongHub("hub \(name) shows no usable certificate")
            return promise.succeed(.failed)
        }
        guard found == hub else {
            mismatch = .wrongHub(
                "hub \(name) has the key \(found), not \(hub) as expected: another hub is there, or it lost "
                    + "its key; give the right address with --hub, or join again with a new link")
            return promise.succeed(.failed)
        }
        device = found
        promise.succeed(.certificateVerified)
    }
}
