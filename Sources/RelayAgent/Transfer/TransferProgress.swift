// SPDX-License-Identifier: Apache-2.0

import RelayCore
import Synchronization

/// How much of each content that is on its way here has come, for people.
final class TransferProgress: Sendable {
    private let received = Mutex<[ContentID: UInt64]>([:])

    func add(_ bytes: UInt64, to content: ContentID) {
        received.withLock { $0[content, default: 0] += bytes }
    }

    /// The content is here, or not wanted any more.
    func remove(_ content: ContentID) { received.withLock { $0[content] = nil } }

    func receivedBytes(of content: ContentID) -> UInt64? { received.withLock { $0[content] } }
}
