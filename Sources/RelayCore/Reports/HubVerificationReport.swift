// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

/// What a verification of a hub's stored chunks of one share found: an element of the answer to
/// `POST /v1/verify` there.
package struct HubVerificationReport: Codable, Hashable, Sendable {
    package var share: String
    /// Chunks that were read and compared with their names, and their stored bytes.
    package var chunks: Int
    package var bytes: UInt64
    /// Those that were found damaged.
    package var damaged: Int
    /// Chunks that had been found damaged and are whole.
    package var released: Int
    /// Chunks that could not be read for now, and why the first of them could not.
    package var unreadable: Int
    package var reason: String?
    /// All that is damaged, that was found before too; nil: nothing is.
    package var damage: HubDamageReport?

    package init(
        share: String, chunks: Int, bytes: UInt64, damaged: Int, released: Int, unreadable: Int,
        reason: String?, damage: HubDamageReport?
    ) {
        self.share = share
        self.chunks = chunks
        self.bytes = bytes
        self.damaged = damaged
        self.released = released
        self.unreadable = unreadable
        self.reason = reason
        self.damage = damage
    }
}

/// The damaged chunks of a share. Their bytes stay where they are.
package struct HubDamageReport: Codable, Hashable, Sendable {
    /// Those that the hub does not have until a device brings them.
    package var missing: Int
    /// Those that were brought since.
    package var healed: Int
    /// The first 100 of those that are missing.
    package var chunks: [HubDamagedChunkReport]

    package init(missing: Int, healed: Int, chunks: [HubDamagedChunkReport]) {
        self.missing = missing
        self.healed = healed
        self.chunks = chunks
    }
}

/// A damaged chunk that is missing.
package struct HubDamagedChunkReport: Codable, Hashable, Sendable {
    package var chunk: String
    /// The segment's file, and where in it the chunk's record begins, in bytes.
    package var segment: String
    package var offset: UInt64
    /// A content that the chunk is a part of, if one is known.
    package var content: String?
    /// Where the share has that content, for people (`displayText`); nil: only in past versions.
    package var path: String?
    /// The devices that committed the content.
    package var devices: [String]

    package init(
        chunk: String, segment: String, offset: UInt64, content: String?, path: String?, devices: [String]
    ) {
        self.chunk = chunk
        self.segment = segment
        self.offset = offset
        self.content = content
        self.path = path
        self.devices = devices
    }
}
