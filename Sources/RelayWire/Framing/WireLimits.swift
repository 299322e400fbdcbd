// SPDX-License-Identifier: Apache-2.0

import RelayCore

/// The limits of the protocol that no room else knows; see `relay.proto`.
enum WireLimits {
    /// The longest frame before admission (type and payload).
    static let admissionFrameBytes = 4 << 10
    /// The longest frame on a control connection (type and payload).
    static let controlFrameBytes = 1 << 20
    /// The longest frame on a bulk connection (type and payload): a whole chunk and its header.
    static let bulkFrameBytes = 1 + chunkHeaderBytes + ContentLimits.chunkBytes
    /// Request, index, encoding and size in a chunk frame.
    static let chunkHeaderBytes = 13
    /// The length and the type of every frame.
    static let frameHeaderBytes = 5

    /// Texts for people, in bytes of UTF-8.
    static let textBytes = 1024
    /// What is sent of the text of an answer to an operation.
    static let answerTextBytes = 256
    /// Names of shares and devices, in bytes of UTF-8.
    static let nameBytes = 255
    /// The single-use secret of a join link.
    static let tokenBytes = 16...64
    /// Linux takes no longer target of a symbolic link.
    static let linkTargetBytes = 4095
    /// The largest file: as many of the largest chunks as a content may have.
    static let contentBytes = UInt64(ContentLimits.manifestChunks) * UInt64(ContentLimits.chunkBytes)
    /// Databases keep revisions as signed numbers.
    static let revision = UInt64(Int64.max)
    /// What a hub may ask for as interval between signs of life.
    static let heartbeatSeconds: ClosedRange<UInt32> = 1...3600
}
