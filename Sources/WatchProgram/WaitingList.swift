// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

internal import RelayCore

/// What is to be done later, and when: directories to be found again, to be looked at again, and those that
/// cannot be watched.
struct WaitingList {
    /// The other half of a move is in the queue already, or comes at once.
    static let lostMilliseconds: Int64 = 100
    static let visitMilliseconds: Int64 = 50
    static let visitLimit = 6
    static let pollMilliseconds: Int64 = 10_000
    static let refusedMilliseconds: Int64 = 2_000
    static let refusedLimitMilliseconds: Int64 = 60_000

    /// A directory that has left its place, and has not turned up elsewhere.
    struct Lost {
        var node: DirectoryNode
        var parent: DirectoryNode
        var name: EntryName
        var cookie: UInt32?
        var deadline: Instant
    }

    /// A name (or with no name all names) in a directory that could not be opened when it should have been.
    struct Visit {
        var parent: DirectoryNode
        var name: EntryName?
    }

    private struct VisitKey: Hashable {
        var parent: ObjectIdentifier
        var name: EntryName?
    }

    private var lost: [ObjectIdentifier: Lost] = [:]
    private var lostByCookie: [UInt32: DirectoryNode] = [:]
    private var visits: [VisitKey: Visit] = [:]
    private var visitAt: Instant?
    private(set) var visitAttempts = 0
    private(set) var limited: [ObjectIdentifier: DirectoryNode] = [:]
    private var refused: [ObjectIdentifier: DirectoryNode] = [:]
    private var pollAt: Instant?
    private var refusedAt: Instant?
    private var refusedInterval = Self.refusedMilliseconds
    /// Whether the directories in `limited` are others than were last told.
    var limitedHaveChanged = false
    /// Whether watches were removed since a limit was last reached.
    var hasFreedWatches = false

    // MARK: - Lost directories

    mutating func lose(
        _ node: DirectoryNode, from parent: DirectoryNode, _ name: EntryName, cookie: UInt32?, now: Instant
    ) {
        let deadline = now + Self.lostMilliseconds
        lost[ObjectIdentifier(node)] = Lost(
            node: node, parent: parent, name: name, cookie: cookie, deadline: deadline)
        if let cookie { lostByCookie[cookie] = node }
    }

    func lost(cookie: UInt32) -> DirectoryNode? { lostByCookie[cookie] }

    /// Where a lost directory was.
    func place(of node: DirectoryNode) -> (parent: DirectoryNode, name: EntryName)? {
        lost[ObjectIdentifier(node)].map { ($0.parent, $0.name) }
    }

    /// It has a place again, or is forgotten.
    mutating func found(_ node: DirectoryNode) {
        guard let entry = lost.removeValue(forKey: ObjectIdentifier(node)) else { return }
        if let cookie = entry.cookie { lostByCookie.removeValue(forKey: cookie) }
    }

    /// Those who have been lost for long enough. They stay lost until they are found or forgotten.
    func overdue(now: Instant) -> [Lost] { lost.values.filter { $0.deadline <= now } }

    /// Moves that began before events were lost are not paired.
    mutating func distrustCookies() { lostByCookie = [:] }

    // MARK: - Visits

    mutating func visit(_ parent: DirectoryNode, _ name: EntryName?, now: Instant) {
        visits[VisitKey(parent: ObjectIdentifier(parent), name: name)] = Visit(parent: parent, name: name)
        visitAt = min(visitAt ?? now, now)
    }

    /// The visits to be made now. Those that fail are asked for again with `visitLater`.
    mutating func takeVisits(now: Instant) -> [Visit] {
        guard let visitAt, visitAt <= now else { return [] }
        defer {
            visits = [:]
            self.visitAt = nil
        }
        return Array(visits.values)
    }

    mutating func visitLater(_ failed: [Visit], now: Instant) {
        guard !failed.isEmpty else {
            if visits.isEmpty { visitAttempts = 0 }
            return
        }
        visitAttempts += 1
        for visit in failed {
            let key = VisitKey(parent: ObjectIdentifier(visit.parent), name: visit.name)
            visits[key] = visit
        }
        visitAt = now + Self.visitMilliseconds << Int64(min(visitAttempts, Self.visitLimit))
    }

    mutating func forgetVisits() {
        visits = [:]
        visitAt = nil
        visitAttempts = 0
    }

    // MARK: - Directories that are not watched

    mutating func limit(_ node: DirectoryNode, now: Instant) {
        refused.removeValue(forKey: ObjectIdentifier(node))
        guard limited.updateValue(node, forKey: ObjectIdentifier(node)) == nil else { return }
        limitedHaveChanged = true
        hasFreedWatches = false
        if pollAt == nil { pollAt = now + Self.pollMilliseconds }
    }

    mutating func refuse(_ node: DirectoryNode, now: Instant) {
        if limited.removeValue(forKey: ObjectIdentifier(node)) != nil { limitedHaveChanged = true }
        if refused.updateValue(node, forKey: ObjectIdentifier(node)) == nil {
            refusedInterval = Self.refusedMilliseconds
            refusedAt = min(refusedAt ?? now + refusedInterval, now + refusedInterval)
        }
    }

    /// It is watched, or forgotten.
    mutating func free(_ node: DirectoryNode) {
        if limited.removeValue(forKey: ObjectIdentifier(node)) != nil { limitedHaveChanged = true }
        refused.removeValue(forKey: ObjectIdentifier(node))
        if limited.isEmpty { pollAt = nil }
        if refused.isEmpty { refusedAt = nil }
    }

    mutating func retryRefusedSoon(now: Instant) {
        if !refused.isEmpty { refusedAt = now }
    }

    /// The unreadable directories, if it is time to try them again.
    mutating func takeRefused(now: Instant) -> [DirectoryNode] {
        guard let refusedAt, refusedAt <= now else { return [] }
        refusedInterval = min(refusedInterval * 2, Self.refusedLimitMilliseconds)
        self.refusedAt = now + refusedInterval
        return Array(refused.values)
    }

    /// Whether it is time to try for watches, and to hint what gets none.
    mutating func takePoll(now: Instant) -> Bool {
        guard let pollAt, pollAt <= now else { return false }
        self.pollAt = now + Self.pollMilliseconds
        return true
    }

    /// When something is due; nil if nothing is.
    var deadline: Instant? {
        [lost.values.lazy.map(\.deadline).min(), visitAt, pollAt, refusedAt].compactMap { $0 }.min()
    }
}
