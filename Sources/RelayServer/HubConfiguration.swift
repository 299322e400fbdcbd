// SPDX-License-Identifier: Apache-2.0

/// What a hub is told at its start.
package struct HubConfiguration: Sendable {
    /// Where the hub keeps everything; made (with mode 0700) if it is not there.
    package var dataDirectory: String
    /// An address or name of this machine; `0.0.0.0` or `::` for all addresses.
    package var host: String
    /// 0: any free port.
    package var port: Int
    /// The most bytes of content that each share keeps; nil: no limit, 0: none.
    package var storeLimitBytes: UInt64?
    /// The share that is made at the first start.
    package var shareName: String
    /// How often a connection shows signs of life, in seconds.
    package var heartbeatSeconds: UInt32
    /// How long a device that was asked for contents may be silent before another is asked.
    package var stallMilliseconds: Int64
    /// How long a join link can be used, in seconds.
    package var inviteSeconds: Int64
    /// How long after a verification of the stored chunks the next one begins; nil: none does by itself.
    package var verificationInterval: Duration? = .seconds(7 * 24 * 3600)
    /// How long the contents of replaced and removed versions are retained; nil: for ever.
    package var historyRetention: Duration? = .seconds(30 * 24 * 3600)
    /// So many connections of devices are served at a time; others are closed at once, and try again.
    package var connectionLimit = 4096

    package init(
        dataDirectory: String, host: String = "0.0.0.0", port: Int = 4817, storeLimitBytes: UInt64? = nil,
        shareName: String = "shared", heartbeatSeconds: UInt32 = 15, stallMilliseconds: Int64 = 10_000,
        inviteSeconds: Int64 = 24 * 3600
    ) {
        self.dataDirectory = dataDirectory
        self.host = host
        self.port = port
        self.storeLimitBytes = storeLimitBytes
        self.shareName = shareName
        self.heartbeatSeconds = heartbeatSeconds
        self.stallMilliseconds = stallMilliseconds
        self.inviteSeconds = inviteSeconds
    }
}
