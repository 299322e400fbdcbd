// SPDX-License-Identifier: Apache-2.0

import Glibc
import RelayCore
import Testing

@testable import RelayFolder

/// A folder that becomes one like any other.
@Suite struct LeavingTests {
    @Test(arguments: places) func `all stays but the folder's own directory`(place: String) throws {
        let scratch = try Scratch(in: place)
        scratch.write("f", "kept")
        scratch.makeDirectory("d")
        _ = try scratch.staged("never placed")
        #expect(try scratch.folder.dissolve() == Dissolution(returned: [], isClean: true))
        #expect(!scratch.exists(".relay"))
        #expect(scratch.text("f") == "kept" && scratch.exists("d"))
    }

    @Test(arguments: places)
    func `what may still be written into comes back beside what displaced it`(place: String) throws {
        let scratch = try Scratch(in: place)
        scratch.write("f.txt", "old ")
        scratch.write("g", "gone ")
        let writers = ["f.txt", "g"].map { open(scratch.path + "/" + $0, O_WRONLY | O_CLOEXEC | O_APPEND) }
        #expect(
            try scratch.place("new", at: "f.txt", over: expectation(scratch, "f.txt", keep: false))
                .doneFingerprint != nil)
        let removal = ApplyStep.remove(relative("g"), expected: try scratch.fingerprint("g"))
        #expect(scratch.apply(removal) == .done(nil))
        let returned = try scratch.folder.dissolve().returned
        #expect(Set(returned) == [RelativePath([conflict]), relative("g")])
        for writer in writers {
            #expect(write(writer, "LATE", 4) == 4)
            close(writer)
        }
        #expect(scratch.text(conflict.description) == "old LATE")
        #expect(scratch.text("g") == "gone LATE" && scratch.text("f.txt") == "new")
        #expect(!scratch.exists(".relay"))
    }

    @Test func `what somebody else has put there stays, and the folder is nobody's`() throws {
        let scratch = try Scratch()
        scratch.makeDirectory(".relay/park/mine")
        scratch.write(".relay/park/mine/f", "mine")
        #expect(try scratch.folder.dissolve() == Dissolution(returned: [], isClean: false))
        #expect(scratch.text(".relay/park/mine/f") == "mine")
        #expect(!scratch.exists(".relay/root") && !scratch.exists(".relay/stage"))
        scratch.folder.close()
        // It can be taken on again.
        let again = try SharedFolder.open(scratch.path, expecting: nil, create: false)
        #expect(again.record.marker != scratch.folder.record.marker)
        again.close()
    }

    @Test func `what is left without a marker goes only where it is empty`() throws {
        let scratch = try Scratch()
        scratch.folder.close()
        #expect(unlink(scratch.path + "/.relay/root") == 0)
        scratch.write(".relay/stage/f", "mine")
        SharedFolder.clearRemains(of: scratch.path)
        #expect(scratch.exists(".relay/stage/f") && !scratch.exists(".relay/park"))
        #expect(unlink(scratch.path + "/.relay/stage/f") == 0)
        SharedFolder.clearRemains(of: scratch.path)
        #expect(!scratch.exists(".relay"))
    }
}
