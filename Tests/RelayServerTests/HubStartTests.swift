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

    @Test func `a damaged index is told at the start, and left as it is`() async throws {
        try await withDirectory { directory in
            try await withHub(directory) { hub in
                let agent = try await hub.joinFully("agent")
                try await agent.create("f", .text("f"))
            }
            let shares = URL(fileURLWithPath: directory + "/server/shares")
            let share = try #require(
                FileManager.default.contentsOfDirectory(at: shares, includingPropertiesForKeys: nil).first)
            let index = share.appendingPathComponent("index.sqlite")
            let garbage = Data(repeating: 0x5a, count: 100_000)
            try garbage.write(to: index)
            let hub = Hub(
                configuration: HubConfiguration(
                    dataDirectory: directory + "/server", host: "127.0.0.1", port: 0),
                logger: testLogger())
            await #expect { try await hub.run() } throws: { error in
                if case HubError.state(let text)? = error as? HubError {
                    text.contains("index.sqlite")
                } else {
                    false
                }
            }
            #expect(try Data(contentsOf: index) == garbage)
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
