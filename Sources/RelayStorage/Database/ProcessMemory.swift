// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc

/// The memory that this process takes.
enum ProcessMemory {
    /// How much of files may stay mapped at rest: half as much again as what a change runs through.
    private static let restingFileBytes = 32 << 20

    /// Gives back what is not needed at rest: what the allocator holds free, and, where more of files is
    /// mapped than `fileBytes`, the pages of code, most of which runs at the start and never again.
    ///
    /// The kernel's cache of files keeps the code, among what it lets go first when memory is short. What
    /// runs again is mapped again, by a fault for every sixteen pages: some three hundred for the next change
    /// in all three programs, which is why what changes need stays mapped then.
    static func giveBack(fileBytes: Int = restingFileBytes) {
        _ = malloc_trim(0)
        guard mappedFileBytes(in: text(of: "/proc/self/statm")) > fileBytes else { return }
        // A debugger's breakpoints are written into the code, and would go with it.
        guard text(of: "/proc/self/status").contains("\nTracerPid:\t0\n") else { return }
        // No library is ever closed in our programs: what is code now is still code when it is given back.
        for range in codeRanges(in: text(of: "/proc/self/maps")) {
            madvise(UnsafeMutableRawPointer(bitPattern: range.lowerBound), range.count, MADV_DONTNEED)
        }
    }

    /// How much of files is in the process's memory, as `/proc/self/statm` has it; 0 of what is none.
    static func mappedFileBytes(in counts: String) -> Int {
        // All memory, what of it is in use, what of that is of files, in pages.
        let words = counts.split(separator: " ")
        guard words.count > 2, let pages = Int(words[2]) else { return 0 }
        return pages * sysconf(Int32(_SC_PAGESIZE))
    }

    /// Where files are mapped to be run, as `/proc/self/maps` has it.
    ///
    /// Mappings that are only read are left out: relocations are written into some of them.
    static func codeRanges(in maps: String) -> [Range<UInt>] {
        maps.split(separator: "\n").compactMap { line in
            // Addresses, permissions, offset, device, inode, path.
            let words = line.split(separator: " ", maxSplits: 5)
            guard words.count == 6, words[1] == "r-xp", words[4] != "0" else { return nil }
            let addresses = words[0].split(separator: "-")
            guard addresses.count == 2, let start = UInt(addresses[0], radix: 16),
                let end = UInt(addresses[1], radix: 16), start < end
            else { return nil }
            return start..<end
        }
    }

    private static func text(of path: String) -> String {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return "" }
        defer { close(file) }
        var bytes: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 16 << 10)
        while true {
            let count = read(file, &part, part.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            bytes += part[..<count]
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
