// SPDX-License-Identifier: Apache-2.0

internal import Crypto
package import RelayCore

/// The digests that name chunks and contents and chain a share's history.
package enum Hashing {
    /// The SHA-256 of the bytes.
    package static func sha256(_ bytes: UnsafeRawBufferPointer) -> Bytes32 {
        var hash = SHA256()
        hash.update(bufferPointer: bytes)
        return hash.finalize().withUnsafeBytes { Bytes32(at: 0, in: $0) }
    }

    /// The SHA-256 of the bytes.
    package static func sha256(_ bytes: [UInt8]) -> Bytes32 { bytes.withUnsafeBytes { sha256($0) } }

    /// A chunk's name in a plain share: the SHA-256 of its bytes.
    package static func chunkID(of bytes: UnsafeRawBufferPointer) -> ChunkID { ChunkID(sha256(bytes)) }

    /// A chunk's name in a plain share: the SHA-256 of its bytes.
    package static func chunkID(of bytes: [UInt8]) -> ChunkID { ChunkID(sha256(bytes)) }

    /// A content's name: the SHA-256 of `Manifest.encodedForHashing`.
    package static func contentID(of manifest: Manifest) -> ContentID {
        ContentID(sha256(manifest.encodedForHashing))
    }
}
