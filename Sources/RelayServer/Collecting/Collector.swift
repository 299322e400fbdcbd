// SPDX-License-Identifier: Apache-2.0

import Logging
import RelayCore

/// Removes contents of versions that were replaced or removed so long ago that they are not retained, while
/// the hub runs. The versions themselves stay.
///
/// In two phases: what nothing refers to is marked, and when the mark is due it goes. Whatever refers to it
/// anew in between takes the mark off.
struct Collector: Sendable {
    let session: ShareSession
    let compactor: SegmentCompactor
    /// How long what was replaced or removed is retained; nil: for ever.
    let retention: Duration?
    let logger: Logger

    /// The most chunks that are found in one pass.
    private static let limitChunks = 250_000
    private static let longestInterval = Duration.seconds(3600)
    private static let longestGrace = Duration.seconds(24 * 3600)
    /// The pauses take so many times as long as the work.
    private static let restFactor: Int64 = 4

    /// Collects now and then until the task is cancelled.
    func run() async {
        guard let retention else { return }
        let interval = min(max(retention / 24, .seconds(1)), Self.longestInterval)
        var seen = Instant.now()
        // What a hub that ended had under way shows at the next one's first look.
        var mustCompact = true
        while !Task.isCancelled {
            // What is retained falls due by time alone.
            try? await Task.sleep(for: interval)
            let now = Instant.now()
            guard
                let terms = await session.beginRound(
                    elapsedMilliseconds: now.milliseconds - seen.milliseconds,
                    keepMilliseconds: retention.milliseconds)
            else { continue }
            seen = now
            let grace = min(retention, Self.longestGrace).milliseconds
            mustCompact = await collect(terms, graceMilliseconds: grace, mustCompact)
        }
    }

    /// Returns whether segments are to be compacted in the next round even if nothing is removed.
    private func collect(
        _ terms: CollectionTerms, graceMilliseconds: Int64, _ mustCompact: Bool
    ) async -> Bool {
        if terms.mustMark { await mark(terms, due: terms.age + graceMilliseconds) }
        var removed = 0
        while let count = await session.removeDue(atAge: terms.age), count > 0 {
            removed += count
            Failpoint.garbageRemoved.reach()
            await Task.yield()
        }
        guard removed > 0 || mustCompact else { return false }
        let compaction = await compactor.run()
        if removed > 0 || compaction.freedBytes > 0 {
            logger.info(
                "contents that are not retained were removed",
                metadata: ["removed": "\(removed)", "freedBytes": "\(compaction.freedBytes)"])
        }
        return compaction.isUnfinished
    }

    private func mark(_ terms: CollectionTerms, due: Int64) async {
        var isWhole = true
        var content: ContentID?
        var found = 0
        repeat {
            let began = Instant.now()
            guard let step = await session.collectContents(after: content, terms) else { return }
            (content, found) = (step.last, step.chunks)
            if found > Self.limitChunks {
                isWhole = false
                break
            }
            await rest(since: began)
        } while content != nil
        content = nil
        if found > 0 {
            repeat {
                let began = Instant.now()
                guard let step = await session.spareContents(after: content) else { return }
                content = step.last
                await rest(since: began)
            } while content != nil
        }
        var left = found
        while left > 0 {
            guard let rest = await session.markChunks(due: due) else { return }
            left = rest
        }
        guard await session.finishMarking(due: due, through: isWhole ? terms.horizon : nil) else { return }
        Failpoint.garbageMarked.reach()
    }

    private func rest(since began: Instant) async {
        let worked = Instant.now().milliseconds - began.milliseconds
        // The disk and the share's lane are for those who wait for something.
        if worked > 0 { try? await Task.sleep(for: .milliseconds(worked * Self.restFactor)) }
    }
}

extension Duration {
    var milliseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds * 1000 + attoseconds / 1_000_000_000_000_000
    }
}
