// SPDX-License-Identifier: Apache-2.0

package import Logging
import RelayCore
import RelayFolder
import RelayStorage
package import RelayWire
import ServiceLifecycle
import Synchronization

/// The sync agent of one machine: keeps its folders equal to their shares.
///
/// The journey: made over a state directory, it is told which folders to serve (`join`, `serve`; none: all it
/// knows), then `run` works until its task is cancelled. Each folder is a session of its own; what breaks one
/// does not touch the others.
package final class Agent: Service {
    private struct State {
        /// The folders that were picked, in order; none: all.
        var picked: [String] = []
        /// One for each folder to serve, made when they are first asked for.
        var sessions: [FolderSession] = []
        var isRunning = false
    }

    /// The device's identity, by which hubs know it.
    package let identity: DeviceIdentity
    let configuration: AgentConfiguration
    let layout: StateLayout
    private let lock: DirectoryLock
    let registry: AgentRegistry
    let logger: Logger
    private let state = Mutex(State())

    /// Takes the state directory; throws `stateInUse` if another agent has it.
    package init(configuration: AgentConfiguration, logger: Logger) throws(AgentError) {
        self.configuration = configuration
        self.logger = logger
        layout = StateLayout(configuration.stateDirectory)
        lock = try layout.takeLock()
        do throws(WireError) {
            identity = try DeviceIdentity.loadOrCreate(directory: layout.identity)
        } catch {
            throw .state("\(error)")
        }
        do throws(StateError) {
            registry = try AgentRegistry(path: layout.registry)
        } catch {
            throw .state("\(error)")
        }
    }

    // Which folders.

    /// Enrols at the hub of a join link, remembers the folder, and picks it to be served. The folder is made
    /// if it is missing. A folder that is joined already stays as it is, if it is the same share.
    package func join(folder: String, link: JoinLink) async throws(AgentError) {
        let path = try FolderPlace.resolve(folder)
        let known = try folders()
        if let present = known.first(where: { $0.path == path }) {
            guard present.share == link.share, present.hub == link.hub else {
                throw .refused("cannot join \(path): it is shared as \(present.share) already")
            }
        }
        try FolderPlace.check(path, stateDirectory: layout.directory, known: known)
        for other in known where other.path != path && other.share == link.share && other.hub == link.hub {
            guard FolderPlace.isGone(other.path) else {
                throw .refused(
                    "cannot join \(path): \(other.path) is this device's folder for the share "
                        + "\(link.share) already")
            }
            // A folder that was moved by hand, and is joined again where it is now.
            try forget(other)
        }
        let root = try adopt(path)
        Failpoint.joinAdopted.reach()
        try await enrol(link)
        Failpoint.joinEnrolled.reach()
        let present = known.first { $0.path == path }
        // What was known of another directory at this path says nothing of this one: against it, all that is
        // not here would seem to be removed.
        let isSame = present.flatMap { RootRecord(encoded: $0.root) }?.isSameRoot(as: root) ?? false
        let record = FolderRecord(
            path: path, share: link.share, hubHost: link.host, hubPort: link.port, hub: link.hub,
            root: root.encoded,
            replicaFile: (isSame ? present?.replicaFile : nil) ?? StateLayout.newReplicaFile())
        try put(record)
        Failpoint.joinRecorded.reach()
        pick(path)
        logger.notice(
            "joined",
            metadata: ["path": "\(path)", "share": "\(link.share)", "hub": "\(link.host):\(link.port)"])
    }

    /// Picks a folder that was joined before. `hub` is where its hub is to be dialled from now on; the hub's
    /// key stays the one that was pinned.
    package func serve(folder: String, hub: (host: String, port: Int)? = nil) throws(AgentError) {
        let path = try FolderPlace.resolve(folder)
        guard var record = try folders().first(where: { $0.path == path }) else {
            throw .unknownFolder(
                "\(path) was not joined to a share: ask the hub for a link (relay-server invite) and "
                    + "start with --join LINK")
        }
        if let hub {
            record.hubHost = hub.host
            record.hubPort = hub.port
            try put(record)
        }
        pick(path)
    }

    /// The folders that were joined, in the order of their paths.
    package func knownFolders() throws(AgentError) -> [(path: String, share: String)] {
        try folders().map { ($0.path, $0.share) }
    }

    /// The path of a folder that was joined, however it is written.
    package func knownPath(of folder: String) throws(AgentError) -> String {
        let path = try FolderPlace.resolve(folder)
        guard try folders().contains(where: { $0.path == path }) else {
            throw .unknownFolder("\(path) was not joined to a share")
        }
        return path
    }

    private func pick(_ path: String) {
        state.withLock { state in
            if !state.picked.contains(path) { state.picked.append(path) }
            if !state.isRunning { state.sessions = [] }
        }
    }

    private func folders() throws(AgentError) -> [FolderRecord] {
        do throws(StateError) {
            return try registry.folders()
        } catch {
            throw .state("\(error)")
        }
    }

    private func forget(_ record: FolderRecord) throws(AgentError) {
        do throws(StateError) {
            try registry.remove(path: record.path)
        } catch {
            throw .state("\(error)")
        }
    }

    private func put(_ record: FolderRecord) throws(AgentError) {
        do throws(StateError) {
            try registry.put(record)
        } catch {
            throw .state("\(error)")
        }
    }

    private func adopt(_ path: String) throws(AgentError) -> RootRecord {
        do throws(FolderError) {
            let folder = try SharedFolder.open(path, expecting: nil, create: true)
            defer { folder.close() }
            return folder.record
        } catch {
            switch error {
            case .inUse, .nested, .notOurs, .emptied: throw .refused("\(error)")
            case .missing, .notADirectory, .failed: throw .folder("\(error)")
            }
        }
    }

    private func enrol(_ link: JoinLink) async throws(AgentError) {
        let address = HubAddress(
            host: link.host, port: link.port, hub: link.hub, share: link.share, identity: identity,
            deviceName: configuration.deviceName)
        do throws(WireError) {
            let (_, control) = try await Dialer.connectControl(
                host: link.host, port: link.port, identity: identity, hub: link.hub,
                hello: address.hello(.control, token: link.token))
            await control.close()
        } catch {
            switch error {
            case .refused, .wrongHub, .protocolViolation: throw .notAdmitted("cannot join: \(error)")
            default: throw .unreachable("cannot join: \(error)")
            }
        }
    }

    // Running.

    /// Serves the picked folders until the task is cancelled or the service is shut down. Throws `AgentError`
    /// when there is nothing to serve.
    package func run() async throws {
        let sessions = try openSessions()
        state.withLock { $0.isRunning = true }
        await cancelWhenGracefulShutdown {
            await withTaskGroup(of: Void.self) { group in
                for session in sessions { group.addTask { await session.run() } }
                // An agent whose last folder was given up still answers.
                group.addTask { while !Task.isCancelled { await pause(.seconds(3600)) } }
            }
        }
        state.withLock { state in
            state.isRunning = false
            state.sessions = []
        }
    }

    /// The sessions of the folders to serve, whether or not they are at work yet.
    private func openSessions() throws(AgentError) -> [FolderSession] {
        let present = state.withLock { $0.sessions }
        if !present.isEmpty { return present }
        let made = try makeSessions()
        return state.withLock { state in
            if state.sessions.isEmpty { state.sessions = made }
            return state.sessions
        }
    }

    /// Finds the folders that `run` is to serve; throws `unknownFolder` if there is none.
    package func prepare() throws(AgentError) { _ = try openSessions() }

    private func makeSessions() throws(AgentError) -> [FolderSession] {
        let picked = state.withLock { $0.picked }
        let records = try folders().filter { picked.isEmpty || picked.contains($0.path) }
        guard !records.isEmpty else {
            throw .unknownFolder(
                "no folder was joined to a share: ask the hub for a link (relay-server invite) and start with"
                    + " FOLDER --join LINK")
        }
        return records.map {
            FolderSession(record: $0, configuration: configuration, identity: identity, logger: logger)
        }
    }

    /// The folder of this session is served no more.
    func drop(_ session: FolderSession) {
        state.withLock { $0.sessions.removeAll { $0 === session } }
    }

    /// The sessions of the folders that are, or are about to be, served.
    var sessions: [FolderSession] { (try? openSessions()) ?? [] }
}
