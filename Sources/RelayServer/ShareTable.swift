// SPDX-License-Identifier: Apache-2.0

import RelayStorage
import Synchronization

/// The shares of a running hub by their names; more may be added while it runs.
final class ShareTable: Sendable {
    private let shares = Mutex<[String: Share]>([:])
    private let arrivals: AsyncStream<Share>
    private let source: AsyncStream<Share>.Continuation

    init() { (arrivals, source) = AsyncStream.makeStream() }

    subscript(name: String) -> Share? { shares.withLock { $0[name] } }

    /// All shares in the order of their names.
    var all: [Share] { shares.withLock { $0.values.sorted { $0.record.name < $1.record.name } } }

    /// From now on devices can find the share.
    func add(_ share: Share) {
        shares.withLock { $0[share.record.name] = share }
        source.yield(share)
    }

    /// Serves every share that is added, until `body` returns.
    func serve<T: Sendable>(while body: @escaping @Sendable () async -> T) async -> T {
        async let result = {
            let result = await body()
            self.source.finish()
            return result
        }()
        await withDiscardingTaskGroup { group in
            for await share in arrivals { group.addTask { await share.run() } }
            group.cancelAll()
        }
        return await result
    }
}
