// SPDX-License-Identifier: Apache-2.0

import Foundation
import RelayCore
import Testing

/// Stored contents of the hub that are damaged: found, told, healed, and never emptied.
@Suite(.serialized, .busyLane) struct StoreDamageTests {
    /// A hub that has two files of a device, which is not online any more.
    private func storedFiles(hubOptions: [String] = []) throws -> (Setup, Agent) {
        let setup = try Setup(hubOptions: hubOptions)
        let a = try setup.agent("a")
        try a.shell("mkdir d; head -c 3000000 /dev/urandom > d/big; echo small > small")
        try setup.settle()
        try within(10, "all is stored") { try setup.storedBytes() >= 3_000_000 }
        a.stop()
        return (setup, a)
    }

    private func damage(_ how: String, in setup: Setup) throws {
        let script =
            switch how {
            case "flip": "printf '\\x00\\xff\\x00\\xff' | dd of=$f bs=1 seek=1000000 conv=notrunc status=none"
            case "truncate": "truncate -s 1000000 $f"
            default: "rm $f"
            }
        try Shell.run("f=$(ls -S shares/*/segments/*.seg | head -1); \(script)", in: setup.hubData)
    }

    @Test(arguments: ["flip", "truncate", "delete"])
    func `S48 a verification finds what is damaged, tells it, and it waits for a device`(
        _ how: String
    ) throws {
        let (setup, a) = try storedFiles()
        let segment = try setup.shareDirectory() + "/segments/00000000.seg"
        if how == "delete" { setup.stopHub() }
        try damage(how, in: setup)
        let size = how == "delete" ? 0 : try Int(setup.output("stat -c %s '\(segment)'")) ?? 0
        let before = how == "delete" ? "" : try setup.output("sha256sum < '\(segment)'")
        if how == "delete" { try setup.startHub() }
        let found = try setup.verifyStore()
        #expect(found.status == 9 && found.report.damaged > 0)
        let damage = try #require(found.report.damage)
        #expect(damage.missing == found.report.damaged && damage.healed == 0)
        let chunk = try #require(damage.chunks.first { $0.path == "d/big" })
        #expect(chunk.segment == segment && chunk.devices == ["a"])
        // With nobody online who has it, it waits, and everybody is told.
        let status = try setup.hubStatus().output
        #expect(status.contains("missing until a device brings them") && status.contains("d/big"))
        #expect(setup.hub?.errors.contains("stored chunk is damaged") == true)
        let b = try setup.agent("b")
        let waiting = try b.waitForReport("the file waits for a") { report in
            report.problems.contains { $0.path == "d/big" && $0.devices?.contains("a") == true }
        }
        #expect(waiting.state == .syncing)
        try a.start()
        try setup.settle()
        #expect(try setup.differences() == "")
        try within(20, "it is healed") { try setup.damage()?.missing == 0 }
        #expect(try setup.verifyStore().status == 0)
        // The damaged bytes are where they were, and what was brought stands elsewhere.
        if how != "delete" { #expect(try setup.output("head -c \(size) '\(segment)' | sha256sum") == before) }
        a.stop()
        b.stop()
        let c = try setup.agent("c")
        try c.wait()
        #expect(try Tree.listing(c.folder) == Tree.listing(a.folder))
        c.stop()
    }

    @Test func `S48 a hub finds by itself what is damaged, and has it healed`() throws {
        let (setup, a) = try storedFiles(hubOptions: ["--verify-every", "0.0003"])
        try within(20, "a first verification has ended") { try setup.shareReport().verifiedAt != nil }
        try a.start()
        try damage("flip", in: setup)
        try within(30, "it is healed") { (try setup.damage()?.healed ?? 0) > 0 }
        try within(10, "all of it") { try setup.damage()?.missing == 0 }
        a.stop()
        let b = try setup.agent("b")
        try b.wait()
        #expect(try Tree.listing(b.folder) == Tree.listing(a.folder))
        b.stop()
    }

    @Test func `S48 what is offered anew is not taken for stored when that is damaged`() throws {
        let (setup, a) = try storedFiles()
        // What was stored moments ago is not read again; after a restart nothing counts as that.
        setup.stopHub()
        try setup.startHub()
        try damage("flip", in: setup)
        // A file of one small chunk, and the one that is damaged already.
        try Shell.run(
            """
            f=$(ls -S shares/*/segments/*.seg | head -1)
            o=$(grep -abo RCHK $f | cut -d: -f1 | while read o; do
            if [ "$(tail -c +$((o + 53)) $f | head -c 5)" = small ]; then echo $o; fi; done)
            printf 'X' | dd of=$f bs=1 seek=$((o + 53)) conv=notrunc status=none
            """, in: setup.hubData)
        #expect(try setup.damage() == nil)
        try a.start()
        try a.shell("cp d/big again; cp small small2")
        try a.wait()
        try within(20, "both are healed") {
            guard let damage = try setup.damage() else { return false }
            return damage.healed >= 2 && damage.missing == 0
        }
        a.stop()
        let b = try setup.agent("b")
        try b.wait()
        #expect(try Tree.listing(b.folder) == Tree.listing(a.folder))
        b.stop()
    }

    @Test func `S48 what the disk cannot read is damaged, and whole when the disk can read it again`() throws
    {
        let (setup, a) = try storedFiles()
        let library = try Interposed.damagedDisk(
            under: ".seg", atByte: 1_500_000, in: setup.directory)
        let flag = setup.directory + "/reading-fails"
        setup.stopHub()
        try setup.startHub(["LD_PRELOAD": library, "READING_FAILS": flag])
        try Shell.run("touch '\(flag)'")
        let found = try setup.verifyStore()
        #expect(found.status == 9 && found.report.damaged == 1)
        #expect(found.report.damage?.chunks.first?.path == "d/big")
        #expect(setup.hub?.errors.contains("Input/output error") == true)
        // A device that wants it waits for that chunk alone.
        let b = try setup.agent("b")
        try within(20, "the small file is there") { b.has("small") }
        #expect(!b.has("d/big"))
        try Shell.run("rm '\(flag)'")
        let again = try setup.verifyStore()
        #expect(again.status == 0 && again.report.released == 1)
        try b.wait(seconds: 20)
        b.stop()
        // With somebody online who has it, it is healed.
        try Shell.run("touch '\(flag)'")
        try a.start()
        _ = try setup.verifyStore()
        try within(20, "it is healed") { try setup.damage()?.missing == 0 && setup.damage()?.healed == 1 }
        a.stop()
        let c = try setup.agent("c")
        try c.wait()
        #expect(try Tree.listing(c.folder) == Tree.listing(a.folder))
        c.stop()
    }

    @Test func `a segment that is removed while the hub uses it is stored anew`() throws {
        let (setup, a) = try storedFiles()
        try damage("delete", in: setup)
        #expect(try setup.verifyStore().report.damaged == 0)
        #expect(setup.hub?.errors.contains("removed while it was in use") == true)
        setup.stopHub()
        try setup.startHub()
        #expect(try setup.verifyStore().status == 0)
        let b = try setup.agent("b")
        try b.wait()
        #expect(try Tree.listing(b.folder) == Tree.listing(a.folder))
        b.stop()
    }

    @Test func `a segment that comes back is whole again, and what nobody has is not lost by it`() throws {
        let (setup, a) = try storedFiles()
        setup.stopHub()
        let segments = try setup.shareDirectory() + "/segments"
        try Shell.run("mv '\(segments)/00000000.seg' aside", in: setup.directory)
        try setup.startHub()
        #expect(try setup.verifyStore().status == 9)
        // A new segment does not take the place of the one that is gone.
        let b = try setup.agent("b")
        try b.shell("head -c 100000 /dev/urandom > other")
        try within(20, "it is stored") { try setup.storedBytes() > 100_000 }
        try Shell.run("mv aside '\(segments)/00000000.seg'", in: setup.directory)
        let again = try setup.verifyStore()
        #expect(again.status == 0 && again.report.released > 0 && again.report.damage == nil)
        try b.wait()
        b.stop()
        try a.start()
        try a.wait()
        #expect(try Tree.listing(b.folder) == Tree.listing(a.folder))
    }
}

extension Setup {
    func output(_ script: String) throws -> String {
        try Shell.run(script).trimmingCharacters(in: .whitespacesAndNewlines)
    }

    func shareReport() throws -> HubShareReport {
        let result = try hubStatus("--json")
        let report = try JSONDecoder().decode(HubReport.self, from: Data(result.output.utf8))
        guard let share = report.shares.first else { throw TestFailure("no share: \(result.output)") }
        return share
    }

    /// The damaged chunks that the hub tells of.
    func damage() throws -> HubDamageReport? { try shareReport().damage }

    /// Has the hub verify all that it stores.
    func verifyStore() throws -> (status: Int32, report: HubVerificationReport) {
        let result = try ProgramRun(
            "relay-server", ["verify", "--data", hubData, "--json"], in: directory
        ).waitForEnd()
        let reports = try JSONDecoder().decode([HubVerificationReport].self, from: Data(result.output.utf8))
        guard let report = reports.first else { throw TestFailure("no report: \(result.errors)") }
        return (result.status, report)
    }
}
