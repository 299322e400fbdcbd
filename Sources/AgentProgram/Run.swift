// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Glibc
import Logging
import RelayAPI
import RelayAgent
import RelayCore
import RelayProgram
import RelayWire

/// `relay-agent run`: serves folders until it is told to stop.
struct Run: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Serve folders until stopped (SIGTERM or SIGINT). This is what relay-agent does by itself.",
        discussion: """
            Examples:
              relay-agent run ~/Shared --join 'relay://hub:4817/…'    joins, once
              relay-agent run                                         serves all that were joined
              relay-agent run --hub 10.0.0.1:4817                     the hub has another address now
            """)

    private static let defaultPort = 4817
    /// The longest time between two comparisons: ten years.
    private static let limitHours = 87600.0

    @Argument(
        help: ArgumentHelp("The folders to serve (default: all that were joined).", valueName: "folder"))
    var folders: [String] = []

    @Option(
        help: ArgumentHelp(
            "A link from relay-server invite, to join one folder to its share; - reads standard input.",
            valueName: "link"))
    var join: String?

    @Option(
        help: ArgumentHelp(
            "Where the hub is from now on, for folders that were joined.",
            valueName: "host:port"))
    var hub: String?

    @Option(
        help: ArgumentHelp(
            """
            Where the agent keeps its state (default: $RELAY_STATE, else $XDG_STATE_HOME/relay/agent, else \
            ~/.local/state/relay/agent).
            """, valueName: "dir"))
    var state: String?

    @Option(
        help: ArgumentHelp(
            """
            This machine's name, for people (default: RELAY_NAME, else the last one given, else the host's).
            """, valueName: "name"))
    var name: String?

    @Option(
        help: ArgumentHelp(
            """
            Compare disk, index and hub again after so many hours, in the background and for a twentieth of \
            the time; 0: never (default: 168).
            """, valueName: "hours"))
    var verifyEvery: Double?

    @OptionGroup var log: LogOptions

    func validate() throws {
        guard join == nil || folders.count == 1 else {
            throw ValidationError("--join takes exactly one folder")
        }
        guard join == nil || hub == nil else {
            throw ValidationError("--join and --hub exclude each other: the link says where the hub is")
        }
        if let verifyEvery, !(0...Self.limitHours).contains(verifyEvery) {
            throw ValidationError("--verify-every takes a number of hours from 0 to \(Int(Self.limitHours))")
        }
    }

    func run() async throws {
        let logger = try log.logger("relay-agent")
        let directory = try state ?? Environment.agentState()
        let nameFile = DeviceNameFile(stateDirectory: directory)
        let givenName = try DeviceNameFile.checked(name ?? Environment.text("RELAY_NAME"))
        let deviceName = givenName ?? nameFile.read() ?? Environment.hostName()
        let watch = try Self.watchExecutable()
        let link = try Self.link(join)
        do {
            var configuration = AgentConfiguration(
                stateDirectory: directory, deviceName: deviceName, watchExecutable: watch)
            if let verifyEvery {
                configuration.verificationInterval = verifyEvery == 0 ? nil : .seconds(verifyEvery * 3600)
            }
            let agent = try Agent(configuration: configuration, logger: logger)
            if let givenName { try nameFile.write(givenName) }
            try await Interruption.cancelling { try await pickFolders(of: agent, joining: link) }
            try agent.prepare()
            let served = try Self.served(folders, of: agent.knownFolders().map(\.path))
            try await serve(agent, served, as: deviceName, directory: directory, logger: logger)
        } catch let error as AgentError {
            throw error.controlError
        }
    }

    private static func link(_ text: String?) throws(ControlError) -> JoinLink? {
        guard let text else { return nil }
        do throws(WireError) {
            // On the command line others can see it for as long as the agent runs.
            return try JoinLink(parsing: text == "-" ? readLine() ?? "" : text)
        } catch {
            throw .usage("\(error)")
        }
    }

    /// Joins or finds the folders that are asked for.
    private func pickFolders(of agent: Agent, joining link: JoinLink?) async throws {
        if let link, let folder = folders.first {
            try await agent.join(folder: folder, link: link)
            return
        }
        let address = try hub.map { text throws(ControlError) in
            try NetworkAddress(text, defaultPort: Self.defaultPort)
        }
        let wanted = try folders.isEmpty && address != nil ? agent.knownFolders().map(\.path) : folders
        for folder in wanted { try agent.serve(folder: folder, hub: address.map { ($0.host, $0.port) }) }
    }

    private func serve(
        _ agent: Agent, _ paths: [String], as name: String, directory: String, logger: Logger
    ) async throws {
        let api = APIServer(agent: agent, stateDirectory: directory, logger: logger)
        try await Daemon.run(
            [
                DaemonPart("agent") {
                    do {
                        try await agent.run()
                    } catch let error as AgentError {
                        throw error.controlError
                    }
                },
                DaemonPart("api") {
                    try await api.run { _ in
                        let paths = paths.map { displayText(Array($0.utf8)) }.joined(separator: ", ")
                        Terminal.print(
                            "relay-agent \(RelayVersion.text) serving \(paths) as "
                                + displayText(Array(name.utf8)))
                    }
                },
            ], logger: logger)
    }

    /// Those of the known folders that are asked for; none: all.
    private static func served(_ folders: [String], of known: [String]) -> [String] {
        guard !folders.isEmpty else { return known }
        let wanted = folders.compactMap { folder -> String? in
            guard let path = realpath(folder, nil) else { return nil }
            defer { free(path) }
            return String(cString: path)
        }
        return known.filter(wanted.contains)
    }

    /// `relay-watch`: `$RELAY_WATCH`, else the one beside this program.
    private static func watchExecutable() throws(ControlError) -> String {
        if let path = Environment.text("RELAY_WATCH") { return path }
        guard let directory = Environment.executableDirectory() else {
            throw .failed("cannot find relay-watch: /proc is not there; set RELAY_WATCH")
        }
        let path = directory + "/relay-watch"
        guard access(path, X_OK) == 0 else {
            throw .failed("cannot find relay-watch: it is not in \(directory); set RELAY_WATCH")
        }
        return path
    }
}
