// SPDX-License-Identifier: Apache-2.0

import Testing

/// The table of rooms: who may import what.
@Suite struct RoomTests {
    /// Modules of the toolchain that decide nothing about the design.
    private static let toolchain: Set<String> = ["Glibc", "Musl", "Darwin", "Synchronization"]
    /// And those for rooms that touch neither the shared folder nor the decisions.
    private static let comfortable = toolchain.union(["Dispatch", "Foundation", "FoundationEssentials"])

    private static let rooms: [String: Set<String>] = [
        "RelayCore": [],
        "WatchProgram": ["Glibc", "RelayCore", "CInotifyTools"],
        "RelayContent": toolchain.union(["RelayCore", "Crypto", "CZstd", "Dispatch"]),
        "RelayFolder": toolchain.union(["RelayCore", "RelayContent", "SystemPackage", "CLinux"]),
        "RelayStorage": comfortable.union(["RelayCore", "GRDB", "GRDBSQLite", "CLinux", "CProcessor"]),
        "RelayWire": comfortable.union([
            "RelayCore", "NIOCore", "NIOPosix", "NIOSSL", "SwiftProtobuf", "X509", "SwiftASN1", "Crypto",
        ]),
        "RelayAgent": comfortable.union([
            "RelayCore", "RelayContent", "RelayFolder", "RelayStorage", "RelayWire", "Logging",
            "ServiceLifecycle",
        ]),
        "RelayServer": comfortable.union([
            "RelayCore", "RelayContent", "RelayStorage", "RelayWire", "Logging", "ServiceLifecycle",
        ]),
        "RelayAPI": comfortable.union([
            "RelayCore", "Hummingbird", "HummingbirdCore", "HTTPTypes", "NIOCore", "NIOHTTP1", "NIOPosix",
            "Logging", "ServiceLifecycle",
        ]),
        "RelayControl": comfortable.union(["RelayCore", "AsyncHTTPClient", "NIOCore", "NIOHTTP1"]),
        "RelayProgram": comfortable.union([
            "RelayCore", "ArgumentParser", "Logging", "ServiceLifecycle", "UnixSignals", "CLinux",
        ]),
        "ServerProgram": program.union(["RelayServer", "RelayContent", "RelayStorage", "RelayWire"]),
        "AgentProgram": program.union([
            "RelayAgent", "RelayContent", "RelayFolder", "RelayStorage", "RelayWire",
        ]),
        "ControlProgram": program,
    ]
    private static let program = comfortable.union([
        "RelayCore", "RelayAPI", "RelayControl", "RelayProgram", "ArgumentParser", "Logging",
        "ServiceLifecycle",
    ])

    @Test func `each room imports only what the table of rooms allows`() {
        var broken: [String] = []
        for file in SourceTree.sources where !file.isGenerated {
            guard let allowed = Self.rooms[file.room] else {
                broken.append(file.place(0, "\(file.room) is not in the table of rooms"))
                continue
            }
            for (index, line) in file.lines.enumerated() {
                guard let module = importedModule(line), !allowed.contains(module) else { continue }
                broken.append(file.place(index, "\(file.room) may not import \(module)"))
            }
        }
        #expect(broken.isEmpty, "\(broken.joined(separator: "\n"))")
        #expect(!SourceTree.sources.isEmpty)
    }

    /// The module that a line imports, whatever stands before `import` and which part of it is meant.
    private func importedModule(_ line: String) -> String? {
        let words = line.split(separator: " ").map(String.init)
        guard let at = words.firstIndex(of: "import"), at + 1 < words.count else { return nil }
        let access: Set<String> = ["public", "package", "internal", "fileprivate", "private"]
        guard words[..<at].allSatisfy({ access.contains($0) || $0.hasPrefix("@") }) else { return nil }
        let kinds: Set<String> = ["struct", "class", "enum", "protocol", "typealias", "func", "let", "var"]
        let name = kinds.contains(words[at + 1]) && at + 2 < words.count ? words[at + 2] : words[at + 1]
        return name.split(separator: ".").first.map(String.init)
    }
}
