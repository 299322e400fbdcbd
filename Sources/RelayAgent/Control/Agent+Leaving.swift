// SPDX-License-Identifier: Apache-2.0

import Logging
package import RelayCore
import RelayFolder
import RelayStorage
import RelayWire

// Giving a folder up.

extension Agent {
    package func leave(
        share: String?, isForced: Bool
    ) async throws(ControlError) -> DepartureReport {
        let session = try session(share)
        guard await session.suspend() else {
            throw .refused("\(session.record.path) is being given up already")
        }
        do throws(ControlError) {
            let report = try await depart(session.record, isForced: isForced)
            session.giveUp()
            drop(session)
            return report
        } catch {
            session.resume()
            throw error
        }
    }

    /// Each step can be done again after a crash: what a folder is known by goes last.
    private func depart(
        _ record: FolderRecord, isForced: Bool
    ) async throws(ControlError) -> DepartureReport {
        let untold = try await resign(record, isForced: isForced)
        if untold == nil { Failpoint.departureTold.reach() }
        let pool = BlockingPool(label: "relay.leave", width: 1)
        let (dissolution, remark) = try await pool.run { () throws(ControlError) in
            try Self.dissolve(record)
        }
        Failpoint.folderDissolved.reach()
        do throws(StateError) {
            try await pool.run { [layout] () throws(StateError) in try layout.removeReplica(record) }
            Failpoint.replicaRemoved.reach()
            try registry.remove(path: record.path)
        } catch {
            throw .failed(error.description)
        }
        logger.notice(
            "left",
            metadata: [
                "path": "\(record.path)", "share": "\(record.share)",
                "hub": "\(untold.map { "not told: " + $0 } ?? "told")",
            ])
        return DepartureReport(
            path: record.path, share: record.share, untold: untold,
            returned: dissolution.returned.map(\.description), remark: remark)
    }

    /// How long the hub may take, which looks through all that it knows of the share.
    private static let hubSeconds = 60.0

    /// Tells the hub; returns why it does not know.
    private func resign(_ record: FolderRecord, isForced: Bool) async throws(ControlError) -> String? {
        let address = HubAddress(
            host: record.hubHost, port: record.hubPort, hub: record.hub, share: record.share,
            identity: identity, deviceName: configuration.deviceName)
        let end = await withDeadline(seconds: Self.hubSeconds) { () -> WireError? in
            await Self.askToLeave(address, isForced: isForced)
        }
        switch end {
        case .refused(.left, _)?, .refused(.unknownDevice, _)?, .refused(.unknownShare, _)?,
            .refused(.revoked, _)?:
            return nil
        case .refused(.needed, let text)?:
            throw .refused(
                "cannot leave \(record.share): \(text). Let another device get them first (relay-server"
                    + " devices says who is online), or leave all the same with --force")
        case .refused(.malformed, _)?: return "it is of a version that knows no leaving"
        case let error?: return "\(error)"
        case nil where Task.isCancelled: throw .failed("interrupted")
        case nil: return "it did not answer within \(Int(Self.hubSeconds)) seconds"
        }
    }

    private static func askToLeave(_ address: HubAddress, isForced: Bool) async -> WireError {
        do throws(WireError) {
            let (_, control) = try await Dialer.connectControl(
                host: address.host, port: address.port, identity: address.identity, hub: address.hub,
                hello: address.hello(.control))
            let end: WireError
            do throws(WireError) {
                try await control.send(.leave(isForced: isForced))
                while try await control.next() != nil {}
                end = .lost("the hub closed the connection")
            } catch {
                end = error
            }
            await control.close()
            return end
        } catch {
            return error
        }
    }

    /// Takes the folder's own directory away. A folder that is not there, or is another one, is left alone,
    /// which the remark says.
    private static func dissolve(
        _ record: FolderRecord
    ) throws(ControlError) -> (Dissolution, remark: String?) {
        let nothing = Dissolution(returned: [], isClean: true)
        do throws(FolderError) {
            guard let root = RootRecord(encoded: record.root) else {
                return (nothing, "what is known of \(record.path) is damaged: it was left alone")
            }
            let folder = try SharedFolder.open(record.path, expecting: root, create: false)
            defer { folder.close() }
            let dissolution = try folder.dissolve()
            let remark = "\(record.path)/.relay stays: somebody has put something of his own into it"
            return (dissolution, dissolution.isClean ? nil : remark)
        } catch {
            switch error {
            case .missing(let text), .notADirectory(let text), .notOurs(let text):
                SharedFolder.clearRemains(of: record.path)
                return (nothing, "the folder itself was left alone: \(text)")
            case .inUse, .emptied, .nested, .failed: throw .failed("\(error)")
            }
        }
    }
}
