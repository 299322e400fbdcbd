// SPDX-License-Identifier: Apache-2.0

package import Logging
import RelayContent
package import RelayCore
import RelayStorage
import RelayWire
import ServiceLifecycle
import Synchronization

/// A hub: admits devices, orders their changes, stores contents, relays misses, tells everyone.
package final class Hub: HubControlling, Service {
    private let configuration: HubConfiguration
    private let logger: Logger
    private let ready: @Sendable (_ boundPort: Int) -> Void
    private let running = Mutex<Running?>(nil)
    private let lane = Lane(label: "relay.hub")

    /// A hub while it runs.
    private struct Running: Sendable {
        var id: DeviceID
        var registry: HubRegistry
        var shares: [String: Share]
        /// Nil until the hub listens.
        var port: Int?
    }

    /// What all connections may hold of contents in memory before each gets less.
    private static let bufferBytes = 40 << 20
    private static let tokenBytes = 16

    /// `ready` is called with the port once connections are accepted.
    package init(
        configuration: HubConfiguration, logger: Logger,
        ready: @escaping @Sendable (_ boundPort: Int) -> Void = { _ in }
    ) {
        self.configuration = configuration
        self.logger = logger
        self.ready = ready
    }

    /// Opens or makes everything in the data directory and serves until the task is cancelled or the service
    /// is shut down. Throws `HubError` when it cannot start.
    package func run() async throws {
        try await cancelWhenGracefulShutdown { try await self.serve() }
    }

    private func serve() async throws(HubError) {
        let directory = try await lane.run { [configuration] () throws(HubError) in
            try DataDirectory(configuration.dataDirectory)
        }
        let identity = try await loadIdentity(directory)
        let registry = try await openRegistry(directory)
        defer { registry.close() }
        let shares = try await openShares(registry, directory)
        let byName = Dictionary(shares.map { ($0.record.name, $0) }) { first, _ in first }
        running.withLock { $0 = Running(id: identity.id, registry: registry, shares: byName, port: nil) }
        defer { running.withLock { $0 = nil } }
        let result: Result<Void, WireError> = await withTaskGroup(of: Void.self) { group in
            for share in shares { group.addTask { await share.run() } }
            let result = await self.listen(identity, registry, byName)
            group.cancelAll()
            return result
        }
        // The directory stays locked until everything is closed.
        withExtendedLifetime(directory) {}
        if case .failure(let error) = result { throw .cannotListen(error.description) }
    }

    private func listen(
        _ identity: DeviceIdentity, _ registry: HubRegistry, _ shares: [String: Share]
    ) async -> Result<Void, WireError> {
        var settings = ConnectionSettings()
        settings.heartbeat = .seconds(Int64(configuration.heartbeatSeconds))
        let listener = HubListener(
            host: configuration.host, port: configuration.port, identity: identity, settings: settings)
        let admission = Admission(
            registry: registry, shares: shares, lane: lane, heartbeatSeconds: configuration.heartbeatSeconds,
            logger: logger)
        do throws(WireError) {
            try await listener.run(
                ready: { port in
                    self.running.withLock { $0?.port = port }
                    self.logger.info(
                        "hub listening",
                        metadata: ["host": "\(self.configuration.host)", "port": "\(port)"])
                    self.ready(port)
                },
                admit: { device, hello in await admission.admit(device, hello) },
                control: { device, hello, connection in
                    await shares[hello.share]?.serve(connection, of: device)
                },
                bulk: { device, hello, connection in
                    await shares[hello.share]?.serve(connection, of: device)
                })
            return .success(())
        } catch {
            return .failure(error)
        }
    }

    // MARK: Starting

    private func loadIdentity(_ directory: DataDirectory) async throws(HubError) -> DeviceIdentity {
        do throws(WireError) {
            return try await lane.run { () throws(WireError) in
                try DeviceIdentity.loadOrCreate(directory: directory.identity)
            }
        } catch {
            throw .identity(error.description)
        }
    }

    private func openRegistry(_ directory: DataDirectory) async throws(HubError) -> HubRegistry {
        let name = configuration.shareName
        do throws(StateError) {
            return try await lane.run { () throws(StateError) in
                let registry = try HubRegistry(path: directory.registry)
                if try registry.shares().isEmpty {
                    let id = ShareID(high: .random(in: .min ... .max), low: .random(in: .min ... .max))
                    try registry.createShare(name: name, id: id)
                }
                return registry
            }
        } catch {
            throw .state(error.description)
        }
    }

    private func openShares(
        _ registry: HubRegistry, _ directory: DataDirectory
    ) async throws(HubError) -> [Share] {
        let resources = HubResources(
            storeLimitBytes: configuration.storeLimitBytes,
            exchangeLimits: ExchangeLimits(stallMilliseconds: configuration.stallMilliseconds),
            gauge: BufferGauge(limitBytes: Self.bufferBytes),
            readers: LanePool(label: "relay.read", count: 4))
        do throws(StateError) {
            let records = try await lane.run { () throws(StateError) in
                try registry.shares().map { share throws(StateError) in
                    (share, try registry.members(of: share.id))
                }
            }
            var shares: [Share] = []
            for (record, members) in records {
                let share = Share(
                    record, members: Dictionary(members.map { ($0.id, $0.name) }) { first, _ in first },
                    directory: directory.share(record.id), resources: resources, logger: logger)
                try await share.open()
                shares.append(share)
            }
            return shares
        } catch {
            throw .state(error.description)
        }
    }

    /// Whether a hub has been started over this data directory before.
    package static func hasRun(in dataDirectory: String) -> Bool {
        DataDirectory.isUsed(dataDirectory)
    }

    // MARK: HubControlling

    package func status() async -> HubReport {
        let running = running.withLock { $0 }
        var reports: [HubShareReport] = []
        for share in (running?.shares ?? [:]).values.sorted(by: { $0.record.name < $1.record.name }) {
            reports.append(await share.report())
        }
        return HubReport(
            version: RelayVersion.text, hubID: running?.id.description ?? "",
            listen: addressText(configuration.host, running?.port ?? configuration.port), shares: reports)
    }

    package func invite(share name: String, address: String?) async throws(ControlError) -> String {
        guard let running = running.withLock({ $0 }), let port = running.port else {
            throw .unreachable("the hub does not listen yet")
        }
        guard let share = running.shares[name] else {
            throw .notFound("there is no share \(displayText(Array(name.utf8))) on this hub")
        }
        var place = (host: HubAddress.host(listeningOn: configuration.host), port: port)
        if let address {
            guard let parsed = HubAddress.parse(address, defaultPort: port) else {
                throw .usage(
                    "cannot use the address \(displayText(Array(address.utf8))): it is not HOST:PORT")
            }
            place = parsed
        }
        var generator = SystemRandomNumberGenerator()
        let token = (0..<Self.tokenBytes).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        let hash = Hashing.sha256(token)
        let expiry = wallClockSeconds() + configuration.inviteSeconds
        do throws(StateError) {
            try await lane.run { () throws(StateError) in
                try running.registry.addToken(hash: hash, share: share.record.id, expiresAt: expiry)
            }
        } catch {
            throw .failed(error.description)
        }
        logger.info("join link made", metadata: ["share": "\(displayText(Array(name.utf8)))"])
        return JoinLink(
            host: place.host, port: place.port, share: name, hub: running.id, token: token
        ).description
    }
}

private func addressText(_ host: String, _ port: Int) -> String {
    host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
}
