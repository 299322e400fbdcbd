// SPDX-License-Identifier: Apache-2.0

import Foundation

/// A hub and agents, each with its folder, in a temporary directory that goes with it.
final class Setup {
    let directory: String
    private(set) var hub: ProgramRun?
    private(set) var address = "127.0.0.1:0"
    private let hubOptions: [String]
    private var agents: [Agent] = []
    private var mounts: [Mounted] = []

    init(storeLimit: String? = nil, startsHub: Bool = true, hubOptions: [String] = []) throws {
        directory = "/var/tmp/relay-test-\(getpid())-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        self.hubOptions = (storeLimit.map { ["--store-limit", $0] } ?? []) + hubOptions
        if startsHub { try startHub() }
    }

    /// Two agents that have joined, and run.
    static func pair() throws -> (Setup, Agent, Agent) {
        let setup = try Setup()
        return (setup, try setup.agent("a"), try setup.agent("b"))
    }

    deinit {
        for agent in agents { agent.stop() }
        hub?.end()
        for mounted in mounts.reversed() { mounted.unmount(lazily: true) }
        if ProcessInfo.processInfo.environment["RELAY_KEEP"] == nil {
            _ = try? Shell.run("chmod -R u+rwX '\(directory)' 2>/dev/null; rm -rf '\(directory)'")
        }
    }

    var hubData: String { directory + "/hub" }

    func startHub(_ variables: [String: String] = [:], wrapper: [String] = []) throws {
        let run = try ProgramRun(
            "relay-server", ["run", "--data", hubData, "--listen", address] + hubOptions, in: directory,
            variables: variables, wrapper: wrapper)
        let line = try run.waitForLine(containing: "ready")
        guard let range = line.range(of: #"127\.0\.0\.1:\d+"#, options: .regularExpression) else {
            throw TestFailure("no address in “\(line)”")
        }
        address = String(line[range])
        hub = run
    }

    func stopHub(with signal: Int32 = SIGTERM) {
        hub?.signal(signal)
        _ = hub?.waitForEnd()
        hub = nil
    }

    /// Has the hub lose its power together with the disk that its data is on.
    func cutPowerOfHub(on disk: Mounted) throws {
        guard let hub else { return }
        try disk.cutPower([hub])
        self.hub = nil
    }

    /// Mounts a file system in memory, of a size as `6m`, on a path in this directory.
    func mount(tmpfs size: String, on path: String) throws -> Mounted {
        let mounted = try Mounted(tmpfs: size, on: directory + "/" + path)
        mounts.append(mounted)
        return mounted
    }

    /// Mounts a new disk on a path in this directory.
    func mount(ext4MiB size: Int, on path: String) throws -> Mounted {
        let image = "\(directory)/disk-\(mounts.count).image"
        let mounted = try Mounted(ext4MiB: size, image: image, on: directory + "/" + path)
        mounts.append(mounted)
        return mounted
    }

    func invite() throws -> String {
        let result = try ProgramRun("relay-server", ["invite", "--data", hubData], in: directory).waitForEnd()
        guard result.status == 0 else { throw TestFailure("invite failed: \(result.errors)") }
        return result.output.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// An agent with a folder of its own that has joined, and runs.
    /// It reaches the hub through the proxy, if there is one.
    func agent(
        _ name: String, through proxy: ThrottledProxy? = nil, wrapper: [String] = [],
        variables: [String: String] = [:]
    ) throws -> Agent {
        let agent = Agent(name: name, setup: self)
        agents.append(agent)
        let link = try invite().replacingOccurrences(of: address, with: proxy?.address ?? address)
        try agent.start(["--join", link], variables, wrapper: wrapper)
        return agent
    }

    /// Waits until all agents are in sync with the hub.
    func settle(seconds: Int = 60) throws {
        // A second round sees what the later ones sent after the earlier ones had settled.
        for _ in 0..<2 {
            for agent in agents where agent.isRunning { try agent.wait(seconds: seconds) }
        }
    }

    /// Compares all folders: names, kinds, contents, modes, times of files, link targets.
    func differences() throws -> String {
        guard let first = agents.first else { return "no agents" }
        let expected = try Tree.listing(first.folder)
        for other in agents.dropFirst() {
            let found = try Tree.listing(other.folder)
            if found != expected {
                func text(_ lines: Set<[UInt8]>) -> [String] {
                    lines.map { String(decoding: $0, as: UTF8.self) }.sorted().prefix(5).map { $0 }
                }
                let (missing, extra) = (text(expected.subtracting(found)), text(found.subtracting(expected)))
                return "only \(first.name): \(missing); only \(other.name): \(extra)"
            }
        }
        return ""
    }
}

/// One agent's program, folder and state.
final class Agent {
    let name: String
    let folder: String
    let state: String
    private unowned let setup: Setup
    private(set) var run: ProgramRun?

