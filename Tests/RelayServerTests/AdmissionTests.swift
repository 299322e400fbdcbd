// SPDX-License-Identifier: Apache-2.0

import RelayCore
import RelayServer
import RelayWire
import Testing

@Suite(.timeLimit(.minutes(2))) struct AdmissionTests {
    @Test func `a token admits one device for ever, and no second one`() async throws {
        try await withDirectory { directory in
            try await withHub(directory) { hub in
                let link = try await hub.link()
                let first = try await hub.member("first")
                try await first.connectControl(token: link.token)
                try await first.subscribe(nil)
                let second = try await hub.member("second")
                let reason = try await refusal { try await second.connectControl(token: link.token) }
                #expect(reason == .badToken)
                try await first.connectBulk()
            }
        }
    }

    @Test func `a share can be made while the hub runs, and is there after a restart`() async throws {
        try await withDirectory { directory in
            try await withHub(directory) { hub in
                let missing = await #expect(throws: ControlError.self) {
                    try await hub.hub.invite(share: "photos", address: nil, creates: false)
                }
                #expect(missing?.exitCode == 5)
                for name in ["", "a\u{7}", String(repeating: "x", count: 256)] {
                    let error = await #expect(throws: ControlError.self) {
                        try await hub.hub.invite(share: name, address: nil, creates: true)
                    }
                    #expect(error?.exitCode == 2)
                }
                for _ in 0..<2 {
                    let text = try await hub.hub.invite(share: "photos", address: nil, creates: true)
                    let link = try JoinLink(parsing: text)
                    #expect(link.share == "photos")
                }
                #expect(await hub.hub.status().shares.map(\.name) == ["photos", "shared"])
            }
            try await withHub(directory) { hub in
                #expect(await hub.hub.status().shares.map(\.name) == ["photos", "shared"])
                _ = try await hub.hub.invite(share: "photos", address: nil, creates: false)
            }
        }
    }

    @Test func `an expired token admits nobody`() async throws {
        try await withDirectory { directory in
            try await withHub(directory, inviteSeconds: 0) { hub in
                let link = try await hub.link()
                let agent = try await hub.member("late")
                let reason = try await refusal { try await agent.connectControl(token: link.token) }
                #expect(reason == .badToken)
            }
        }
    }

    @Test func `a share that there is not and one of others are told alike`() async throws {
        try await withDirectory { directory in
            try await withHub(directory) { hub in
                let agent = try await hub.member("stranger")
                let one = try await refusal { try await agent.connectControl(agent.hello(share: "shared")) }
                let other = try await refusal { try await agent.connectControl(agent.hello(share: "other")) }
                #expect(one == .unknownDevice && other == .unknownDevice)
                let token = try await hub.link().token
                let wrong = try await refusal {
                    try await agent.connectControl(agent.hello(token: token, share: "other"))
                }
                #expect(wrong == .badToken)
                try await agent.connectControl(token: token)
            }
        }
    }

    @Test func `another version of the protocol is refused`() async throws {
        try await withDirectory { directory in
            try await withHub(directory) { hub in
                let agent = try await hub.member("future")
                let reason = try await refusal {
                    try await agent.connectControl(agent.hello(version: Hello.currentVersion + 1))
                }
                #expect(reason == .unsupportedVersion)
            }
        }
    }

    @Test func `a newer connection of a device supersedes the older`() async throws {
        try await withDirectory { directory in
            try await withHub(directory) { hub in
                let agent = try await hub.joinFully("twice")
                let (oldControl, oldBulk) = (agent.control, agent.bulk)
                try await agent.connectControl()
                try await agent.connectBulk()
                let control = try await refusal { while try await oldControl?.next() != nil {} }
                let bulk = try await refusal { while try await oldBulk?.next() != nil {} }
                #expect(control == .superseded && bulk == .superseded)
                try await agent.subscribe(nil)
                #expect(await hub.hub.status().shares.first?.devices.first?.isOnline == true)
            }
        }
    }

    @Test func `the hub reports its devices and what they hold`() async throws {
        try await withDirectory { directory in
            try await withHub(directory) { hub in
                let agent = try await hub.joinFully("laptop")
                try await agent.create("a", .text("a"))
                try await agent.send(.applied(Revision(1)))
                try await hub.waitForReport { $0.devices.first?.appliedRevision == 1 }
                let device = try #require(await hub.hub.status().shares.first?.devices.first)
                #expect(device.name == "laptop")
                #expect(device.deviceID == agent.identity.id.description)
                #expect(device.isOnline)
                await agent.disconnect()
                try await hub.waitForReport { $0.devices.first?.isOnline == false }
            }
            try await withHub(directory) { hub in
                let device = try #require(await hub.hub.status().shares.first?.devices.first)
                #expect(device.appliedRevision == 1)
            }
        }
    }

    @Test func `invitations name the share that is meant and the address that is asked for`() async throws {
        try await withDirectory { directory in
            try await withHub(directory) { hub in
                let plain = try await hub.link()
                #expect(plain.host == "127.0.0.1" && plain.port == hub.port)
                let named = try JoinLink(
                    parsing: try await hub.hub.invite(
                        share: "shared", address: "hub.example:7000", creates: false))
                #expect(named.host == "hub.example" && named.port == 7000)
                let sixth = try JoinLink(
                    parsing: try await hub.hub.invite(
                        share: "shared", address: "[2001:db8::1]", creates: false))
                #expect(sixth.host == "2001:db8::1" && sixth.port == hub.port)
                await #expect(throws: ControlError.self) {
                    try await hub.hub.invite(share: "other", address: nil, creates: false)
                }
                await #expect(throws: ControlError.self) {
                    try await hub.hub.invite(share: "shared", address: "host:notaport", creates: false)
                }
            }
        }
    }
}
