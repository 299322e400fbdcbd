// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

/// One change that an agent proposes. Each names the revision of the facet that it is based on.
package enum Operation: Hashable, Sendable {
    /// A new node. `origin` names the node it is a conflict copy of.
    case create(node: NodeID, placement: Placement, payload: Payload, origin: NodeID?)
    /// A rename or move.
    case place(node: NodeID, placement: Placement, basedOn: Revision)
    /// A new payload of the same kind.
    case change(node: NodeID, payload: Payload, basedOn: Revision)
    /// The removal of a file, a link or an empty directory.
    case remove(node: NodeID, placementBasedOn: Revision, payloadBasedOn: Revision)

    package var node: NodeID {
        switch self {
        case .create(let node, _, _, _), .place(let node, _, _), .change(let node, _, _),
            .remove(let node, _, _):
            node
        }
    }
}

/// The hub's answer to one operation.
package enum OperationAnswer: Hashable, Sendable {
    /// Done, as this revision.
    case accepted(Revision)
    /// The facet has a newer revision than the operation is based on.
    case stale
    /// Another live node has that name.
    case nameTaken(by: NodeID)
    /// The new parent is not a live directory.
    case parentGone
    /// The node is not known, or was removed.
    case nodeGone
    /// The directory would lie beneath itself.
    case cycle
    /// The directory still has children.
    case notEmpty
    /// Not allowed or not sensible; the text is for people.
    case refused(String)
}

/// What a committer tells of a content that its operations name.
package struct ContentOffer: Hashable, Sendable {
    package var content: ContentID
    /// The chunk list, when it has at most `ContentLimits.inlineChunks` chunks.
    package var manifest: Manifest?
    /// The one chunk itself, when the content has one of at most `ContentLimits.inlineBytes`.
    package var inline: EncodedChunk?

    package init(content: ContentID, manifest: Manifest?, inline: EncodedChunk?) {
        self.content = content
        self.manifest = manifest
        self.inline = inline
    }

    /// The most bytes (as `estimatedBytes` tells them) of contents that are offered ahead of their batches.
    package static let limitAheadBytes = 6 << 20
    /// The most contents in one `offer` message, and the most bytes that one may take when encoded.
    package static let limitOffered = 2000
    package static let limitOfferedBytes = 900 << 10
}

/// Operations that the hub decides in order and commits together.
package struct Batch: Hashable, Sendable {
    package var id: BatchID
    package var operations: [Operation]
    package var offers: [ContentOffer]

    package init(id: BatchID, operations: [Operation], offers: [ContentOffer]) {
        self.id = id
        self.operations = operations
        self.offers = offers
    }

    /// The most operations in one batch.
    package static let limitOperations = 2000
    /// The most bytes that one batch may take when encoded.
    package static let limitBytes = 900 << 10
}
