// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

/// What an agent says of itself: the answer to `GET /v1/status`.
package struct AgentReport: Codable, Hashable, Sendable {
    package var device: String
    package var deviceID: String
    package var version: String
    package var folders: [FolderReport]

    package init(device: String, deviceID: String, version: String, folders: [FolderReport]) {
        self.device = device
        self.deviceID = deviceID
        self.version = version
        self.folders = folders
    }
}

/// One shared folder of an agent.
package struct FolderReport: Codable, Hashable, Sendable {
    package enum State: String, Codable, Sendable {
        /// Local scanned, nothing pending either way, connected.
        case inSync = "in sync"
        case syncing
        /// Not connected to the hub.
        case offline
        /// Acts no more until the cause (`reason`) is gone.
        case halted
    }
    package var path: String
    package var share: String
    package var hub: String
    package var state: State
    /// Why the folder is halted or offline; nil otherwise.
    package var reason: String?
    /// What kind of reason that is.
    package var cause: Hindrance?
    package var isConnected: Bool
    /// Whether the folder was looked through since the start.
    package var isScanned: Bool
    /// The newest revision that was taken in from the hub.
    package var revision: UInt64
    package var epoch: String
    /// Nodes that are not yet as they should be, in either direction.
    package var pending: Int
    /// Directories that cannot be watched and are polled instead.
    package var polledDirectories: Int
    /// How often the watcher had more changes to tell than it could, and the folder was looked through.
    package var watchOverflows: Int
    /// How the comparison of disk, index and hub stands.
    package var verification: VerificationStanding
    /// Up to 100 paths that are not in sync or damaged, each with the reason; the root stands for the folder.
    package var problems: [PathReport]

    package init(
        path: String, share: String, hub: String, state: State, reason: String?, cause: Hindrance?,
        isConnected: Bool, isScanned: Bool, revision: UInt64, epoch: String, pending: Int,
        polledDirectories: Int, watchOverflows: Int, verification: VerificationStanding,
        problems: [PathReport]
    ) {
        self.path = path
        self.share = share
        self.hub = hub
        self.state = state
        self.reason = reason
        self.cause = cause
        self.isConnected = isConnected
        self.isScanned = isScanned
        self.revision = revision
        self.epoch = epoch
        self.pending = pending
        self.polledDirectories = polledDirectories
        self.watchOverflows = watchOverflows
        self.verification = verification
        self.problems = problems
    }
}

/// What came of giving a folder up: the answer to `POST /v1/departure`.
package struct DepartureReport: Codable, Hashable, Sendable {
    /// The folder, which stays as it is.
    package var path: String
    package var share: String
    /// Why the hub does not know that the device has left; nil if it knows.
    package var untold: String?
    /// Paths in the folder of what was put back, because it may hold what nobody has seen.
    package var returned: [String]
    /// What was not done in the folder, and why; nil if all was.
    package var remark: String?

    package init(path: String, share: String, untold: String?, returned: [String], remark: String?) {
        self.path = path
        self.share = share
        self.untold = untold
        self.returned = returned
        self.remark = remark
    }
}

/// One path that is not in sync, and why.
package struct PathReport: Codable, Hashable, Sendable {
    package var path: String
    package var cause: Hindrance
    /// One line for people.
    package var reason: String
    /// The devices that are waited for; nil: none.
    package var devices: [String]?
    /// While the content is on its way here: its size, and how much of it has come.
    package var sizeBytes: UInt64?
    package var receivedBytes: UInt64?

    package init(path: String, cause: Hindrance, reason: String) {
        self.path = path
        self.cause = cause
        self.reason = reason
    }

    /// `receivedBytes`: how much of the content has come, if it is on its way.
    package init(_ unsynced: UnsyncedPath, receivedBytes: UInt64?) {
        self.init(
            path: "\(unsynced.path)", cause: unsynced.reason.hindrance, reason: unsynced.reason.text)
        if !unsynced.reason.devices.isEmpty { devices = unsynced.reason.devices }
        guard cause == .transferring, let wanted = unsynced.wanted else { return }
        sizeBytes = wanted.sizeBytes
        self.receivedBytes = receivedBytes ?? 0
    }
}

/// One entry of a share as an agent knows it: a row of `GET /v1/list`.
package struct EntryReport: Codable, Hashable, Sendable {
    package enum State: String, Codable, Sendable {
        case inSync = "in sync"
        /// Here, and not yet (in this version) on the hub.
        case uploading
        /// On the hub, and not yet (in this version) here.
        case downloading
        /// On the hub, and left out of this folder by its rules.
        case ignored
    }
    /// The path for people (`displayText`).
    package var path: String
    /// The path's bytes in hexadecimal, when `path` is not the same bytes.
    package var pathBytes: String?
    /// `file`, `directory` or `symlink`.
    package var kind: String
    package var sizeBytes: UInt64?
    /// Permission bits in octal, as `0644`.
    package var mode: String?
    /// Seconds since 1970 with nine decimals, as text.
    package var modified: String?
    package var content: String?
    package var state: State
    /// Why it is not in sync, and the same for people; nil if it is.
    package var cause: Hindrance?
    package var reason: String?

    package init(
        path: String, pathBytes: String?, kind: String, sizeBytes: UInt64?, mode: String?, modified: String?,
        content: String?, state: State
    ) {
        self.path = path
        self.pathBytes = pathBytes
        self.kind = kind
        self.sizeBytes = sizeBytes
        self.mode = mode
        self.modified = modified
        self.content = content
        self.state = state
    }
}
