// SPDX-License-Identifier: Apache-2.0

import RelayCore
import RelayStorage
import RelayWire

/// What a share's session is told by its connections.
enum SessionInput: Sendable {
    case joined(ControlLink)
    case left(SubscriberID, DeviceID)
    case subscribe(SubscriberID, Subscription)
    case commit(SubscriberID, CheckedBatch)
    case applied(SubscriberID, Revision)
    case ping(SubscriberID, UInt64)
    /// The connection has room for more pages.
    case drained(SubscriberID)
    /// The device is no member any more; it is told the refusal.
    case dismissed(DeviceID, Refusal)
    /// Batches that wait are to be tried again.
    case retry
}

/// What the session knows of a content that is one of the share's versions.
struct ContentAccess: Sendable {
    var content: ContentID
    /// Nil when the hub does not have the chunk list.
    var manifest: Manifest?
    /// Then that of the content that was replaced by it, if it is here.
    var former: KnownManifest?
    /// The devices that committed the content, the newest first.
    var authors: [DeviceID]
    var segments: SegmentStore
}

/// How a share stands, for reports.
struct ShareStanding: Sendable {
    var head: Cursor
    var storedBytes: UInt64
    var applied: [DeviceID: Revision]
    var online: Set<DeviceID>
    /// What keeps the share from taking changes or contents at present.
    var trouble: StateError?
    /// Stored chunks that were found damaged.
    var damage: DamageStanding
    /// When the stored chunks were last verified to the end, in seconds since 1970.
    var verifiedAt: Int64?
}
