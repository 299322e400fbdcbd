// SPDX-License-Identifier: Apache-2.0

import Crypto
import NIOCore
import NIOSSL
import RelayCore

/// How TLS is set up: 1.3 only, a certificate on both sides, no authorities. Who the peer is follows from its
/// key alone, so certificates' names, dates and issuers are not looked at.
enum TransportSecurity {
    static func clientContext(
        _ certificate: NIOSSLCertificate, _ key: NIOSSLPrivateKey
    ) throws -> NIOSSLContext {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.certificateChain = [.certificate(certificate)]
        configuration.privateKey = .privateKey(key)
        return try context(configuration)
    }

    static func serverContext(
        _ certificate: NIOSSLCertificate, _ key: NIOSSLPrivateKey
    ) throws -> NIOSSLContext {
        try context(
            .makeServerConfiguration(
                certificateChain: [.certificate(certificate)], privateKey: .privateKey(key)))
    }

    private static func context(_ base: TLSConfiguration) throws -> NIOSSLContext {
        var configuration = base
        configuration.minimumTLSVersion = .tlsv13
        // Demands a certificate of either side; the verification itself is ours (see `Identification`).
        configuration.certificateVerification = .noHostnameVerification
        configuration.trustRoots = .certificates([])
        configuration.verifySignatureAlgorithms = [.ecdsaSecp256R1Sha256, .ed25519]
        configuration.shutdownTimeout = .seconds(1)
        return try NIOSSLContext(configuration: configuration)
    }

    /// The device whose key the certificate carries; nil for an unusable one.
    static func device(of certificate: NIOSSLCertificate) -> DeviceID? {
        guard let key = try? certificate.extractPublicKey(), let bytes = try? key.toSPKIBytes() else {
            return nil
        }
        return device(ofPublicKey: bytes)
    }

    /// The device with this key (DER SubjectPublicKeyInfo).
    static func device(ofPublicKey bytes: some Sequence<UInt8>) -> DeviceID? {
        DeviceID(bytes: Array(SHA256.hash(data: Array(bytes))))
    }
}