    init(name: String, setup: Setup) {
        self.name = name
        self.setup = setup
        folder = setup.directory + "/folder-" + name
        state = setup.directory + "/state-" + name
    }

    var isRunning: Bool { run?.isRunning ?? false }

    func start(
        _ options: [String] = [], _ variables: [String: String] = [:], wrapper: [String] = []
    ) throws {
        try launch(options, variables, wrapper: wrapper)
        _ = try run?.waitForLine(containing: "serving")
    }

    /// Starts the program, and does not wait for it to serve.
    func launch(
        _ options: [String] = [], _ variables: [String: String] = [:], wrapper: [String] = []
    ) throws {
        run = try ProgramRun(
            "relay-agent", ["run", folder, "--state", state, "--name", name] + options,
            in: setup.directory, variables: variables, wrapper: wrapper)
    }

    func stop(with signal: Int32 = SIGTERM) {
        if signal == SIGTERM {
            run?.end()
        } else {
            run?.signal(signal)
            _ = run?.waitForEnd()
        }
        run = nil
    }

    @discardableResult
    func control(_ arguments: String...) throws -> ProgramResult {
        try ProgramRun("relay-ctl", ["--state", state] + arguments, in: setup.directory).waitForEnd()
    }

    /// Waits until the agent is in sync with the hub. What stands in the queue, or is in no queue, for too
    /// long ends the wait early.
    func wait(seconds: Int = 60) throws {
        var left = seconds
        var idle: Set<String> = []
        while true {
            let turn = min(left, Self.patienceSeconds)
            let result = try control("wait", "--timeout", "\(turn)")
            if result.status == 0 { return }
            left -= turn
            let stuck = isRunning ? try idlePaths() : []
            guard left > 0, result.status == 8, stuck.isDisjoint(with: idle) else {
                let status = try control("status")
                throw TestFailure(
                    "\(name) is not in sync: \(result.errors)\n\(status.output)"
                        + "stuck: \(stuck.intersection(idle).sorted())\n\(run?.errors ?? "")")
            }
            idle = stuck
        }
    }

    /// How long something may stand in a queue.
    private static let patienceSeconds = 15

    /// Runs a shell script in the folder.
    @discardableResult
    func shell(_ script: String) throws -> String { try Shell.run(script, in: folder) }

    func read(_ path: String) -> String? { try? String(contentsOfFile: folder + "/" + path, encoding: .utf8) }

    func write(_ path: String, _ text: String) throws {
        try Data(text.utf8).write(to: URL(fileURLWithPath: folder + "/" + path))
    }

    /// The names of conflict copies anywhere in the folder.
    func conflictCopies() throws -> [String] {
        try shell("find . -name '*(conflict *' | sort").split(separator: "\n").map(String.init)
    }
}

enum Shell {
    @discardableResult
    static func run(_ script: String, in directory: String = "/") throws -> String {
        String(decoding: try output(script, in: directory), as: UTF8.self)
    }

    /// What the script wrote, as bytes.
    static func output(_ script: String, in directory: String) throws -> Data {
        let process = Process()
        let pipe = Pipe()
        process.executableURL = URL(fileURLWithPath: "/bin/bash")
        process.arguments = ["-euo", "pipefail", "-c", script]
        process.currentDirectoryURL = URL(fileURLWithPath: directory)
        process.standardOutput = pipe
        try process.run()
        let data = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw TestFailure("“\(script)” ended with \(process.terminationStatus)")
        }
        return data
    }
}

/// A folder as lines that are equal when the folders are: bytes, since names need not be characters, and
/// without the bits of modes that are not shared.
enum Tree {
    static func listing(_ folder: String) throws -> Set<[UInt8]> {
        let script = """
            export LC_ALL=C
            find . -mindepth 1 -path ./.relay -prune -o -type f -printf 'f %m %s %T@ %p\\0' \
            -o -type d -printf 'd %m %p\\0' -o -type l -printf 'l %l %p\\0' | tr '\\n\\0' '\\001\\n' \
            | sed -E 's/^([fd]) [0-7]([0-7]{3}) /\\1 \\2 /'
            find . -path ./.relay -prune -o -type f -print0 | xargs -0 -r sha256sum -z | tr '\\n\\0' '\\001\\n'
            """
        return Set(try Shell.output(script, in: folder).split(separator: UInt8(ascii: "\n")).map(Array.init))
    }
}
