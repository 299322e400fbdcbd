// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

/// A point in a hub's history that an agent once was at.
package struct Landmark: Hashable, Sendable {
    package var revision: Revision
    /// The hash chain's value after `revision`.
    package var chain: ChainValue

    package init(revision: Revision, chain: ChainValue) {
        self.revision = revision
        self.chain = chain
    }

    /// The most that one agent keeps and tells.
    package static let limit = 128

    /// Those of ascending revisions that are worth keeping: each at least a quarter further from the newest
    /// than the one after it, so that there are many of late and a few of long ago; at most half of `limit`.
    package static func thinned(_ landmarks: [Landmark]) -> [Landmark] {
        guard let newest = landmarks.last?.revision.number else { return [] }
        var kept: [Landmark] = []
        var next: UInt64 = 0
        for landmark in landmarks.reversed() {
            let distance = newest &- landmark.revision.number
            guard distance >= next, kept.count < limit / 2 else { continue }
            kept.append(landmark)
            next = distance &+ max(1, distance / 4)
        }
        return kept.reversed()
    }
}
