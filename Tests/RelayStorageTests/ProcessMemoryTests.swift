// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@testable import RelayStorage

@Suite struct ProcessMemoryTests {
    @Test func `only what is mapped of files to be run is code`() {
        let maps = """
            55d0c0000000-55d0c0040000 r--p 00000000 fe:00 1234                       /usr/bin/relay-agent
            55d0c0040000-55d0c1500000 r-xp 00040000 fe:00 1234                       /usr/bin/relay agent
            55d0c1500000-55d0c1600000 rw-p 01500000 fe:00 1234                       /usr/bin/relay-agent
            7f0000000000-7f0000021000 rw-p 00000000 00:00 0 
            7f1000000000-7f1000001000 r-xp 00000000 00:00 0 
            7ffd1b7d3000-7ffd1b7d5000 r-xp 00000000 00:00 0                          [vdso]
            7ffd1b7d3000-7ffd1b7d5000 r-xs 00000000 fe:00 77                         /usr/lib/shared
            nonsense
            """
        #expect(ProcessMemory.codeRanges(in: maps) == [0x55d0_c004_0000..<0x55d0_c150_0000])
    }

    @Test func `what is mapped of files is the third of the counts`() {
        let page = sysconf(Int32(_SC_PAGESIZE))
        #expect(ProcessMemory.mappedFileBytes(in: "53210 13702 10931 4 0 12876 0\n") == 10931 * page)
        #expect(ProcessMemory.mappedFileBytes(in: "") == 0)
        #expect(ProcessMemory.mappedFileBytes(in: "1 2 x") == 0)
    }

    /// How much of the process's code is in its memory, in KiB.
    private func residentCode() throws -> Int {
        var (isCode, sum) = (false, 0)
        for line in try String(contentsOfFile: "/proc/self/smaps", encoding: .utf8).split(separator: "\n") {
            let words = line.split(separator: " ")
            if words.count >= 5, words[0].contains("-") { isCode = words[1] == "r-xp" && words[4] != "0" }
            if isCode, words.first == "Rss:", words.count > 1 { sum += Int(words[1]) ?? 0 }
        }
        return sum
    }

    @Test func `code is given back, and runs again`() throws {
        var isLess = false
        // What other tests run meanwhile comes in at any time.
        for _ in 0..<100 where !isLess {
            let before = try residentCode()
            ProcessMemory.giveBack(fileBytes: 0)
            isLess = try residentCode() < before
        }
        #expect(isLess)
    }
}
