// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Glibc
import Logging
import RelayAPI
import RelayCore
import RelayProgram
import RelayServer

/// `relay-server run`: serves until it is told to stop.
struct Run: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Serve until stopped (SIGTERM or SIGINT). This is what relay-server does by itself.",
        discussion: """
            Examples:
              relay-server run --data ~/relay-hub                      a hub with all content
              relay-server run --data ~/relay-hub --store-limit 20G    one that forgets what does not fit
              relay-server run --listen 10.0.0.1:4817                  on one address of this machine
            """)

    static let defaultPort = 4817

    @OptionGroup var place: DataOptions

    @Option(
        help: ArgumentHelp(
            "Where agents connect (default: RELAY_LISTEN or 0.0.0.0:4817); port 0 is any free one.",
            valueName: "host:port"))
    var listen: String?

    @Option(
        help: ArgumentHelp(
            """
            How much content each share keeps here, as 500M or 20G (default: RELAY_STORE_LIMIT or no limit). \
            What does not fit is relayed from the machines that have it; 0 keeps nothing.
            """, valueName: "size"))
    var storeLimit: String?

    @Option(
        help: ArgumentHelp(
            """
            Read all stored contents again after so many hours, in the background and for a twentieth of the \
            time, and bring what is damaged anew; 0: never (default: 168).
            """, valueName: "hours"))
    var verifyEvery: Double?

    @Option(
        help: ArgumentHelp(
            """
            How long the contents of replaced and removed files are kept, as 30d, 12h, 90m, 0s or forever \
            (default: RELAY_KEEP_HISTORY or 30d). Time counts while the hub runs.
            """, valueName: "time"))
    var keepHistory: String?

    /// The longest time between two verifications: ten years.
    private static let limitHours = 87600.0

    func validate() throws {
        if let verifyEvery, !(0...Self.limitHours).contains(verifyEvery) {
            throw ValidationError("--verify-every takes a number of hours from 0 to \(Int(Self.limitHours))")
        }
    }

    func run() async throws {
        let logger = try place.log.logger("relay-server")
        let directory = place.directory
        let address = try NetworkAddress(
            listen ?? Environment.text("RELAY_LISTEN") ?? "0.0.0.0", defaultPort: Self.defaultPort)
        let limit = try (storeLimit ?? Environment.text("RELAY_STORE_LIMIT")).map {
            text throws(ControlError) in
            try SizeText.bytes(text)
        }
        let isFirstStart = !Hub.hasRun(in: directory)
        let (ready, source) = AsyncStream<Int>.makeStream()
        var settings = HubConfiguration(
            dataDirectory: directory, host: address.host, port: address.port, storeLimitBytes: limit)
        if let text = keepHistory ?? Environment.text("RELAY_KEEP_HISTORY") {
            settings.historyRetention = try DurationText.duration(text)
        }
        settings.connectionLimit = DescriptorLimit.connections(descriptors: DescriptorLimit.current)
        if let verifyEvery {
            settings.verificationInterval = verifyEvery == 0 ? nil : .seconds(verifyEvery * 3600)
        }
        let hub = Hub(configuration: settings, logger: logger, ready: { source.yield($0) })
        try await Daemon.run(
            [
                DaemonPart("hub") {
                    do {
                        try await hub.run()
                    } catch let error as HubError {
                        throw error.controlError
                    }
                },
                DaemonPart("api") {
                    guard let port = await ready.first(where: { _ in true }) else { return }
                    let api = APIServer(hub: hub, stateDirectory: directory, logger: logger)
                    try await api.run { _ in
                        Terminal.print(
                            "relay-server \(RelayVersion.text) ready on \(address.text(port: port)) "
                                + "(data: \(displayText(Array(directory.utf8))))")
                        if isFirstStart { await Self.welcome(hub, directory: directory) }
                    }
                },
            ], logger: logger)
    }

    /// What to do next, for the one who starts a hub for the first time.
    private static func welcome(_ hub: Hub, directory: String) async {
        for share in await hub.status().shares {
            guard let link = try? await hub.invite(share: share.name, address: nil, creates: false) else {
                continue
            }
            Terminal.print("")
            Terminal.print("Join a machine to the share \"\(displayText(Array(share.name.utf8)))\" with")
            Terminal.print("  relay-agent FOLDER --join '\(link)'")
        }
        let option = directory == "server" ? "" : " --data '\(displayText(Array(directory.utf8)))'"
        Terminal.print("")
        Terminal.print(
            "A link is for one machine. The next one gets its own from: relay-server invite\(option)")
    }
}

extension HubError {
    /// The same in terms of exit codes.
    var controlError: ControlError {
        switch self {
        case .inUse, .notNeeded: .refused(description)
        case .noShare: .notFound(description)
        default: .failed(description)
        }
    }
}
