// SPDX-License-Identifier: Apache-2.0

import CLinux
import Synchronization

/// Brings a large file to disk while it is still being written, and gives back the memory that held it.
///
/// The sync at the end then has little left to do, the kernel needs no fresh memory for a file of any size,
/// and what the person's own programs have in memory stays there. It is advice only: no write is waited
/// for, and a failure is left for the sync to tell of.
final class WriteBehind: Sendable {
    /// What is written between two advices.
    static let portionBytes: UInt64 = 8 << 20
    /// Portions that stay in memory, for whoever opens the file that came: all but the largest files as a
    /// whole, and of those what was written last.
    static let keptPortions = 32

    /// Ranges of a file: one that is to be written to disk, and one whose memory is to be given back.
    struct Advice: Equatable {
        var write: Range<UInt64>
        var giveBack: Range<UInt64>?
    }

    /// What was written, and not advised on yet.
    struct Progress {
        /// From the first to the last byte that was written since the last advice, and how many they are.
        private var current: Range<UInt64>?
        private var currentBytes: UInt64 = 0
        /// What is being written to disk, the oldest first.
        private var written: [Range<UInt64>] = []

        /// Nil until a portion is complete. Bytes may come in any order.
        mutating func note(_ range: Range<UInt64>) -> Advice? {
            let start = min(current?.lowerBound ?? .max, range.lowerBound)
            let portion = start..<max(current?.upperBound ?? 0, range.upperBound)
            current = portion
            currentBytes += UInt64(range.count)
            guard currentBytes >= WriteBehind.portionBytes else { return nil }
            (current, currentBytes) = (nil, 0)
            written.append(portion)
            return Advice(
                write: portion,
                giveBack: written.count > WriteBehind.keptPortions ? written.removeFirst() : nil)
        }
    }

    private let progress = Mutex(Progress())

    /// Bytes were written.
    func note(_ file: borrowing Descriptor, at offset: UInt64, count: UInt64) {
        let (end, isOverflow) = offset.addingReportingOverflow(count)
        guard !isOverflow, let advice = progress.withLock({ $0.note(offset..<end) }) else { return }
        file.beginWriting(advice.write)
        if let range = advice.giveBack { file.givePagesBack(range) }
    }
}

extension Descriptor {
    fileprivate func beginWriting(_ range: Range<UInt64>) {
        guard let (offset, count) = Self.signed(range) else { return }
        _ = relay_begin_writing(number, offset, count)
    }

    fileprivate func givePagesBack(_ range: Range<UInt64>) {
        guard let (offset, count) = Self.signed(range) else { return }
        _ = relay_give_pages_back(number, offset, count)
    }

    private static func signed(_ range: Range<UInt64>) -> (offset: Int64, count: Int64)? {
        guard let offset = Int64(exactly: range.lowerBound),
            let count = Int64(exactly: range.upperBound - range.lowerBound)
        else { return nil }
        return (offset, count)
    }
}
