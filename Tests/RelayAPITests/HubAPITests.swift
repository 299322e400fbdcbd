// SPDX-License-Identifier: Apache-2.0

import Logging
import RelayAPI
import RelayControl
import RelayCore
import Testing

@Suite struct HubAPITests {
    private func withHub(_ body: (ControlClient) async throws -> Void) async throws {
        try await withTemporaryDirectory { data in
            try await running(APIServer(hub: FakeHub(), stateDirectory: data, logger: .init(label: "test"))) {
                let client = ControlClient(.hub(dataDirectory: data))
                try await body(client)
                await client.shutdown()
            }
        }
    }

    @Test func `a hub says how it is`() async throws {
        try await withHub { client in
            let report = try await client.hubStatus()
            #expect(report.hubID == "ee")
        }
    }

    @Test func `a device's access is taken back and given again`() async throws {
        try await withHub { client in
            let revoked = try await client.revoke(device: "lap top", share: nil)
            #expect(
                revoked == AccessReport(device: "lap top", deviceID: "dd", shares: ["all"], voidLinks: 1))
            #expect(try await client.revoke(device: "dd", share: "docs").shares == ["docs"])
            #expect(try await client.readmit(device: "dd", share: "docs").voidLinks == 0)
            let error = await controlError { _ = try await client.revoke(device: "nobody", share: nil) }
            #expect(error == .notFound("there is no device nobody"))
        }
    }

    @Test func `a hub verifies what it stores`() async throws {
        try await withHub { client in
            let report = try #require(try await client.verifyStore(share: "docs").first)
            #expect(report.share == "docs" && report.damaged == 1 && report.damage?.healed == 1)
        }
    }

    @Test func `an invitation is a link`() async throws {
        try await withHub { client in
            let link = try await client.invite(share: "docs", address: "10.0.0.1:99")
            #expect(link == "relay://10.0.0.1:99/docs#hub=ee&token=ff")
            let usual = try await client.invite(share: "docs", address: nil)
            #expect(usual == "relay://hub:4817/docs#hub=ee&token=ff")
            let made = try await client.invite(share: "docs", address: nil, creates: true)
            #expect(made == "relay://hub:4817/docs#hub=ee&token=00")
            let error = await controlError { _ = try await client.invite(share: "secret", address: nil) }
            #expect(error == .refused("no invitations to secret"))
        }
    }
}
