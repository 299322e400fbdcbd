// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc

/// How many files a program may have open at a time.
///
/// Shells and service managers give 1024 or fewer and let a program ask for more, which a hub or an agent
/// with many connections needs: of those that have none left, libdispatch ends some. So they stay below.
package enum DescriptorLimit {
    private static let most: UInt64 = 65_536

    /// Takes as many as the system grants without privileges.
    static func raise() { relay_raise_descriptor_limit(most) }

    /// As many as the system grants now.
    package static var current: Int {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 1024 }
        return Int(clamping: limit.rlim_cur)
    }

    /// How many connections of devices a hub may serve with so many: half of what is left beside its own
    /// files; the rest is for the contents that it reads and for the callers of its API.
    package static func connections(descriptors: Int) -> Int { min(4096, max(8, (descriptors - 40) / 2)) }
}
