// SPDX-License-Identifier: Apache-2.0

package import RelayCore

extension SQLiteReplica {
    /// Where what was seen is kept under another number of the folder's device, gives it this one: a disk
    /// gets another number when it is plugged in again, and inodes are the same still. `joined` is the number
    /// from before the first call.
    package func follow(device: UInt64, from joined: UInt64) throws(StateError) {
        try insideTransaction { () throws(StateError) in
            let known = try setting(Self.deviceKey).flatMap { UInt64(String(decoding: $0, as: UTF8.self)) }
            let former = known ?? joined
            guard former != device else { return }
            let statement = try statement(.moveDevice)
            statement.bind(1, bits: device)
            statement.bind(2, bits: former)
            try statement.run()
            forgetRows()
            try setSetting(Self.deviceKey, Array("\(device)".utf8))
        }
    }

    private static let deviceKey = "device"
}
