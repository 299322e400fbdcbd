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
        var isFirst = true
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
            await collect(terms, graceMilliseconds: min(retention, Self.longestGrace).milliseconds, isFirst)
            isFirst = false
        }
    }

    private func collect(_ terms: CollectionTerms, graceMilliseconds: Int64, _ isFirst: Bool) async {
        if terms.mustMark { await mark(terms, due: terms.age + graceMilliseconds) }
        var removed = 0
        while let count = await session.removeDue(atAge: terms.age), count > 0 {
            removed += count
            Failpoint.garbageRemoved.reach()
            await Task.yield()
        }
        // What a hub that ended had under way shows at the next one's first look.
        guard removed > 0 || isFirst else { return }
        let freed = await compactor.run()
        guard removed > 0 || freed > 0 else { return }
        logger.info(
            "contents that are not retained were removed",
            metadata: ["removed": "\(removed)", "freedBytes": "\(freed)"])
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
