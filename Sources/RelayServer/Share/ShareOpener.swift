// SPDX-License-Identifier: Apache-2.0

import Logging
import RelayCore
import RelayStorage

/// Opens the shares that a hub's registry knows, and makes new ones.
struct ShareOpener: Sendable {
    let registry: HubRegistry
    let directory: DataDirectory
    let lane: Lane
    let resources: HubResources
    let logger: Logger

    /// All shares of the registry. One that cannot be opened is there to say why, and to be tried again.
    func openAll() async throws(StateError) -> [Share] {
        let records = try await lane.run { [registry] () throws(StateError) in
            try registry.shares().map { share throws(StateError) in
                (share, try registry.members(of: share.id))
            }
        }
        var shares: [Share] = []
        for (record, members) in records {
            let share = make(record, members, isNew: false)
            do throws(StateError) {
                try await share.open()
            } catch {
                logger.error(
                    "cannot serve share",
                    metadata: ["share": "\(displayText(Array(record.name.utf8)))", "error": "\(error)"])
            }
            shares.append(share)
        }
        return shares
    }

    /// Makes a share without members; nil when there is one of that name already.
    ///
    /// Its files come first, so that the registry never knows a share that cannot be opened.
    func create(_ name: String) async throws(StateError) -> Share? {
        let id = ShareID(high: .random(in: .min ... .max), low: .random(in: .min ... .max))
        let share = make(ShareRecord(id: id, name: name), [], isNew: true)
        try await share.open()
        Failpoint.shareMade.reach()
        let isNew: Bool
        do throws(StateError) {
            isNew = try await lane.run { [registry] () throws(StateError) in
                guard try registry.share(named: name) == nil else { return false }
                try registry.createShare(name: name, id: id)
                Failpoint.shareRegistered.reach()
                return true
            }
        } catch {
            await share.session.close()
            throw error
        }
        guard isNew else {
            await share.session.close()
            return nil
        }
        return share
    }

    private func make(_ record: ShareRecord, _ members: [MemberRecord], isNew: Bool) -> Share {
        Share(
            Membership(
                share: record, registry: registry, lane: lane,
                roll: MemberRoll(Dictionary(members.map { ($0.id, $0.name) }) { first, _ in first })),
            directory: directory.share(record.id), isNew: isNew, resources: resources, logger: logger)
    }
}
