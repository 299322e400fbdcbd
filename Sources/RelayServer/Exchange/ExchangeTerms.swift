// SPDX-License-Identifier: Apache-2.0

import RelayCore

/// One bulk connection, numbered by the runtime.
struct LinkID: Hashable, Sendable, Comparable {
    var number: UInt64
    static func < (left: LinkID, right: LinkID) -> Bool { left.number < right.number }
}

/// One caller who waits for a chunk or a chunk list.
struct WaiterID: Hashable, Sendable {
    var number: UInt64
}

/// On whose behalf something is asked for.
enum Asker: Hashable, Sendable {
    case device(DeviceID)
    /// The hub's own store, which can wait.
    case store

    var device: DeviceID? {
        if case .device(let device) = self { device } else { nil }
    }
}

/// A chunk as a part of a content, and whom to ask for it first.
struct ChunkSource: Hashable, Sendable {
    var content: ContentID
    var want: ChunkWant
    /// The devices that committed the content, the newest first.
    var authors: [DeviceID]
    /// What the holder is told of, so that it may answer with a difference.
    var base: KnownChunk?
}

/// What became of a wanted chunk.
enum ChunkOutcome: Sendable {
    /// Here it is, verified.
    case chunk(EncodedChunk)
    /// It lies in the store.
    case stored
    /// The store has no room for it; said to the store only.
    case notKept
    case nobody(Nobody)
    case cancelled
}

/// What became of a wanted chunk list.
enum ManifestOutcome: Sendable {
    case manifest(Manifest)
    case nobody(Nobody)
    case cancelled
}

/// Nobody who is online has what is wanted.
struct Nobody: Hashable, Sendable {
    /// A holder said that its file is changing: worth asking again soon.
    var isBusy: Bool
    /// How often devices had come online by then.
    var arrivals: UInt64
}

/// What the exchange wants done.
enum ExchangeAction: Sendable {
    case send(LinkID, BulkMessage)
    case answer(WaiterID, ChunkOutcome)
    case answerManifest(WaiterID, ManifestOutcome)
    /// Store this verified chunk, then say `kept` or `notKept`.
    case keep(ChunkID, EncodedChunk)
    /// There are chunks to look up in the index.
    case lookUp
    /// The device did not answer for too long.
    case stalled(DeviceID)
}

/// The bounds that an exchange keeps to.
struct ExchangeLimits: Sendable {
    /// The most that one device is asked for at a time, in bytes before compression.
    var askedBytes = 16 << 20
    /// Of this, the most on behalf of the store.
    var patientBytes = 4 << 20
    /// While so much waits to be stored, no more is asked for.
    var keepingBytes = 8 << 20
    /// The most that waits to be stored though the store itself did not ask for it: all that can still come.
    var longestKeepingBytes = 64 << 20
    /// How long a device that was asked may be silent.
    var stallMilliseconds: Int64 = 10_000
    /// How long a device that was silent is passed over.
    var penaltyMilliseconds: Int64 = 30_000
}
