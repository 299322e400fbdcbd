// SPDX-License-Identifier: Apache-2.0

import Glibc
import RelayCore
import Synchronization
import SystemPackage

/// The room on disk that the staged files under way are still going to take.
///
/// What is free belongs to those first that were begun first, so that files that together are too large for
/// the disk are brought one after the other, instead of each standing half in the way of all.
final class StageRoom: Sendable {
    private struct Claim {
        let file: OpenFile
        let sizeBytes: UInt64
    }
    private struct State {
        var claims: [UInt64: Claim] = [:]
        var lastNumber: UInt64 = 0
        /// The least that was wanted in vain since somebody asked.
        var refusedBytes: UInt64?
        /// What small files may take until the disk is asked again, and when it was asked.
        var admittedBytes: UInt64 = 0
        var admittedAt = ContinuousClock.now
    }
    private let state = Mutex(State())

    /// Stays free, for records, directories and what the file system needs itself.
    private static let spareBytes: UInt64 = 128 << 10
    /// The part of a small file system that stays free.
    private static let spareFraction: UInt64 = 64

    /// Claims what a staged file of this size does not have on disk yet; throws `noSpace` if there is not so
    /// much. The claim is to be given back when the file is closed.
    func claim(_ sizeBytes: UInt64, for file: OpenFile, in stage: Directory) throws(Errno) -> UInt64 {
        try state.withLock { state throws(Errno) in
            let wanted = Self.rest(Claim(file: file, sizeBytes: sizeBytes))
            guard wanted == 0 || Self.fits(wanted, state, in: stage) else {
                state.refusedBytes = min(state.refusedBytes ?? wanted, wanted)
                throw .noSpace
            }
            state.lastNumber += 1
            state.claims[state.lastNumber] = Claim(file: file, sizeBytes: sizeBytes)
            return state.lastNumber
        }
    }

    /// Throws `noSpace` if there is no room for a small file, which is written at once and claims nothing.
    /// The disk is not asked each time: what others write meanwhile is found out by the write itself.
    func admit(_ sizeBytes: UInt64, in stage: Directory) throws(Errno) {
        try state.withLock { state throws(Errno) in
            let wanted = sizeBytes / Self.blockBytes * Self.blockBytes + Self.blockBytes
            if wanted <= state.admittedBytes, ContinuousClock.now - state.admittedAt < Self.admissionTime {
                state.admittedBytes -= wanted
                return
            }
            guard let (free, total) = Self.freeBytes(in: stage) else { return }
            let taken = Self.sum(Self.taken(state, total), wanted)
            guard taken <= free else {
                state.admittedBytes = 0
                state.refusedBytes = min(state.refusedBytes ?? wanted, wanted)
                throw .noSpace
            }
            state.admittedBytes = (free - taken) / Self.admittedFraction
            state.admittedAt = .now
        }
    }

    private static let blockBytes: UInt64 = 4096
    private static let admissionTime = Duration.milliseconds(100)
    /// The part of what is free that small files get at once.
    private static let admittedFraction: UInt64 = 16

    func giveBack(_ number: UInt64) { state.withLock { $0.claims[number] = nil } }

    /// Whether a file was refused, and none that small would have had room since.
    var hasRefused: Bool { state.withLock { $0.refusedBytes != nil } }

    /// Whether a file that was refused since the last such answer would have room now.
    func hasRoomAgain(in stage: Directory) -> Bool {
        state.withLock { state in
            guard let wanted = state.refusedBytes, Self.fits(wanted, state, in: stage) else { return false }
            state.refusedBytes = nil
            return true
        }
    }

    private static func fits(_ wanted: UInt64, _ state: State, in stage: Directory) -> Bool {
        guard let (free, total) = freeBytes(in: stage) else { return true }
        return sum(taken(state, total), wanted) <= free
    }

    /// What stays free of a disk of this size, and what the files under way are still going to take.
    private static func taken(_ state: State, _ total: UInt64) -> UInt64 {
        var taken = min(spareBytes, total / spareFraction)
        for claim in state.claims.values { taken = sum(taken, rest(claim)) }
        return taken
    }

    /// What a file is still going to take.
    private static func rest(_ claim: Claim) -> UInt64 {
        guard let lent = claim.file.lend(), let status = try? Kernel.status(lent.descriptor) else { return 0 }
        return claim.sizeBytes - min(claim.sizeBytes, status.allocatedBytes)
    }

    private static func sum(_ first: UInt64, _ second: UInt64) -> UInt64 {
        let (sum, isOverflow) = first.addingReportingOverflow(second)
        return isOverflow ? .max : sum
    }

    /// Nil where the file system does not tell, as some network file systems do not.
    static func freeBytes(in directory: Directory) -> (free: UInt64, total: UInt64)? {
        var room = statvfs()
        guard fstatvfs(directory.descriptor.number, &room) == 0, room.f_blocks > 0 else { return nil }
        let unit = UInt64(room.f_frsize)
        let (free, isOverflow) = UInt64(room.f_bavail).multipliedReportingOverflow(by: unit)
        let (total, isLarge) = UInt64(room.f_blocks).multipliedReportingOverflow(by: unit)
        return isOverflow || isLarge ? nil : (free, total)
    }
}
