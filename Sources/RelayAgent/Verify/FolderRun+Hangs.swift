// SPDX-License-Identifier: Apache-2.0

import Logging
import RelayCore

extension FolderRun {
    private static var hangInterval: Duration { .seconds(30) }
    /// How many nodes that are not in sync are looked at.
    private static var limitHangs: Int { 1000 }
    private static var limitLines: Int { 10 }

    /// Looks now and then whether something hangs: what is stuck twice in a row is a fault of the engine's.
    /// It is logged, and planned anew.
    nonisolated func lookForHangs() async {
        var suspects: Set<RelativePath> = []
        while !isOver {
            await pause(Self.hangInterval)
            guard !isOver, let found = await hangs() else { return }
            let sure = found.filter { suspects.contains($0.path) }
            for hang in sure.prefix(Self.limitLines) {
                parts.logger.error("a change hangs, planning it anew", metadata: ["path": "\(hang.path)"])
            }
            if !sure.isEmpty { post(.verified(sure)) }
            suspects = Set(found.map(\.path))
        }
    }

    private func hangs() -> [Difference]? {
        look { engine, _ in try engine.hangs(limit: Self.limitHangs) }
    }
}
