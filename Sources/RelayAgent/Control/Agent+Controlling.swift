// SPDX-License-Identifier: Apache-2.0

package import RelayCore
import RelayStorage
import RelayWire
import Synchronization

extension Agent: AgentControlling {
    package func status() async -> AgentReport {
        let folders = await withTaskGroup(of: (Int, FolderReport).self) { group in
            for (index, session) in sessions.enumerated() {
                group.addTask { (index, await session.report()) }
            }
            var reports: [(Int, FolderReport)] = []
            for await report in group { reports.append(report) }
            return reports.sorted { $0.0 < $1.0 }.map(\.1)
        }
        return AgentReport(
            device: configuration.deviceName, deviceID: "\(identity.id)", version: RelayVersion.text,
            folders: folders)
    }

    package func list(share: String?, path: RelativePath) async throws(ControlError) -> [EntryReport] {
        let run = try await run(share)
        guard var walk = await run.beginWalk(at: path) else { throw .failed(run.endText) }
        guard !walk.isUnknown else { throw .notFound("nothing at \(path) in the share") }
        var entries: [EntryReport] = []
        while !walk.isFinished {
            guard let (rest, portion) = await run.walk(walk) else { throw .failed(run.endText) }
            walk = rest
            entries += portion
        }
        return entries
    }

    package func wait(share: String?, timeoutSeconds: Double?) async throws(ControlError) {
        // Who names none means all.
        let waited = share == nil && sessions.count > 1 ? sessions : [try session(share)]
        if timeoutSeconds == 0 {
            for session in waited where session.current?.isInSync != true {
                throw .notInSync("not in sync: \(await session.report().shortText)")
            }
            return
        }
        let isInSync = await withDeadline(seconds: timeoutSeconds) { () -> Bool? in
            for session in waited {
                guard await session.withRun({ await $0.waitUntilInSync() ? true : nil }) != nil else {
                    return nil
                }
            }
            return true
        }
        guard isInSync == nil else { return }
        var texts: [String] = []
        for session in waited where session.current?.isInSync != true {
            texts.append(await session.report().shortText)
        }
        throw .timedOut("not in sync: \(texts.joined(separator: "; "))")
    }

    package func confirm(share: String?) async throws(ControlError) {
        let run = try await run(share)
        guard run.snapshot.withLock({ $0.engine?.haltReason }) != nil else {
            throw .failed("nothing is to be confirmed: the folder is not halted")
        }
        run.post(.confirmHold)
    }

    package func reject(share: String?) async throws(ControlError) {
        let run = try await run(share)
        guard run.snapshot.withLock({ $0.engine?.haltReason }) != nil else {
            throw .failed("nothing is to be rejected: the folder is not halted")
        }
        run.post(.rejectHold)
    }

    package func verify(share: String?) async throws(ControlError) -> [VerificationReport] {
        let chosen = share == nil && sessions.count > 1 ? sessions : [try session(share)]
        var reports: [VerificationReport] = []
        for session in chosen {
            let run = try await run(session.record.path)
            guard let report = await run.verify(path: session.record.path, share: session.record.share) else {
                throw .failed(run.endText)
            }
            reports.append(report)
        }
        return reports
    }

    package func download(
        share: String?, path: RelativePath, timeoutSeconds: Double?
    ) async throws(ControlError) -> String {
        let session = try session(share)
        let progress = DownloadProgress()
        let result = await withDeadline(seconds: timeoutSeconds) { () -> Result<Bool, ControlError>? in
            await session.withRun { await $0.download(path, progress) }
        }
        switch result {
        case .success: return session.record.path + (path.isRoot ? "" : "/\(path)")
        case .failure(let error): throw error
        case nil: break
        }
        guard let run = session.current else { throw .timedOut("\(path) is not here: \(session.reason)") }
        guard let node = progress.pending else {
            throw .timedOut("\(path) is not here: \(await stand(session))")
        }
        if let devices = run.parts.fetcher.devices(waitedForBy: node) {
            throw .notInSync(FolderRun.onlyOn(devices, "\(path)"))
        }
        throw .timedOut("\(path) is not here: \(await run.reason(node))")
    }

