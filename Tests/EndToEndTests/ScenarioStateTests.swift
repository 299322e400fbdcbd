// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// What the programs know, and what they keep, is lost or damaged.
@Suite(.serialized, .busyLane) struct ScenarioStateTests {
    @Test func `S35 an agent that forgot everything deletes nothing, and fetches what is not there`() throws {
        let setup = try Setup(storeLimit: "0")
        let a = try setup.agent("a")
        let b = try setup.agent("b")
        try a.shell(
            "for i in 1 2 3 4; do echo $i > f$i; done; mkdir d; echo x > d/x; head -c 500000 /dev/urandom > big"
        )
        try setup.settle()
        // Nobody could give it anything.
        b.stop()
        a.stop()
        try Shell.run("rm folders/*/replica.sqlite*", in: b.state)
        try b.start()
        try b.wait()
        b.stop()
        try a.start()
        try Shell.run("rm folders/*/replica.sqlite*", in: b.state)
        try b.shell("echo 'by b' > f1; rm f2; mv d e")
        try a.shell("echo 'by a' > f3")
        try a.wait()
        try b.start()
        try setup.settle()
        #expect(try setup.differences() == "")
        let texts = try a.texts()
        #expect(
            texts["f2"] == "2\n" && texts["d/x"] == "x\n" && texts["e/x"] == "x\n" && texts["f4"] == "4\n")
        let small = texts.filter { $0.key != "big" }.values
        #expect(Set(small) == ["1\n", "2\n", "3\n", "4\n", "x\n", "by a\n", "by b\n"])
        // What differed, and nothing else.
        #expect(try a.conflictCopies().count == 2)
    }

    @Test(.enabled(if: Mounted.isPossible))
    func `S40 a hub that lost its power has all that it said it had`() throws {
        let setup = try Setup(startsHub: false)
        let disk = try setup.mount(ext4MiB: 200, on: "hub")
        try setup.startHub()
        let a = try setup.agent("a")
        let c = try setup.agent("c")
        for round in 1...4 {
            c.stop()
            let isAcknowledged = round <= 2
            let script = "for i in $(seq 150); do head -c 2000 /dev/urandom > r\(round)-$i; done"
            if isAcknowledged {
                try a.shell(script)
                try a.wait()
            } else {
                // In the middle of it, at no special point.
                try a.shell("{ \(script); } & while [ ! -e r\(round)-100 ]; do :; done; wait")
            }
            try setup.cutPowerOfHub(on: disk)
            try setup.startHub()
            if isAcknowledged { a.stop() } else { try a.wait() }
            try c.start()
            try c.wait()
            #expect(c.count("") == 150 * round + 1)
            if isAcknowledged { try a.start() }
            try setup.settle()
            #expect(try setup.differences() == "")
            #expect(try a.conflictCopies() == [])
        }
        // Nothing that the hub refers to is missing: one who comes now gets all of it from the hub alone.
        try setup.settle()
        a.stop()
        c.stop()
        let late = try setup.agent("late")
        try late.wait()
        #expect(try Tree.listing(late.folder) == Tree.listing(a.folder))
    }

    @Test(arguments: ["flip", "truncate", "delete"])
    func `S48 damaged contents of the hub are healed from a device`(_ damage: String) throws {
        let setup = try Setup()
        let a = try setup.agent("a")
        try a.shell("head -c 3000000 /dev/urandom > big; echo small > small")
        try setup.settle()
        try within(10) { try setup.storedBytes() >= 3_000_000 }
        setup.stopHub()
        let script =
            switch damage {
            case "flip": "printf '\\x00\\xff\\x00\\xff' | dd of=$f bs=1 seek=1000000 conv=notrunc status=none"
            case "truncate": "truncate -s 1000000 $f"
            default: "rm $f"
            }
        try Shell.run("f=$(ls -S shares/*/segments/*.seg | head -1); \(script)", in: setup.hubData)
        try setup.startHub()
        let c = try setup.agent("c")
        try c.wait()
        try Shell.run(
            "cmp folder-a/big folder-c/big && cmp folder-a/small folder-c/small", in: setup.directory)
        // It is healed, not only relayed: the hub gives it without the device.
        try within(10) { try setup.storedBytes() >= 3_000_000 }
        a.stop()
        c.stop()
        let d = try setup.agent("d")
        try d.wait()
        try Shell.run(
            "cmp folder-a/big folder-d/big && cmp folder-a/small folder-d/small", in: setup.directory)
    }

    @Test func `S11 of a file that is changed while it is sent no state arrives that never was`() throws {
        let (setup, a, b) = try Setup.pair()
        try setup.settle()
        let size = 48 << 20
        try a.shell("head -c \(size) /dev/urandom > big")
        let original = try Data(contentsOf: URL(fileURLWithPath: a.folder + "/big"))
        try within(60) { try setup.storedBytes() + b.stagedBytes() > size / 2 }
        let file = try FileHandle(forUpdating: URL(fileURLWithPath: a.folder + "/big"))
        let offsets = Array(stride(from: 0, to: size, by: 4 << 20))
        var seen = 0
        /// Whether all of the edits have arrived.
        func look() throws -> Bool {
            guard let found = try? Data(contentsOf: URL(fileURLWithPath: b.folder + "/big")) else {
                return false
            }
            seen += 1
            // The edits were made one after the other: some of the first, and none of the rest.
            var expected = original
            for offset in offsets where found[offset..<offset + 4] == Data("EDIT".utf8) {
                expected.replaceSubrange(offset..<offset + 4, with: Data("EDIT".utf8))
            }
            let edited = offsets.map { found[$0..<$0 + 4] == Data("EDIT".utf8) }
            #expect(found == expected)
            #expect(edited == edited.sorted { $0 && !$1 })
            return edited.allSatisfy { $0 }
        }
        for offset in offsets {
            try file.seek(toOffset: UInt64(offset))
            try file.write(contentsOf: Data("EDIT".utf8))
            _ = try look()
        }
        try file.close()
        try within(120) { try look() }
        #expect(seen > 0)
        try setup.settle(seconds: 120)
        #expect(try setup.differences() == "")
        #expect(try a.conflictCopies() == [])
    }
}

extension Agent {
    fileprivate func stagedBytes() -> Int {
        let text = try? Shell.run(
            "find '\(folder)/.relay/stage' -type f -printf '%b\\n' | awk '{ sum += $1 } END { print 512 * sum }'"
        )
        return text.flatMap { Int($0.trimmingCharacters(in: .whitespacesAndNewlines)) } ?? 0
    }
}
