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
    let logger: Logger
    private let ready: @Sendable (_ boundPort: Int) -> Void
    let running = Mutex<Running?>(nil)
    let lane = Lane(label: "relay.hub")

    /// A hub while it runs.
    struct Running: Sendable {
        var id: DeviceID
        var registry: HubRegistry
        var shares: ShareTable
        var opener: ShareOpener
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
        let opener = ShareOpener(
            registry: registry, directory: directory, lane: lane,
            resources: HubResources(
                verificationInterval: configuration.verificationInterval,
                historyRetention: configuration.historyRetention,
                storeLimitBytes: configuration.storeLimitBytes,
                exchangeLimits: ExchangeLimits(stallMilliseconds: configuration.stallMilliseconds),
                gauge: BufferGauge(limitBytes: Self.bufferBytes),
                readers: LanePool(label: "relay.read", count: 4)),
            logger: logger)
        let shares = ShareTable()
        do throws(StateError) {
            for share in try await opener.openAll() { shares.add(share) }
            if shares.all.isEmpty, let share = try await opener.create(configuration.shareName) {
                shares.add(share)
            }
        } catch {
            throw .state(error.description)
        }
        running.withLock {
            $0 = Running(id: identity.id, registry: registry, shares: shares, opener: opener, port: nil)
        }
        defer { running.withLock { $0 = nil } }
        let result = await shares.serve { await self.listen(identity, registry, shares) }
        // The directory stays locked until everything is closed.
        withExtendedLifetime(directory) {}
        if case .failure(let error) = result { throw .cannotListen(error.description) }
    }

    private func listen(
        _ identity: DeviceIdentity, _ registry: HubRegistry, _ shares: ShareTable
    ) async -> Result<Void, WireError> {
        var settings = ConnectionSettings()
        settings.heartbeat = .seconds(Int64(configuration.heartbeatSeconds))
        settings.connectionLimit = configuration.connectionLimit
        let listener = HubListener(
            host: configuration.host, port: configuration.port, identity: identity, settings: settings)
        let admission = Admission(
            shares: shares, heartbeatSeconds: configuration.heartbeatSeconds, logger: logger)
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
        do throws(StateError) {
            return try await lane.run { () throws(StateError) in
                let used = directory.usedShares()
                let registry = try HubRegistry(path: directory.registry, mustExist: !used.isEmpty)
                let known = Set(try registry.shares().map(\.id.description))
                if let stranger = used.first(where: { !known.contains($0) }) {
                    registry.close()
                    throw StateError(
                        "cannot use hub registry \(directory.registry): it does not know the share whose"
                            + " files are in \(directory.share(stranger)): it lost its -wal file, or is an"
                            + " older one; put back the one that was there, or move that directory away")
                }
                return registry
            }
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
        for share in running?.shares.all ?? [] {
            reports.append(await share.report())
        }
        return HubReport(
            version: RelayVersion.text, hubID: running?.id.description ?? "",
            listen: addressText(configuration.host, running?.port ?? configuration.port), shares: reports)
    }

    package func invite(
        share name: String, address: String?, creates: Bool
    ) async throws(ControlError) -> String {
        guard let running = running.withLock({ $0 }), let port = running.port else {
            throw .unreachable("the hub does not listen yet")
        }
        let share = try await share(name, running, creates: creates)
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
        Failpoint.inviteRecorded.reach()
        logger.info("join link made", metadata: ["share": "\(displayText(Array(name.utf8)))"])
        return JoinLink(
            host: place.host, port: place.port, share: name, hub: running.id, token: token
        ).description
    }

    package func verify(share name: String?) async throws(ControlError) -> [HubVerificationReport] {
        guard let running = running.withLock({ $0 }) else { throw .unreachable("the hub does not run yet") }
        var shares = running.shares.all
        if let name { shares = [try await share(name, running, creates: false)] }
        var reports: [HubVerificationReport] = []
        for share in shares { reports.append(try await share.verify()) }
        return reports
    }

    private func share(
        _ name: String, _ running: Running, creates: Bool
    ) async throws(ControlError) -> Share {
        if let share = running.shares[name] { return share }
        let shown = displayText(Array(name.utf8))
        guard creates else {
            let names = running.shares.all.map { displayText(Array($0.record.name.utf8)) }
            throw .notFound(
                "there is no share \(shown) on this hub (there is: \(names.joined(separator: ", ")));"
                    + " --create makes it")
        }
        guard ShareName.isValid(name) else {
            throw .usage(
                "\(shown) cannot be the name of a share: it has 1 to \(ShareName.limitBytes) bytes and no"
                    + " control characters")
        }
        do throws(StateError) {
            if let share = try await running.opener.create(name) {
                running.shares.add(share)
                logger.info("share made", metadata: ["share": "\(shown)"])
                return share
            }
        } catch {
            throw .failed(error.description)
        }
        throw .failed("the share \(shown) is being made by another request: ask again")
    }
}

private func addressText(_ host: String, _ port: Int) -> String {
    host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
}