    package func read(
        share: String?, path: RelativePath, timeoutSeconds: Double?,
        into sink: @Sendable (FilePayload, [UInt8]) async throws -> Void
    ) async throws(ControlError) {
        let run = try await run(share)
        let progress = ReadProgress()
        let result = await withoutActuallyEscaping(sink) { sink in
            await withDeadline(seconds: timeoutSeconds) { () -> Result<Bool, ControlError>? in
                do throws(ControlError) {
                    try await run.read(path, onWaiting: { progress.note($0) }, into: sink)
                    return .success(true)
                } catch {
                    return Task.isCancelled ? nil : .failure(error)
                }
            }
        }
        switch result {
        case .success: return
        case .failure(let error): throw error
        case nil:
            if let devices = progress.waitingFor {
                throw .notInSync(FolderRun.onlyOn(devices, "\(path)"))
            }
            throw .timedOut("\(path) could not be read in time")
        }
    }

    package func upload(
        share: String?, path: RelativePath, mode: PermissionBits, modified: Timestamp?,
        from source: @Sendable () async throws -> [UInt8]?
    ) async throws(ControlError) {
        try await run(share).upload(path, mode: mode, modified: modified, from: source)
    }

    package func makeDirectory(share: String?, path: RelativePath) async throws(ControlError) {
        try await run(share).makeDirectory(path)
    }

    package func delete(share: String?, path: RelativePath) async throws(ControlError) {
        try await run(share).delete(path)
    }

    // Picking.

    /// The session that is meant.
    func session(_ share: String?) throws(ControlError) -> FolderSession {
        let sessions = sessions
        let names = sessions.map(\.record.share).sorted().joined(separator: ", ")
        guard let share else {
            guard let only = sessions.first else { throw .failed("the agent serves no folder (yet)") }
            guard sessions.count == 1 else { throw .usage("which share? this agent has \(names)") }
            return only
        }
        // A folder's path is as good as its share's name, and tells two folders of one name apart.
        if let session = sessions.first(where: { $0.record.path == share }) { return session }
        let found = sessions.filter { $0.record.share == share }
        guard let session = found.first else { throw .notFound("no share \(share); this agent has \(names)") }
        guard found.count == 1 else {
            throw .usage(
                "which share? say the folder: \(found.map(\.record.path).joined(separator: ", "))")
        }
        return session
    }

    /// The run of the session that is meant. One that is only just starting is waited for.
    private func run(_ share: String?) async throws(ControlError) -> FolderRun {
        let session = try session(share)
        let run = await withDeadline(seconds: Self.startSeconds) { () -> FolderRun? in
            while !Task.isCancelled {
                let generation = session.generation
                if let run = session.current { return run }
                if !session.isStarting { return nil }
                await session.waitForChange(after: generation)
            }
            return nil
        }
        guard let run else { throw .failed("the folder is halted: \(session.reason)") }
        return run
    }

    /// How long a folder may take to be opened before those who ask for it are told so.
    private static let startSeconds = 5.0

    private func stand(_ session: FolderSession) async -> String { await session.report().shortText }
}

extension FolderSession {
    /// Runs the body over the run of the moment, again over the next if it ends without an answer; nil when
    /// the task is cancelled, or there will be no other run.
    fileprivate func withRun<Value: Sendable>(_ body: (FolderRun) async -> Value?) async -> Value? {
        while !Task.isCancelled {
            let generation = generation
            if let run = current, let value = await body(run) { return value }
            if Task.isCancelled || isGivenUp { return nil }
            await waitForChange(after: generation)
        }
        return nil
    }
}

extension FolderReport {
    /// The state in one line.
    fileprivate var shortText: String {
        if let reason { return "\(state.rawValue): \(reason)" }
        guard let first = problems.first else { return state.rawValue }
        return "\(pending) pending; \(first.path): \(first.reason)"
    }
}

/// The node that a download waits for.
final class DownloadProgress: Sendable {
    private let node = Mutex<NodeID?>(nil)
    var pending: NodeID? {
        get { node.withLock { $0 } }
        set { node.withLock { $0 = newValue } }
    }
}

/// The devices that a read waits for.
private final class ReadProgress: Sendable {
    private let devices = Mutex<[String]?>(nil)
    var waitingFor: [String]? { devices.withLock { $0 } }
    func note(_ devices: [String]?) { self.devices.withLock { $0 = devices } }
}
