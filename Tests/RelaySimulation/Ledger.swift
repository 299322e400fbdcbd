// SPDX-License-Identifier: Apache-2.0

/// What users did to every content, which is what the end is held against.
struct Ledger {
    struct Fate {
        /// Some user overwrote or deleted it where that user had it.
        var isDestroyed = false
        /// In this round: destroyed by a user.
        var isDestroyedNow = false
        /// In this round: written, or touched in any other way than by destroying it.
        var isTouchedNow = false
        var isWritten = false
        /// A power cut took it from a disk while the hub's tree had it.
        var mustSurvive = false
        /// Stands in exactly one place on all disks since the beginning of the round.
        var isSynced = false
    }

    /// By token number.
    private(set) var fates: [Fate] = [Fate()]
    private(set) var sizes: [UInt32] = [0]
    /// Whether some agent forgot what it knew, in this round.
    var forgetsNow = false {
        didSet { if forgetsNow { hasForgotten = true } }
    }
    /// Whether users ever wrote rules for what is left out: what was agreed on about that is forgotten.
    var hasIgnored = false
    /// Whether some agent ever forgot what it knew.
    private(set) var hasForgotten = false

    /// A content that nobody had before.
    mutating func makeToken(sizeBytes: UInt32) -> Token {
        fates.append(Fate())
        sizes.append(sizeBytes)
        return Token(number: UInt32(fates.count - 1), sizeBytes: sizeBytes)
    }

    mutating func destroy(_ token: Token) {
        guard token != .empty else { return }
        fates[Int(token.number)].isDestroyed = true
        fates[Int(token.number)].isDestroyedNow = true
    }

    mutating func mustSurvive(_ token: Token) { fates[Int(token.number)].mustSurvive = true }

    mutating func misplace(_ token: Token) { fates[Int(token.number)].mustSurvive = false }

    mutating func touch(_ token: Token) {
        fates[Int(token.number)].isTouchedNow = true
        fates[Int(token.number)].isWritten = true
    }

    /// Begins a round in which the disks hold these. Those in place are equal but where a content is lost.
    mutating func beginRound(holding disks: [(all: [Token], inPlace: [Token])]) {
        forgetsNow = false
        for index in fates.indices {
            fates[index].isDestroyedNow = false
            fates[index].isTouchedNow = false
            fates[index].isSynced = false
        }
        let all = disks.map { Self.counts($0.all) }
        let inPlace = disks.map { Self.counts($0.inPlace) }
        for (number, count) in inPlace[0] where count == 1 {
            fates[Int(number)].isSynced = (all + inPlace).allSatisfy { $0[number] == 1 }
        }
    }

    private static func counts(_ tokens: [Token]) -> [UInt32: Int] {
        Dictionary(tokens.map { ($0.number, 1) }, uniquingKeysWith: +)
    }

    /// Contents that are written and that no user gave up.
    var kept: [Token] { tokens { $0.isWritten && !$0.isDestroyed } }

    /// Contents that a power cut took from a disk while the hub had them, and that no user gave up.
    var cutOff: [Token] { tokens { $0.mustSurvive && $0.isWritten && !$0.isDestroyed } }

    /// Contents that were everywhere at the beginning of the round, and that users only removed since.
    var removed: [Token] {
        forgetsNow || hasIgnored ? [] : tokens { $0.isSynced && $0.isDestroyedNow && !$0.isTouchedNow }
    }

    private func tokens(where isWanted: (Fate) -> Bool) -> [Token] {
        fates.indices.dropFirst().filter { isWanted(fates[$0]) }
            .map { Token(number: UInt32($0), sizeBytes: sizes[$0]) }
    }
}

extension World: DiskWitness, FolderWitness {
    func userDestroys(_ token: Token, on disk: SimulatedDisk) { ledger.destroy(token) }
    func userTouches(_ token: Token, on disk: SimulatedDisk) { ledger.touch(token) }
    func userMisplaces(_ token: Token, on disk: SimulatedDisk) { ledger.misplace(token) }
    func userWrites(_ token: Token, on disk: SimulatedDisk) { ledger.touch(token) }

    func folderDestroys(_ token: Token, _ what: @autoclosure () -> String) {
        guard token != .empty, !hub.index.hasHeld(token) else { return }
        fail("N3", "\(what()): content \(token.number), which the hub never had")
    }
}
