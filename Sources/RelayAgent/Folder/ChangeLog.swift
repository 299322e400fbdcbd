// SPDX-License-Identifier: Apache-2.0

import Logging
import RelayCore

/// One log line per change that was made, in the classic words; in bulk a count instead of the lines.
struct ChangeLog {
    private let logger: Logger
    private var second: Int64 = 0
    private var lines = 0
    private var unwritten = 0

    static let linesPerSecond = 50

    init(logger: Logger) { self.logger = logger }

    /// What the folder got.
    mutating func note(_ results: [ApplyResult], now: Instant) {
        for result in results {
            if case .failed(let problem) = result.outcome {
                write(now, .warning, "cannot apply a change", ["reason": "\(problem)"])
                continue
            }
            guard result.outcome.isDone else { continue }
            switch result.action.step {
            case .placeFile(let path, let payload, _):
                write(now, .info, "DOWNLOAD", ["path": "\(path)", "bytes": "\(payload.sizeBytes)"])
            case .makeDirectory(let path, _), .makeSymlink(let path, _, _), .setMetadata(let path, _, _, _):
                write(now, .info, "DOWNLOAD", ["path": "\(path)"])
            case .remove(let path, _), .removeDirectory(let path, _):
                write(now, .info, "DELETE", ["path": "\(path)", "by": "hub"])
            case .move(let from, let to, _, _):
                write(now, .info, "MOVE", ["path": "\(from)", "to": "\(to)", "by": "hub"])
            }
            if case .doneKeeping(_, let kept, _) = result.outcome {
                write(now, .notice, "kept a conflict copy", ["name": "\(kept)"])
            }
        }
    }

    /// What the hub took of a batch. `path` finds a node's path, and is only asked for lines that are
    /// written.
    mutating func note(
        _ operations: [Operation], _ answers: [OperationAnswer], now: Instant, path: (NodeID) -> RelativePath?
    ) {
        for (operation, answer) in zip(operations, answers) {
            guard case .accepted = answer else { continue }
            let word: Logger.Message
            switch operation {
            case .create, .change: word = "UPLOAD"
            case .place: word = "MOVE"
            case .remove: word = "DELETE"
            }
            guard hasRoom(now) else { continue }
            write(now, .info, word, ["path": "\(path(operation.node)?.description ?? "?")"])
        }
    }

    private mutating func hasRoom(_ now: Instant) -> Bool {
        let current = now.milliseconds / 1000
        if current != second {
            if unwritten > 0 {
                logger.info("changes without a line of their own", metadata: ["count": "\(unwritten)"])
            }
            (second, lines, unwritten) = (current, 0, 0)
        }
        guard lines < Self.linesPerSecond else {
            unwritten += 1
            return false
        }
        return true
    }

    /// In bulk, most lines are not written, and nothing is made for them.
    private mutating func write(
        _ now: Instant, _ level: Logger.Level, _ message: Logger.Message,
        _ metadata: @autoclosure () -> Logger.Metadata
    ) {
        guard hasRoom(now) else { return }
        lines += 1
        logger.log(level: level, message, metadata: metadata())
    }
}

extension ApplyOutcome {
    fileprivate var isDone: Bool {
        switch self {
        case .done, .doneKeeping, .movedUnwritten: true
        case .changed, .occupied, .absent, .notEmpty, .unstaged, .failed: false
        }
    }
}
