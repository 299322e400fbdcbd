// SPDX-License-Identifier: Apache-2.0

import Crypto
import Foundation
import NIOSSL
package import RelayCore
import SwiftASN1
import X509

/// A device's own key and the certificate that carries its public half.
///
/// Kept in a directory of its own (0700) as `key.pem` and `certificate.pem` (0600). The key is the identity;
/// the certificate is self-signed, valid for a hundred years, and says nothing else.
package struct DeviceIdentity: Sendable {
    /// The SHA-256 of the public key (DER SubjectPublicKeyInfo).
    package let id: DeviceID
    let clientContext: NIOSSLContext
    let serverContext: NIOSSLContext

    /// Reads the identity in a directory, or makes one there (and the directory) if there is none.
    ///
    /// What is made is on disk before this returns. Damaged files are never replaced: they throw `identity`.
    package static func loadOrCreate(directory: String) throws(WireError) -> DeviceIdentity {
        let files = try PrivateDirectory.open(directory)
        defer { files.close() }
        let key = try loadOrCreateKey(files)
        let certificate = try loadOrCreateCertificate(files, key)
        return try DeviceIdentity(
            key: key, certificatePEM: certificate, certificatePath: files.path(certificateName))
    }

    private static let keyName = "key.pem"
    private static let certificateName = "certificate.pem"
    /// Far more than any key or certificate of ours has.
    private static let limitBytes = 64 << 10

    private init(
        key: P256.Signing.PrivateKey, certificatePEM: [UInt8], certificatePath: String
    ) throws(WireError) {
        guard let id = TransportSecurity.device(ofPublicKey: key.publicKey.derRepresentation) else {
            throw .identity("cannot use the key beside \(certificatePath): it has no digest")
        }
        self.id = id
        do {
            let certificates = try NIOSSLCertificate.fromPEMBytes(certificatePEM)
            guard let certificate = certificates.first, certificates.count == 1 else {
                throw WireError.identity(
                    "cannot use \(certificatePath): it holds \(certificates.count) certificates, not one")
            }
            guard TransportSecurity.device(of: certificate) == id else {
                throw WireError.identity(
                    "cannot use \(certificatePath): it is not for the key in \(Self.keyName)")
            }
            let key = try NIOSSLPrivateKey(bytes: Array(key.derRepresentation), format: .der)
            clientContext = try TransportSecurity.clientContext(certificate, key)
            serverContext = try TransportSecurity.serverContext(certificate, key)
        } catch let error as WireError {
            throw error
        } catch {
            throw .identity("cannot use \(certificatePath): it is damaged (\(error))")
        }
    }

    private static func loadOrCreateKey(_ files: borrowing PrivateDirectory) throws(WireError)
        -> P256.Signing.PrivateKey
    {
        if let bytes = try files.read(keyName, limitBytes: limitBytes) {
            do {
                return try P256.Signing.PrivateKey(pemRepresentation: String(decoding: bytes, as: UTF8.self))
            } catch {
                // The error may quote the file, so it is not passed on.
                throw .identity("cannot use \(files.path(keyName)): it is not a P-256 private key in PEM")
            }
        }
        guard try files.read(certificateName, limitBytes: limitBytes) == nil else {
            throw .identity(
                "cannot use \(files.path(certificateName)): the key it is for, \(keyName), is missing")
        }
        let key = P256.Signing.PrivateKey()
        try files.write(keyName, Array(key.pemRepresentation.utf8))
        Failpoint.identityKeyWritten.reach()
        return key
    }

    private static func loadOrCreateCertificate(
        _ files: borrowing PrivateDirectory, _ key: P256.Signing.PrivateKey
    ) throws(WireError) -> [UInt8] {
        if let bytes = try files.read(certificateName, limitBytes: limitBytes) { return bytes }
        let pem: String
        do {
            pem = try certificate(for: key).serializeAsPEM().pemString
        } catch {
            throw .identity("cannot make \(files.path(certificateName)): \(error)")
        }
        try files.write(certificateName, Array(pem.utf8))
        return Array(pem.utf8)
    }

    private static func certificate(for key: P256.Signing.PrivateKey) throws -> Certificate {
        let name = try DistinguishedName { CommonName("relay device") }
        // From 2020, so that a clock that is behind does not matter.
        let start = Date(timeIntervalSince1970: 1_577_836_800)
        return try Certificate(
            version: .v3, serialNumber: Certificate.SerialNumber(),
            publicKey: Certificate.PublicKey(key.publicKey),
            notValidBefore: start, notValidAfter: start.addingTimeInterval(100 * 365.25 * 86_400),
            issuer: name, subject: name,
            extensions: try Certificate.Extensions {
                Critical(BasicConstraints.notCertificateAuthority)
                Critical(KeyUsage(digitalSignature: true))
                try ExtendedKeyUsage([.serverAuth, .clientAuth])
            },
            issuerPrivateKey: Certificate.PrivateKey(key))
    }
}
