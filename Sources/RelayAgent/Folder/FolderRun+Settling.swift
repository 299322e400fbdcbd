// SPDX-License-Identifier: Apache-2.0

import RelayCore
import RelayFolder

extension FolderRun {
    private static var settleInterval: Duration { .seconds(2) }
    /// After so many intervals without news, with nothing left to settle, the folder is at rest.
    private static var quietIntervals: Int { 5 }
    /// How often the root is looked at when nothing else happens.
    private static var restSeconds: Double { 30 }

    /// What was displaced and could not be decided on at once is looked at again, what was refused for want
    /// of room is tried again when there is some, and files that nobody reads are closed. At rest hardly
    /// anything is done, and little memory is held.
    nonisolated func settleRegularly() async {
        var quiet = 0
        while !Task.isCancelled {
            let generation = turned.generation
            await pause(Self.settleInterval)
            guard !Task.isCancelled, let hasMore = await settle() else { return }
            quiet = !hasMore && turned.generation == generation ? quiet + 1 : 0
            guard quiet >= Self.quietIntervals else { continue }
            // And once more when threads have ended that were needed no more, with what they held back.
            if quiet <= Self.quietIntervals + 1 { enqueue { $0.releaseMemory() } }
            await withDeadline(seconds: Self.restSeconds) { [turned] in await turned.wait(after: generation) }
        }
    }

    /// Whether something is left to settle; nil if the folder is not served any more.
    private nonisolated func settle() async -> Bool? {
        let folder = parts.folder
        parts.sources.removeIdle()
        if await parts.pool.run({ folder.hasRoomAgain() }) { post(.retryStaging) }
        let settled = await parts.lane.run { ($0.settleParked(), $0.hasParked) }
        guard let (paths, hasParked) = settled else { return nil }
        if !paths.isEmpty { post(.hints(paths.map { .entry($0, writing: false) })) }
        return hasParked || !parts.sources.isEmpty || folder.waitsForRoom
    }
}
