// SPDX-License-Identifier: Apache-2.0

import RelayCore
import RelayStorage
import Testing

@Suite struct RegistryTests {
    private let directory: TemporaryDirectory
    private let share = ShareID(high: 1, low: 1)

    init() throws { directory = try TemporaryDirectory() }

    private func hub() throws -> HubRegistry { try HubRegistry(path: directory.file("hub.db")) }
    private func token(_ number: UInt64) -> Bytes32 { Bytes32(number, 0, 0, 0) }

    @Test func `shares are found by their names`() throws {
        let registry = try hub()
        try registry.createShare(name: "photos'; DROP TABLE share; --", id: share)
        try registry.createShare(name: "docs", id: ShareID(high: 1, low: 2))
        #expect(try registry.share(named: "docs") == ShareRecord(id: ShareID(high: 1, low: 2), name: "docs"))
        #expect(try registry.share(named: "Docs") == nil)
        #expect(try registry.shares().map(\.name) == ["docs", "photos'; DROP TABLE share; --"])
        #expect(throws: StateError.self) {
            try registry.createShare(name: "docs", id: ShareID(high: 9, low: 9))
        }
        #expect(throws: StateError.self) { try registry.createShare(name: "other", id: share) }
        registry.close()
        #expect(try hub().shares().count == 2)
    }

    @Test func `a token makes one device a member, once`() throws {
        let registry = try hub()
        try registry.createShare(name: "docs", id: share)
        try registry.addToken(hash: token(1), share: share, expiresAt: 100)
        let redeem = { (number: UInt64, device: UInt64, now: Int64) in
            try registry.redeem(
                tokenHash: self.token(number), share: self.share, device: Sample.device(device),
                name: "device \(device)", now: now)
        }
        #expect(try !redeem(2, 1, 50))
        #expect(try redeem(1, 1, 50))
        #expect(try redeem(1, 1, 500))
        #expect(try redeem(77, 1, 500))
        #expect(try !redeem(1, 2, 50))
        #expect(try registry.isMember(share: share, device: Sample.device(1)))
        #expect(try !registry.isMember(share: share, device: Sample.device(2)))
        #expect(try registry.members(of: share) == [MemberRecord(id: Sample.device(1), name: "device 1")])
        #expect(try registry.device(Sample.device(1)) == "device 1")
        #expect(try registry.device(Sample.device(2)) == nil)
        #expect(try registry.removeMember(share: share, device: Sample.device(1)))
        #expect(try !registry.removeMember(share: share, device: Sample.device(1)))
        #expect(try !redeem(1, 1, 50))
    }

    @Test func `a revoked device is no member, by no token, until it is readmitted`() throws {
        var registry = try hub()
        let (other, device, friend) = (ShareID(high: 1, low: 2), Sample.device(1), Sample.device(2))
        for (id, name, last) in [(share, "docs", 1), (other, "other", 2)] as [(ShareID, String, UInt64)] {
            try registry.createShare(name: name, id: id)
            for number in 1...4 as ClosedRange<UInt64> {
                try registry.addToken(hash: token(number * 10 + last), share: id, expiresAt: 100)
            }
        }
        func redeem(_ number: UInt64, _ share: ShareID, _ device: DeviceID) throws -> Bool {
            try registry.redeem(tokenHash: token(number), share: share, device: device, name: "d", now: 1)
        }
        #expect(try redeem(11, share, device) && redeem(12, other, device) && redeem(21, share, friend))
        #expect(try registry.standing(share: share, device: device) == .member)
        #expect(try registry.revoke(device: device, shares: [share], now: 1) == 2)
        registry.close()
        registry = try hub()
        #expect(try registry.standing(share: share, device: device) == .revoked)
        #expect(try registry.standing(share: other, device: device) == .member)
        #expect(try registry.standing(share: share, device: Sample.device(9)) == .stranger)
        #expect(try registry.revokedDevices(of: share) == [MemberRecord(id: device, name: "d")])
        #expect(try registry.members(of: share) == [MemberRecord(id: friend, name: "d")])
        // Links from before are void for everybody, those from after for the device.
        #expect(try !redeem(31, share, Sample.device(3)))
        try registry.addToken(hash: token(51), share: share, expiresAt: 100)
        #expect(try !redeem(51, share, device))
        #expect(try redeem(51, share, Sample.device(3)))
        #expect(try redeem(22, other, Sample.device(3)))
        // Expired links are not counted, and once more changes nothing.
        #expect(try registry.revoke(device: device, shares: [share, other], now: 100) == 0)
        try registry.readmit(device: device, shares: [share])
        try registry.readmit(device: friend, shares: [other])
        #expect(try registry.standing(share: share, device: device) == .member)
        #expect(try registry.standing(share: other, device: device) == .revoked)
        #expect(try registry.standing(share: other, device: friend) == .stranger)
    }

    @Test func `an expired token and one of another share are worth nothing`() throws {
        let registry = try hub()
        let other = ShareID(high: 1, low: 2)
        try registry.createShare(name: "docs", id: share)
        try registry.createShare(name: "other", id: other)
        try registry.addToken(hash: token(1), share: share, expiresAt: 100)
        try registry.addToken(hash: token(2), share: share, expiresAt: 100)
        let device = Sample.device(1)
        #expect(try !registry.redeem(tokenHash: token(2), share: other, device: device, name: "d", now: 1))
        #expect(try registry.redeem(tokenHash: token(2), share: share, device: device, name: "d", now: 1))
        let late = Sample.device(2)
        #expect(try !registry.redeem(tokenHash: token(1), share: share, device: late, name: "d", now: 100))
    }

    @Test func `one of many devices that race for a token gets it`() async throws {
        let registry = try hub()
        let share = share
        try registry.createShare(name: "docs", id: share)
        try registry.addToken(hash: token(1), share: share, expiresAt: 100)
        let hash = token(1)
        let winners = try await withThrowingTaskGroup(of: Bool.self) { group in
            for number in 0..<8 as Range<UInt64> {
                group.addTask {
                    try registry.redeem(
                        tokenHash: hash, share: share, device: Sample.device(number), name: "d", now: 1)
                }
            }
            return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(winners == 1)
    }

    @Test func `an agent's folders are kept`() throws {
        var registry = try AgentRegistry(path: directory.file("agent.db"))
        var folder = FolderRecord(
            path: "/home/é", share: "docs", hubHost: "hub.example", hubPort: 4711, hub: Sample.device(1),
            root: [1, 2, 0], replicaFile: "1.db")
        try registry.put(folder)
        #expect(try registry.folder(path: "/home/é") == folder)
        #expect(try registry.folder(path: "/home/e\u{301}") == nil)
        folder.root = []
        try registry.put(folder)
        registry.close()
        registry = try AgentRegistry(path: directory.file("agent.db"))
        #expect(try registry.folders() == [folder])
        try registry.remove(path: folder.path)
        try registry.remove(path: folder.path)
        #expect(try registry.folders() == [])
    }
}
