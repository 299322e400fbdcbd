// SPDX-License-Identifier: Apache-2.0

import RelayControl
import RelayCore
import Testing

@Suite struct RenderingTests {
    private let entries = [
        EntryReport(
            path: "docs", pathBytes: nil, kind: "directory", sizeBytes: nil, mode: "0755", modified: nil,
            content: nil, state: .inSync),
        EntryReport(
            path: "docs/naïve 計画.md", pathBytes: nil, kind: "file", sizeBytes: 1_234_567, mode: "0644",
            modified: "1700000000.000000001", content: "ab", state: .downloading),
        EntryReport(
            path: "link", pathBytes: nil, kind: "symlink", sizeBytes: nil, mode: nil, modified: nil,
            content: nil, state: .uploading),
    ]

    @Test func `entries are a table with aligned columns`() throws {
        #expect(
            try Rendering.table.lines(entries) == [
                "STATE        MODE     SIZE  MODIFIED (UTC)       PATH",
                "in sync      0755        -  -                    docs/",
                "downloading  0644  1.1 MiB  2023-11-14 22:13:20  docs/naïve 計画.md",
                "uploading    -           -  -                    link@",
            ])
        #expect(try Rendering.table.lines([EntryReport]()) == ["no entries"])
    }

    @Test func `entries as JSON are their fields with sorted keys`() throws {
        #expect(
            try Rendering.json.lines([entries[1]]) == [
                """
                [
                  {
                    "content" : "ab",
                    "kind" : "file",
                    "mode" : "0644",
                    "modified" : "1700000000.000000001",
                    "path" : "docs/naïve 計画.md",
                    "sizeBytes" : 1234567,
                    "state" : "downloading"
                  }
                ]
                """
            ])
    }

    @Test func `an agent's status says what is wrong, and where`() throws {
        let folder = FolderReport(
            path: "/home/ann/docs", share: "docs\u{1b}[2J", hub: "hub:4817", state: .offline,
            reason: "cannot reach hub:4817", cause: .offline, isConnected: false, isScanned: true,
            revision: 41, epoch: "cd", pending: 2, polledDirectories: 3, watchOverflows: 1,
            verification: VerificationStanding(finished: "951782400", differences: 2),
            problems: [PathReport(path: "plan.md", cause: .device, reason: "waiting for laptop")])
        let report = AgentReport(
            device: "desk", deviceID: "0123456789abcdef", version: "0.1.0", folders: [folder])
        #expect(
            try Rendering.table.lines(report) == [
                "desk (device 0123456789ab, version 0.1.0)",
                "",
                "FOLDER          SHARE        STATE    PENDING  REVISION  HUB",
                "/home/ann/docs  docs\\x1b[2J  offline        2        41  hub:4817",
                "",
                "/home/ann/docs is offline: cannot reach hub:4817",
                "/home/ann/docs: 3 directories are not watched but polled",
                "/home/ann/docs: the watcher was overrun by changes 1 time, and all was looked through",
                "/home/ann/docs: verification found 2 differences on 2000-02-29 00:00:00 UTC; relay-ctl verify"
                    + " tells what differs now",
                "not in sync in /home/ann/docs:",
                "  plan.md: waiting for laptop",
            ])
    }

    @Test func `what comparisons found is told path by path, with what becomes of it`() throws {
        var report = VerificationReport(path: "/home/ann/docs", share: "docs")
        report.revision = 41
        report.records = 3
        report.directories = 1
        report.files = 2
        report.bytes = 2048
        let extent = "(3 entries of the hub at revision 41, 1 directories, 2 files with 2.0 KiB)"
        #expect(try Rendering.table.lines([report]) == ["/home/ann/docs: nothing differs \(extent)"])
        let name = try #require(EntryName("plan.md"))
        let difference = Difference(
            .unknownOnDisk, at: RelativePath([name]), "a file that was not noticed",
            repair: .look(Placement(parent: .root, name: name)))
        report.differences = [DifferenceReport(difference)]
        report.differenceCount = 2
        report.hubSkipped = "no connection"
        report.changing = 4
        report.unreadable = [UnreadablePath(path: "x", reason: "cannot read x: permission denied")]
        #expect(
            try Rendering.table.lines([report]) == [
                "/home/ann/docs: 2 differences \(extent)",
                "  plan.md: the folder has it, the agent's index does not: a file that was not noticed",
                "    it is looked at again, and synced as any change",
                "  and 1 more",
                "  the hub's index was not compared: no connection",
                "  4 entries were being changed and were not compared",
                "  x was not compared: cannot read x: permission denied",
            ])
    }

    @Test func `a hub's status has its shares and their devices`() throws {
        let device = HubDeviceReport(
            name: "desk", deviceID: "0123456789abcdef", isOnline: true, appliedRevision: 40)
        let share = HubShareReport(
            name: "docs", revision: 41, epoch: "cd", storedBytes: 2048, storeLimitBytes: nil,
            devices: [device])
        let report = HubReport(
            version: "0.1.0", hubID: "fedcba9876543210", listen: "0.0.0.0:4817", shares: [share])
        #expect(
            try Rendering.table.lines(report) == [
                "hub fedcba987654 (version 0.1.0) on 0.0.0.0:4817",
                "",
                "SHARE  REVISION   STORED  LIMIT  DEVICES",
                "docs         41  2.0 KiB   none        1",
                "",
                "SHARE  DEVICE  ID            ONLINE  APPLIED",
                "docs   desk    0123456789ab  yes          40",
            ])
    }

    @Test func `who has left is told what is where, and who does not know`() throws {
        let plain = DepartureReport(path: "/d", share: "docs", untold: nil, returned: [], remark: nil)
        let head = "left docs: /d stays as it is, and is not synced any more"
        #expect(try Rendering.table.lines(plain) == [head])
        let report = DepartureReport(
            path: "/d", share: "docs", untold: "no hub", returned: ["f\n"], remark: "/d/.relay stays")
        #expect(
            try Rendering.table.lines(report) == [
                head, "put back, as it may hold what nobody has seen: f\\x0a", "/d/.relay stays",
                "the hub does not know that this device has left (no hub): relay-server revoke tells it"
                    + " there",
            ])
    }

    @Test func `a hub's devices are listed, with those that were revoked`() throws {
        let device = HubDeviceReport(
            name: "desk", deviceID: "0123456789abcdef", isOnline: false, appliedRevision: 40)
        let share = HubShareReport(
            name: "docs", revision: 41, epoch: "cd", storedBytes: 2048, storeLimitBytes: nil,
            devices: [device],
            revoked: [HubRevokedReport(name: "lost\n", deviceID: "fedcba9876543210")])
        let report = HubReport(version: "0.1.0", hubID: "fe", listen: "0.0.0.0:4817", shares: [share])
        #expect(
            try Rendering.table.lines(report.devices) == [
                "SHARE  DEVICE    ID            STATE    APPLIED",
                "docs   desk      0123456789ab  offline       40",
                "docs   lost\\x0a  fedcba987654  revoked        -",
            ])
        #expect(try Rendering.table.lines([DeviceReport]()) == ["no devices"])
    }

    @Test func `a verification of a store names what is damaged`() throws {
        let chunk = HubDamagedChunkReport(
            chunk: "ab", segment: "/srv/00000000.seg", offset: 16, content: "cd", path: "d/plan.md",
            devices: ["desk"])
        let report = HubVerificationReport(
            share: "docs", chunks: 10, bytes: 2048, damaged: 2, released: 0, unreadable: 0, reason: nil,
            damage: HubDamageReport(missing: 2, healed: 1, chunks: [chunk]))
        #expect(
            try Rendering.table.lines([report]) == [
                "docs: 2 chunks are damaged (10 chunks with 2.0 KiB)",
                "  1 damaged chunks were brought anew",
                "  2 damaged chunks are missing until a device brings them:",
                "    d/plan.md, committed by desk",
                "      at 16 of /srv/00000000.seg, chunk ab",
                "    and 1 more",
            ])
    }

    @Test(
        arguments: [
            (0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1536, "1.5 KiB"), (1_048_575, "1023.9 KiB"),
            (1 << 20, "1.0 MiB"), (UInt64.max, "15.9 EiB"),
        ] as [(UInt64, String)])
    func `sizes are whole bytes or one decimal of a unit`(bytes: UInt64, text: String) {
        #expect(humanSize(bytes) == text)
    }

    @Test(
        arguments: [
            (0, "1970-01-01 00:00:00"), (-1, "1969-12-31 23:59:59"), (951_782_400, "2000-02-29 00:00:00"),
            (4_102_444_799, "2099-12-31 23:59:59"),
        ] as [(Int64, String)])
    func `times are shown in UTC`(seconds: Int64, text: String) {
        #expect(humanTime(seconds: seconds) == text)
    }
}
