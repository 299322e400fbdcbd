// SPDX-License-Identifier: Apache-2.0

import CLinux

/// How many files a program may have open at a time.
///
/// Shells and service managers give 1024 or fewer and let a program ask for more, which a hub or an agent
/// with many connections needs: of those that have none left, libdispatch ends some.
enum DescriptorLimit {
    private static let most: UInt64 = 65_536

    /// Takes as many as the system grants without privileges.
    static func raise() { relay_raise_descriptor_limit(most) }
}
