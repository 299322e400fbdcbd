// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

internal import RelayCore

/// What is to be told since the last time. A path is told once, at its first place in the order.
struct Announcements {
    private var isReady = false
    private var isOverflow = false
    private var hints: [Hint] = []
    private var entries: [RelativePath: Int] = [:]
    private var subtrees: Set<RelativePath> = []
    private var polling: WatchRecord?
    private(set) var rootGone: String?

    mutating func entry(_ path: RelativePath, writing: Bool) { add(.entry(path, writing: writing), path) }

    mutating func deleted(_ path: RelativePath) { add(.deleted(path), path) }

    private mutating func add(_ hint: Hint, _ path: RelativePath) {
        if let index = entries[path] {
            hints[index] = hint
        } else {
            entries[path] = hints.count
            hints.append(hint)
        }
    }

    mutating func subtree(_ path: RelativePath) {
        if subtrees.insert(path).inserted { hints.append(.subtree(path)) }
    }

    /// Whether all there is to tell is that files are being written.
    var areOfWriting: Bool {
        guard !isReady, !isOverflow, polling == nil, rootGone == nil, !hints.isEmpty else { return false }
        return hints.allSatisfy { if case .entry(_, writing: true) = $0 { true } else { false } }
    }

    mutating func ready() { isReady = true }

    mutating func overflow() { isOverflow = true }

    mutating func polling(count: Int, directories: [RelativePath]) {
        polling = .polling(count: UInt32(clamping: count), directories: directories)
    }

    mutating func rootGone(_ cause: String) { rootGone = rootGone ?? cause }

    /// All of it as lines for people.
    var lines: [String] {
        var lines: [String] = []
        if isReady { lines.append("watching") }
        if isOverflow { lines.append("events were lost") }
        for hint in hints {
            switch hint {
            case .entry(let path, let isWriting): lines.append("\(isWriting ? "writing" : "changed") \(path)")
            case .subtree(let path): lines.append("changed beneath \(path)")
            case .deleted(let path): lines.append("deleted \(path)")
            }
        }
        if case .polling(let count, _)? = polling { lines.append("\(count) directories cannot be watched") }
        if let rootGone { lines.append("root gone: \(rootGone)") }
        return lines
    }

    /// Moves all to the encoder.
    mutating func move(to encoder: inout WatchRecordEncoder) {
        if isReady { encoder.append(.ready) }
        if isOverflow { encoder.append(.overflow) }
        if !hints.isEmpty { encoder.append(.hints(hints)) }
        if let polling { encoder.append(polling) }
        if let rootGone { encoder.append(.rootGone(rootGone)) }
        let gone = rootGone
        self = Announcements()
        rootGone = gone
    }
}
