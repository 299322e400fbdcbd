// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// One place of those that are limited; left at most once.
final class PlaceHolder: Sendable {
    private let places: Permits
    private let isHeld = Mutex(true)

    /// The place is taken already.
    init(_ places: Permits) { self.places = places }

    func leave() {
        let wasHeld = isHeld.withLock { isHeld in
            defer { isHeld = false }
            return isHeld
        }
        if wasHeld { places.giveBack(1) }
    }
}
