// SPDX-License-Identifier: Apache-2.0

import Glibc
import HummingbirdCore

/// How many connections are served at a time; others wait to be accepted until one of them ends.
///
/// They are fewer where the process may not have many descriptors: the folder and the hub need some, and a
/// process that has none left for its own machinery ends.
struct ConnectionLimit: AvailableConnectionsDelegate {
    private var count = 0

    mutating func connectionOpened() { count += 1 }
    mutating func connectionClosed() { count -= 1 }
    func isAcceptingNewConnections() -> Bool { count < Self.limit(descriptors: Self.descriptors()) }

    /// What is left for connections where so many descriptors may be open.
    static func limit(descriptors: Int) -> Int { min(256, max(4, (descriptors - 40) / 4)) }

    /// The limit may be changed while the process runs.
    private static func descriptors() -> Int {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 1024 }
        return Int(clamping: limit.rlim_cur)
    }
}
