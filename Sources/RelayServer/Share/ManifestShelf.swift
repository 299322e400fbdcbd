// SPDX-License-Identifier: Apache-2.0

import RelayCore

/// The long chunk lists that were used last, so that a large content's list is not read for each request.
struct ManifestShelf {
    private var shelved: [(content: ContentID, manifest: Manifest)] = []
    private var chunks = 0

    /// The most chunks of all lists together; one list that is longer still has its place.
    private static let limitChunks = 1 << 18
    private static let limitManifests = 16

    mutating func find(_ content: ContentID) -> Manifest? {
        guard let place = shelved.firstIndex(where: { $0.content == content }) else { return nil }
        let found = shelved.remove(at: place)
        shelved.append(found)
        return found.manifest
    }

    mutating func put(_ manifest: Manifest, for content: ContentID) {
        guard manifest.chunks.count > ContentLimits.inlineChunks else { return }
        shelved.append((content, manifest))
        chunks += manifest.chunks.count
        while shelved.count > 1, chunks > Self.limitChunks || shelved.count > Self.limitManifests {
            chunks -= shelved.removeFirst().manifest.chunks.count
        }
    }
}
