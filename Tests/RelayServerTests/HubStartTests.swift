// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import RelayCore
import RelayServer
import RelayWire
import Testing

@Suite(.timeLimit(.minutes(2))) struct HubStartTests {
    @Test func `a second hub on a data directory is refused`() async throws {
        try await withDirectory { directory in
            try await withHub(directory) { hub in
                let second = Hub(
                    configuration: HubConfiguration(
                        dataDirectory: directory + "/server", host: "127.0.0.1", port: 0),
                    logger: testLogger())
                await #expect { try await second.run() } throws: { error in
                    if case HubError.inUse(let text)? = error as? HubError {
                        text.contains(directory)
                    } else {
                        false
                    }
                }
                // The first goes on.
                _ = try await hub.joinFully("agent")
            }
        }
    }

    @Test func `a port in use is named`() async throws {
        try await withDirectory { directory in
            try await withHub(directory) { hub in
                let second = Hub(
                    configuration: HubConfiguration(
                        dataDirectory: directory + "/other", host: "127.0.0.1", port: hub.port),
                    logger: testLogger())
                await #expect { try await second.run() } throws: { error in
                    if case HubError.cannotListen(let text)? = error as? HubError {
                        text.contains("\(hub.port)")
                    } else {
                        false
                    }
                }
            }
        }
    }

    @Test func `the data directory is nobody else's to read`() async throws {
        try await withDirectory { directory in
            try await withHub(directory) { hub in
                _ = try await hub.joinFully("agent")
                var status = stat()
                #expect(stat(directory + "/server", &status) == 0)
                #expect(status.st_mode & 0o777 == 0o700)
            }
        }
    }

    @Test func `a data directory that cannot be is told`() async throws {
        try await withDirectory { directory in
            try Data().write(to: URL(fileURLWithPath: directory + "/file"))
            let hub = Hub(
                configuration: HubConfiguration(dataDirectory: directory + "/file/server", host: "127.0.0.1"),
                logger: testLogger())
            await #expect { try await hub.run() } throws: { error in
                if case HubError.dataDirectory? = error as? HubError { true } else { false }
            }
        }
    }

    @Test func `a damaged index is told to the members, and left as it is`() async throws {
        try await withDirectory { directory in
            try await withHub(directory) { hub in
                let agent = try await hub.joinFully("agent")
                try await agent.create("f", .text("f"))
            }
            let index = try self.index(directory)
            let whole = try Data(contentsOf: index)
            let garbage = Data(repeating: 0x5a, count: 100_000)
            try garbage.write(to: index)
            try await withHub(directory) { hub in
                try await self.expectRefusal(hub, "index.sqlite")
                #expect(try Data(contentsOf: index) == garbage)
                // The hub goes on by itself once the file is back.
                try whole.write(to: index)
                try await self.expectAdmission(hub)
            }
        }
    }

    @Test func `a share whose index is missing does not begin anew`() async throws {
        try await withDirectory { directory in
            try await withHub(directory) { hub in
                let agent = try await hub.joinFully("agent")
                try await agent.create("f", .text("f"))
            }
            let index = try self.index(directory)
            let whole = try Data(contentsOf: index)
            try FileManager.default.removeItem(at: index)
            try await withHub(directory) { hub in
                try await self.expectRefusal(hub, "missing")
                #expect(!FileManager.default.fileExists(atPath: index.path))
                // As it looks when all was in the -wal file, which is gone.
                try Data().write(to: index)
                try await self.expectRefusal(hub, "empty")
                try whole.write(to: index)
                try await self.expectAdmission(hub)
            }
        }
    }

    @Test func `an older index is refused until somebody says that it is meant`() async throws {
        try await withDirectory { directory in
            let older = directory + "/older"
            try await withHub(directory) { hub in
                let agent = try await hub.joinFully("agent")
                try await agent.create("f", .text("f"))
            }
            let index = try self.index(directory)
            try FileManager.default.copyItem(atPath: index.path, toPath: older)
            let epoch = try await withHub(directory) { hub in
                let agent = try await hub.member("agent")
                try await agent.connectControl()
                try await agent.subscribe(nil)
                try await agent.create("g", .text("g"))
                return try #require(agent.cursor).epoch
            }
            try FileManager.default.removeItem(at: index)
            try FileManager.default.copyItem(atPath: older, toPath: index.path)
            try await withHub(directory) { hub in
                try await self.expectRefusal(hub, "older")
                try FileManager.default.removeItem(atPath: index.path + ".head")
                let agent = try await self.expectAdmission(hub)
                let (welcome, records, _) = try await agent.subscribe(nil)
                #expect(welcome.epoch != epoch && records.count == 1)
            }
        }
    }

    @Test func `files that vanish while they are in use are noticed before anybody is told`() async throws {
        try await withDirectory { directory in
            try await withHub(directory) { hub in
                let agent = try await hub.joinFully("agent")
                try await agent.create("f", .text("f"))
                try FileManager.default.removeItem(at: try self.index(directory))
                await #expect { try await agent.create("g", .text("g")) } throws: { error in
                    if case WireError.refused(.failure, let text) = error {
                        text.contains("removed or replaced")
                    } else {
                        false
                    }
                }
                try await self.expectRefusal(hub, "missing")
            }
        }
    }

    @Test func `a registry that does not know a share in use is refused`() async throws {
        try await withDirectory { directory in
            try await withHub(directory) { hub in
                let agent = try await hub.joinFully("agent")
                try await agent.create("f", .text("f"))
            }
            let registry = directory + "/server/hub.sqlite"
            try FileManager.default.removeItem(atPath: registry)
            let configuration = HubConfiguration(
                dataDirectory: directory + "/server", host: "127.0.0.1", port: 0)
            for text in ["missing", "empty"] {
                let hub = Hub(configuration: configuration, logger: testLogger())
                await #expect { try await hub.run() } throws: { error in
                    if case HubError.state(let reason)? = error as? HubError {
                        reason.contains(registry) && reason.contains(text)
                    } else {
                        false
                    }
                }
                if text == "missing" {
                    #expect(!FileManager.default.fileExists(atPath: registry))
                    try Data().write(to: URL(fileURLWithPath: registry))
                }
            }
        }
    }

    private func index(_ directory: String) throws -> URL {
        let shares = URL(fileURLWithPath: directory + "/server/shares")
        let share = try #require(
            FileManager.default.contentsOfDirectory(at: shares, includingPropertiesForKeys: nil).first)
        return share.appendingPathComponent("index.sqlite")
    }

    private func expectRefusal(_ hub: HubUnderTest, _ text: String) async throws {
        let agent = try await hub.member("agent")
        // Opening is tried again once in a while only: until then an older reason may be told.
        while true {
            do {
                try await agent.connectControl()
                throw FixtureError("admitted")
            } catch WireError.refused(.failure, let reason) {
                #expect(reason.contains("index.sqlite"))
                if reason.contains(text) { break }
            }
            try Task.checkCancellation()
        }
        let trouble = await hub.hub.status().shares.first?.trouble
        #expect(trouble?.contains("index.sqlite") == true)
    }

    @discardableResult
    private func expectAdmission(_ hub: HubUnderTest) async throws -> HandDrivenAgent {
        let agent = try await hub.member("agent")
        while true {
            do {
                try await agent.connectControl()
                return agent
            } catch WireError.refused(.failure, _) {
                try Task.checkCancellation()
            }
        }
    }

    @Test func `garbage on the port harms nobody`() async throws {
        try await withDirectory { directory in
            try await withHub(directory) { hub in
                let witness = try await hub.joinFully("witness")
                for garbage in [
                    "GET / HTTP/1.1\r\n\r\n", String(repeating: "\u{0}\u{ff}", count: 5000), "\u{16}",
                ] {
                    try self.pour(garbage, into: hub.port)
                }
                try await witness.create("f", .text("still here"))
            }
        }
    }

    private func pour(_ text: String, into port: Int) throws {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        try #require(descriptor >= 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(UInt16(port)).bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        try #require(result == 0)
        let bytes = Array(text.utf8)
        _ = Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
    }

    @Test func `a hub that shuts down says so`() async throws {
        try await withDirectory { directory in
            let control = try await withHub(directory) { hub in
                try await hub.joinFully("agent").control
            }
            await #expect { while try await control?.next() != nil {} } throws: { error in
                if case WireError.refused(.shuttingDown, _) = error { true } else { false }
            }
        }
    }
}
