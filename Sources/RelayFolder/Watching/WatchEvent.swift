// SPDX-License-Identifier: Apache-2.0

package import RelayCore

/// What the watch of a folder tells.
package enum WatchEvent: Hashable, Sendable {
    /// What changes from now on is hinted; what changed before has to be looked for.
    case ready
    case hints([Hint])
    /// Hints were lost: everything has to be looked at.
    case overflow
    /// These directories cannot be watched at the moment; they are hinted as subtrees from time to time.
    /// At most `WatchRecord.limitPollingPaths` are named; none means that all are watched again.
    case polling(directories: [RelativePath])
    /// The folder's root was moved, removed or unmounted; `ended` follows.
    case rootGone(String)
    /// The watch has ended, by itself or by `stop`; the text says why. The last event.
    case ended(String)

    init(_ record: WatchRecord) {
        switch record {
        case .ready: self = .ready
        case .hints(let hints): self = .hints(hints)
        case .overflow: self = .overflow
        case .polling(_, let directories): self = .polling(directories: directories)
        case .rootGone(let cause): self = .rootGone(cause)
        }
    }
}
