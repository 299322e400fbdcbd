// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

/// What a comparison of one folder's disk, index and hub found: an element of the answer to
/// `POST /v1/verify`.
package struct VerificationReport: Codable, Hashable, Sendable {
    package var path: String
    package var share: String
    /// Why the hub's index was not compared; nil if it was.
    package var hubSkipped: String?
    /// The hub's revision that was compared with.
    package var revision: UInt64
    /// Entries of the hub's index that were compared, removed ones among them.
    package var records: Int
    /// Directories whose entries were compared with the disk.
    package var directories: Int
    /// Files whose bytes were read and compared.
    package var files: Int
    package var bytes: UInt64
    /// Entries that could not be compared because they were changing.
    package var changing: Int
    /// Up to 100 paths that could not be looked at, each with the reason.
    package var unreadable: [UnreadablePath]
    package var differenceCount: Int
    /// The first 1000 of them.
    package var differences: [DifferenceReport]

    package init(path: String, share: String) {
        self.path = path
        self.share = share
        revision = 0
        records = 0
        directories = 0
        files = 0
        bytes = 0
        changing = 0
        unreadable = []
        differenceCount = 0
        differences = []
    }

    /// The most differences that are told one by one.
    package static let limitDifferences = 1000
    package static let limitUnreadable = 100
}

/// One path that could not be compared with its record.
package struct UnreadablePath: Codable, Hashable, Sendable {
    package var path: String
    package var reason: String
    package init(path: String, reason: String) {
        self.path = path
        self.reason = reason
    }
}

/// One difference, for people and scripts.
package struct DifferenceReport: Codable, Hashable, Sendable {
    /// The path for people (`displayText`).
    package var path: String
    /// The path's bytes in hexadecimal, when `path` is not the same bytes.
    package var pathBytes: String?
    package var kind: Difference.Kind
    package var reason: String
    /// What becomes of it, or what a person can do.
    package var outlook: String

    package init(_ difference: Difference) {
        path = "\(difference.path)"
        let bytes = difference.path.bytes
        pathBytes = difference.path.isRoot || Array(path.utf8) == bytes ? nil : hexadecimal(bytes)
        kind = difference.kind
        reason = "\(difference.kind.text): \(difference.detail)"
        outlook = difference.outlook
    }
}

/// How a folder's regular comparison stands.
package struct VerificationStanding: Codable, Hashable, Sendable {
    /// When the last comparison of everything ended, in seconds since 1970; nil if none did yet.
    package var finished: String?
    /// How many differences it found.
    package var differences: Int
    /// Whether one is under way in the background.
    package var isRunning: Bool

    package init(finished: String? = nil, differences: Int = 0, isRunning: Bool = false) {
        self.finished = finished
        self.differences = differences
        self.isRunning = isRunning
    }
}

extension Difference.Kind {
    /// Which stores disagree, for people.
    package var text: String {
        switch self {
        case .missingOnDisk: "the agent's index has it, the folder does not"
        case .unknownOnDisk: "the folder has it, the agent's index does not"
        case .changedOnDisk: "the folder has another state than the agent's index"
        case .damagedOnDisk: "its bytes changed and nothing else did"
        case .damagedRecord: "the agent's index does not fit together"
        case .forgotten: "it is not in sync, and nothing was about to be done"
        case .unknownHere: "the hub has it, the agent's index does not"
        case .missingOnHub: "the agent's index has it from the hub, and the hub's index does not"
        case .differsFromHub: "the agent's index and the hub's have different states"
        }
    }
}

extension Difference {
    /// What becomes of it, or what a person can do.
    package var outlook: String {
        switch repair {
        case .look: "it is looked at again, and synced as any change"
        case .read: "the file is read again"
        case .observe: "it is observed anew and merged with what the hub has; nothing is removed"
        case .take: "the hub's state is taken in and merged with what is here; nothing is removed here"
        case .offer: "it is given to the hub again"
        case .plan: "it is planned again"
        case .ask:
            "nothing is done by itself. To keep what is on the disk: touch the file. To have the share's "
                + "version back: relay-ctl download NAME -o COPY, then relay-ctl upload COPY --to NAME"
        }
    }
}
