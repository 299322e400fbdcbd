// SPDX-License-Identifier: Apache-2.0

import RelayCore
import Synchronization

/// Waits, on behalf of one request of a device, for somebody who has what is wanted; and tells the device for
/// whom.
final class Patience: Sendable {
    let request: UInt32
    let link: BulkLink
    private let exchange: ContentExchange
    private let roll: MemberRoll
    private let told = Mutex<[String]>([])

    /// The most names that are told.
    private static let limitNames = 16
    /// How soon holders are asked again when one said that its file is changing.
    private static let busyMilliseconds: Int64 = 2000
    /// How soon they are asked again in any case.
    private static let idleMilliseconds: Int64 = 30_000

    init(request: UInt32, link: BulkLink, exchange: ContentExchange, roll: MemberRoll) {
        self.request = request
        self.link = link
        self.exchange = exchange
        self.roll = roll
    }

    /// Returns true when it is worth trying again. False: everybody who might have it is online and has not,
    /// which the device was told; or the task was cancelled.
    func wait(_ nobody: Nobody, authors: [DeviceID], index: UInt32?) async -> Bool {
        // Somebody came meanwhile.
        guard exchange.arrivals == nobody.arrivals else { return !Task.isCancelled }
        let absent = absentNames(authors)
        guard !absent.isEmpty || nobody.isBusy else {
            link.send(.unavailable(request: request, index: index, .notHeld))
            return false
        }
        if !absent.isEmpty { tell(absent) }
        await exchange.waitForHolder(
            after: nobody.arrivals,
            atMostMilliseconds: nobody.isBusy ? Self.busyMilliseconds : Self.idleMilliseconds)
        return !Task.isCancelled
    }

    /// The authors that are not online, else whoever is not.
    private func absentNames(_ authors: [DeviceID]) -> [String] {
        let online = exchange.online
        let members = roll.all
        let absentAuthors = authors.filter { $0 != link.device && !online.contains($0) }
            .compactMap { members[$0] }
        if !absentAuthors.isEmpty { return Array(absentAuthors.prefix(Self.limitNames)) }
        return Array(
            members.filter { $0.key != link.device && !online.contains($0.key) }.values.sorted()
                .prefix(Self.limitNames))
    }

    private func tell(_ names: [String]) {
        let isNew = told.withLock { told in
            defer { told = names }
            return told != names
        }
        if isNew { link.send(.waiting(request: request, devices: names)) }
    }
}
