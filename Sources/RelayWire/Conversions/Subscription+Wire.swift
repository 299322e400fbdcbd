// SPDX-License-Identifier: Apache-2.0

import Foundation
import RelayCore

extension Subscription {
    init(wire: WireSubscribe) throws(WireError) {
        try checkCount(wire.landmarks.count, Landmark.limit, "subscribe.landmarks")
        self.init(
            cursor: wire.hasCursor ? try Cursor(wire: wire.cursor) : nil,
            landmarks: try wire.landmarks.map { value throws(WireError) in try Landmark(wire: value) },
            unanswered: wire.hasUnanswered ? try BatchID(wire: wire.unanswered, "subscribe.unanswered") : nil,
            isBare: wire.bare)
    }

    var wire: WireSubscribe {
        var wire = WireSubscribe()
        if let cursor { wire.cursor = cursor.wire }
        wire.landmarks = landmarks.map(\.wire)
        if let unanswered { wire.unanswered = unanswered.wire }
        if isBare { wire.bare = true }
        return wire
    }
}

extension Landmark {
    init(wire: WireLandmark) throws(WireError) {
        self.init(
            revision: try Revision(wire: wire.hasRevision ? wire.revision : nil, "landmark.revision"),
            chain: try ChainValue(wire: wire.hasChain ? wire.chain : nil, "landmark.chain"))
    }

    var wire: WireLandmark {
        var wire = WireLandmark()
        wire.revision = revision.number
        wire.chain = chain.wire
        return wire
    }
}
