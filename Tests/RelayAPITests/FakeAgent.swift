// SPDX-License-Identifier: Apache-2.0

import RelayCore
import Synchronization

/// An agent whose share is a dictionary.
final class FakeAgent: AgentControlling {
    struct File: Sendable, Equatable {
        var bytes: [UInt8]
        var mode: PermissionBits
        var modified: Timestamp?
    }

    /// The paths' bytes are the keys.
    let files = Mutex<[[UInt8]: File]>([:])
    let directories = Mutex<Set<[UInt8]>>([])
    /// Counts uploads that broke off.
    let brokenUploads = Signal()
    /// Fires when `wait` began, and when it was cancelled.
    let waiting = Signal()
    let cancelled = Signal()
    /// How many bytes of a read the sink has taken.
    let takenBytes = Mutex(0)

    static let report = AgentReport(
        device: "laptop", deviceID: "ab", version: "0.1.0",
        folders: [
            FolderReport(
                path: "/home/ann/docs", share: "docs", hub: "hub:4817", state: .inSync, reason: nil,
                cause: nil,
                isConnected: true, isScanned: true, revision: 7, epoch: "cd", pending: 0,
                polledDirectories: 0, watchOverflows: 0, verification: VerificationStanding(),
                problems: [])
        ])

    func status() async -> AgentReport { Self.report }

    func list(share: String?, path: RelativePath) async throws(ControlError) -> [EntryReport] {
        guard share == nil || share == "docs" else { throw .notFound("no share \(share ?? "")") }
        let found = files.withLock { files in
            files.filter { RelativePath(bytes: $0.key)?.isWithin(path) ?? false }.sorted {
                $0.key.lexicographicallyPrecedes($1.key)
            }
        }
        return found.map { path, file in
            EntryReport(
                path: displayText(path), pathBytes: nil, kind: "file", sizeBytes: UInt64(file.bytes.count),
                mode: file.mode.octalText, modified: file.modified?.decimalText, content: nil, state: .inSync)
        }
    }

    func verify(share: String?) async throws(ControlError) -> [VerificationReport] {
        guard share == nil || share == "docs" else { throw .notFound("no share \(share ?? "")") }
        return [VerificationReport(path: "/home/ann/docs", share: "docs")]
    }

    func wait(share: String?, timeoutSeconds: Double?) async throws(ControlError) {
        if timeoutSeconds == 0 { throw .timedOut("not in sync after 0 s") }
        waiting.fire()
        do {
            try await Task.sleep(for: .seconds(3600))
        } catch {
            cancelled.fire()
            throw .failed("cancelled")
        }
    }

    func download(share: String?, path: RelativePath, timeoutSeconds: Double?) async throws(ControlError)
        -> String
    {
        guard files.withLock({ $0[path.bytes] }) != nil else { throw .notFound("no such file: \(path)") }
        return "/home/ann/docs/\(path)"
    }

    func read(
        share: String?, path: RelativePath, timeoutSeconds: Double?,
        into sink: @Sendable (FilePayload, [UInt8]) async throws -> Void
    ) async throws(ControlError) {
        guard let file = files.withLock({ $0[path.bytes] }) else { throw .notFound("no such file: \(path)") }
        let payload = FilePayload(
            content: ContentID(Bytes32(1, 2, 3, 4)), sizeBytes: UInt64(file.bytes.count), mode: file.mode,
            modified: file.modified ?? .zero)
        do {
            if file.bytes.isEmpty { try await sink(payload, []) }
            var rest = file.bytes[...]
            while !rest.isEmpty {
                let portion = Array(rest.prefix(65_536))
                try await sink(payload, portion)
                takenBytes.withLock { $0 += portion.count }
                rest = rest.dropFirst(portion.count)
                if path.name == EntryName("broken") { throw ControlError.failed("the holder went away") }
            }
        } catch let error as ControlError {
            throw error
        } catch {
            cancelled.fire()
            throw .failed("the sink failed")
        }
    }

    func upload(
        share: String?, path: RelativePath, mode: PermissionBits, modified: Timestamp?,
        from source: @Sendable () async throws -> [UInt8]?
    ) async throws(ControlError) {
        if path.components.first == .relayDirectory { throw .refused("\(path) is Relay's own") }
        var bytes: [UInt8] = []
        do {
            while let portion = try await source() { bytes += portion }
        } catch {
            brokenUploads.fire()
            throw error as? ControlError ?? .failed("the upload broke off")
        }
        files.withLock { $0[path.bytes] = File(bytes: bytes, mode: mode, modified: modified) }
    }

    func confirm(share: String?) async throws(ControlError) {
        throw .failed("nothing is to be confirmed")
    }

    func leave(share: String?, isForced: Bool) async throws(ControlError) -> DepartureReport {
        guard isForced else { throw .refused("needed") }
        return DepartureReport(
            path: "/docs", share: share ?? "docs", untold: nil, returned: ["f"], remark: nil)
    }

    func reject(share: String?) async throws(ControlError) {
        throw .failed("nothing is to be rejected")
    }

    func makeDirectory(share: String?, path: RelativePath) async throws(ControlError) {
        directories.withLock { _ = $0.insert(path.bytes) }
    }

    func delete(share: String?, path: RelativePath) async throws(ControlError) {
        guard files.withLock({ $0.removeValue(forKey: path.bytes) }) != nil else {
            throw .notFound("no such file: \(path)")
        }
    }
}

/// A hub that gives links.
struct FakeHub: HubControlling {
    func status() async -> HubReport {
        HubReport(version: "0.1.0", hubID: "ee", listen: "0.0.0.0:4817", shares: [])
    }

    func invite(share: String, address: String?, creates: Bool) async throws(ControlError) -> String {
        guard share != "secret" else { throw .refused("no invitations to \(share)") }
        return "relay://\(address ?? "hub:4817")/\(share)#hub=ee&token=\(creates ? "00" : "ff")"
    }

    func revoke(device: String, share: String?) async throws(ControlError) -> AccessReport {
        guard device != "nobody" else { throw .notFound("there is no device nobody") }
        return AccessReport(device: device, deviceID: "dd", shares: [share ?? "all"], voidLinks: 1)
    }

    func readmit(device: String, share: String?) async throws(ControlError) -> AccessReport {
        AccessReport(device: device, deviceID: "dd", shares: [share ?? "all"], voidLinks: 0)
    }

    func verify(share: String?) async throws(ControlError) -> [HubVerificationReport] {
        [
            HubVerificationReport(
                share: share ?? "all", chunks: 2, bytes: 20, damaged: 1, released: 0, unreadable: 0,
                reason: nil, damage: HubDamageReport(missing: 0, healed: 1, chunks: []))
        ]
    }
}

/// Something that happens once, and can be waited for.
final class Signal: Sendable {
    private let stream: AsyncStream<Void>
    private let source: AsyncStream<Void>.Continuation

    init() { (stream, source) = AsyncStream.makeStream() }

    func fire() { source.finish() }
    func fired() async { for await _ in stream {} }
}
