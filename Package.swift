// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0

import PackageDescription

// `make check` makes warnings errors; those of a newer compiler do not break anyone else's build.
let strictness: [SwiftSetting] =
    Context.environment["RELAY_STRICT"] == nil ? [] : [.treatAllWarnings(as: .error)]
let settings: [SwiftSetting] =
    strictness + [
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("InternalImportsByDefault"),
        .enableUpcomingFeature("MemberImportVisibility"),
        .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    ]

let package = Package(
    name: "relay",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "relay-server", targets: ["relay-server"]),
        .executable(name: "relay-agent", targets: ["relay-agent"]),
        .executable(name: "relay-ctl", targets: ["relay-ctl"]),
        .executable(name: "relay-watch", targets: ["relay-watch"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-asn1", from: "1.7.4"),
        .package(url: "https://github.com/apple/swift-certificates", from: "1.21.1"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.5.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1", traits: []),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        // Where a change begins: a hint from the kernel.
        .systemLibrary(name: "CInotifyTools", path: "Sources/CInotifyTools"),
        .executableTarget(
            name: "relay-watch", dependencies: ["RelayCore", "CInotifyTools"], path: "Sources/WatchProgram",
            swiftSettings: settings),

        // The language and the decisions: values, messages, the planner, the commit rules.
        .target(name: "RelayCore", swiftSettings: settings),

        // Bytes to chunks and ids and back.
        .systemLibrary(name: "CZstd", path: "Sources/CZstd"),
        .target(
            name: "RelayContent",
            dependencies: ["RelayCore", "CZstd", .product(name: "Crypto", package: "swift-crypto")],
            swiftSettings: settings),

        // The only code that touches the shared folder.
        .systemLibrary(name: "CLinux", path: "Sources/CLinux"),
        .target(
            name: "RelayFolder",
            dependencies: [
                "RelayCore", "RelayContent", "CLinux",
                .product(name: "SystemPackage", package: "swift-system"),
            ],
            swiftSettings: settings),

        // The only code that touches our own state.
        .systemLibrary(name: "CProcessor", path: "Sources/CProcessor"),
        .target(
            name: "RelayStorage",
            dependencies: [
                "RelayCore", "CLinux", "CProcessor",
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "GRDBSQLite", package: "GRDB.swift"),
            ],
            swiftSettings: settings),

        // Messages, frames, TLS connections.
        .target(
            name: "RelayWire",
            dependencies: [
                "RelayCore",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "SwiftProtobuf", package: "swift-protobuf"),
                .product(name: "SwiftASN1", package: "swift-asn1"),
                .product(name: "X509", package: "swift-certificates"),
            ],
            exclude: ["Protocol"],
            swiftSettings: settings),

        // The agent: notice, plan, transfer, commit, apply, remember.
        .target(
            name: "RelayAgent",
            dependencies: [
                "RelayCore", "RelayContent", "RelayFolder", "RelayStorage", "RelayWire",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            swiftSettings: settings),

        // The hub: admit, order, store, relay misses, notify.
        .target(
            name: "RelayServer",
            dependencies: [
                "RelayCore", "RelayContent", "RelayStorage", "RelayWire",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            swiftSettings: settings),

        // REST over an agent or a hub, on a Unix socket.
        .target(
            name: "RelayAPI",
            dependencies: [
                "RelayCore",
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            exclude: ["openapi.yaml"],
            swiftSettings: settings),

        // The client of that API.
        .target(
            name: "RelayControl",
            dependencies: [
                "RelayCore",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
            ],
            swiftSettings: settings),

        // What the programs share: arguments, exit codes, log lines, signals.
        .target(
            name: "RelayProgram",
            dependencies: [
                "RelayCore", "CLinux",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ],
            swiftSettings: settings),

        // The programs: parse arguments, compose, map errors to exit codes.
        .executableTarget(
            name: "relay-server",
            dependencies: [
                "RelayCore", "RelayServer", "RelayAPI", "RelayControl", "RelayProgram",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
            ],
            path: "Sources/ServerProgram", swiftSettings: settings),
        .executableTarget(
            name: "relay-agent",
            dependencies: [
                "RelayCore", "RelayWire", "RelayAgent", "RelayAPI", "RelayControl", "RelayProgram",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
            ],
            path: "Sources/AgentProgram", swiftSettings: settings),
        .executableTarget(
            name: "relay-ctl",
            dependencies: [
                "RelayCore", "RelayControl", "RelayProgram",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "Sources/ControlProgram", swiftSettings: settings),
        .testTarget(
            name: "RelayContentTests", dependencies: ["RelayCore", "RelayContent"], swiftSettings: settings),
        .testTarget(
            name: "RelayCoreTests", dependencies: ["RelayCore", "RelaySimulation"], swiftSettings: settings),
        .testTarget(
            name: "RelayStorageTests",
            dependencies: ["RelayCore", "RelayStorage", .product(name: "GRDB", package: "GRDB.swift")],
            swiftSettings: settings),

        // The simulator: the engines over disks, networks and crashes that one seed determines.
        .target(
            name: "RelaySimulation", dependencies: ["RelayCore"], path: "Tests/RelaySimulation",
            swiftSettings: settings),
        .executableTarget(
            name: "relay-simulate", dependencies: ["RelaySimulation"], path: "Tests/SimulateProgram",
            swiftSettings: settings),
        // What the hot inner parts cost.
        .executableTarget(
            name: "relay-bench",
            dependencies: ["RelayCore", "RelayContent", "RelayFolder", "RelayStorage"],
            path: "Tests/BenchProgram", swiftSettings: settings),
        .testTarget(
            name: "SimulationTests", dependencies: ["RelayCore", "RelaySimulation"],
            path: "Tests/SimulationTests", swiftSettings: settings),
        .testTarget(
            name: "RelayAPITests",
            dependencies: [
                "RelayCore", "RelayAPI", "RelayControl", .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: settings),
        .testTarget(
            name: "RelayControlTests", dependencies: ["RelayCore", "RelayControl"], swiftSettings: settings),
        .testTarget(
            name: "RelayProgramTests",
            dependencies: ["RelayCore", "RelayProgram", .product(name: "Logging", package: "swift-log")],
            swiftSettings: settings),
        .testTarget(
            name: "RelayServerTests",
            dependencies: [
                "RelayCore", "RelayContent", "RelayStorage", "RelayWire", "RelayServer",
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: settings),
        .testTarget(
            name: "WatchTests", dependencies: ["RelayCore", "RelayFolder", "relay-watch"],
            swiftSettings: settings),
        .testTarget(
            name: "RelayFolderTests", dependencies: ["RelayCore", "RelayContent", "RelayFolder", "CLinux"],
            swiftSettings: settings),
        .testTarget(name: "TidyTests", swiftSettings: settings),
        .testTarget(
            name: "RelayWireTests",
            dependencies: [
                "RelayCore", "RelayWire",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "SwiftProtobuf", package: "swift-protobuf"),
            ], swiftSettings: settings),

        // The real programs on real folders.
        .testTarget(
            name: "EndToEndTests",
            dependencies: [
                "relay-server", "relay-agent", "relay-ctl", "relay-watch", "RelayCore", "RelayWire", "CLinux",
                .product(name: "GRDB", package: "GRDB.swift"),
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "RelayAgentTests",
            dependencies: [
                "RelayCore", "RelayContent", "RelayFolder", "RelayStorage", "RelayWire", "RelayAgent",
                "RelayServer", "relay-watch", .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: settings),
    ]
)
