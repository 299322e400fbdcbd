// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

internal import RelayCore

/// Lets one hint a file through in each interval while it is written, and remembers to give the last.
struct WriteThrottle {
    struct Key: Hashable {
        var watch: Int32
        var name: EntryName
    }

    private struct Window {
        var end: Instant
        var hasMore: Bool
    }

    static let intervalMilliseconds: Int64 = 200

    private var windows: [Key: Window] = [:]
    /// The windows by their end; those that were forgotten or renewed are in it as well.
    private var ends: [(end: Instant, key: Key)] = []
    private var passed = 0
    private var owed = 0

    /// When `due` may have something to give; nil if it will not.
    var deadline: Instant? { owed > 0 && passed < ends.count ? ends[passed].end : nil }

    /// Whether a write is hinted now. If not, `due` gives the key later.
    mutating func admits(_ key: Key, now: Instant) -> Bool {
        if let window = windows[key], now < window.end {
            if !window.hasMore {
                owed += 1
                windows[key]?.hasMore = true
            }
            return false
        }
        forget(key)
        open(key, now: now)
        return true
    }

    /// The file was closed or is gone: nothing is owed.
    mutating func forget(_ key: Key) {
        if windows.removeValue(forKey: key)?.hasMore == true { owed -= 1 }
    }

    /// The files that were written again in an interval that is over.
    mutating func due(now: Instant) -> [Key] {
        var result: [Key] = []
        while passed < ends.count, ends[passed].end <= now {
            let (end, key) = ends[passed]
            passed += 1
            guard let window = windows[key], window.end == end else { continue }
            forget(key)
            if window.hasMore { result.append(key) }
        }
        if passed > 1024, passed * 2 > ends.count {
            ends.removeFirst(passed)
            passed = 0
        }
        for key in result { open(key, now: now) }
        return result
    }

    private mutating func open(_ key: Key, now: Instant) {
        let end = now + Self.intervalMilliseconds
        windows[key] = Window(end: end, hasMore: false)
        ends.append((end, key))
    }
}
