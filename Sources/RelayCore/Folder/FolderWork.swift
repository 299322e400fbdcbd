// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

/// Something that may have changed in the folder. A hint says where to look, never what happened.
package enum Hint: Hashable, Sendable {
    /// One name in one directory. `writing`: it is open and being written; more hints will follow.
    case entry(RelativePath, writing: Bool)
    /// One name in one directory, from which the last event took an entry for good: it was not moved.
    case deleted(RelativePath)
    /// A directory and all beneath it.
    case subtree(RelativePath)

    package var path: RelativePath {
        switch self {
        case .entry(let path, writing: _), .deleted(let path), .subtree(let path): path
        }
    }
}

/// Where to look.
package enum ScanRequest: Hashable, Sendable {
    /// One entry; the path is never the root.
    case entry(RelativePath)
    /// The entries of one directory, without going into its subdirectories.
    case directory(RelativePath)
}

/// Where small files are to be read as soon as they are found, unless they are as it is said here.
package typealias ReadingWishes = [RelativePath: Fingerprint?]

/// What kind of entry was found. Sockets, pipes, devices and the root's `.relay` are never reported, as if
/// they were not there.
package enum FoundKind: Hashable, Sendable {
    case file
    case directory
    case symlink(target: [UInt8])

    package var kind: NodeKind {
        switch self {
        case .file: .file
        case .directory: .directory
        case .symlink: .symlink
        }
    }
}

/// One entry as it was found.
package struct FoundEntry: Hashable, Sendable {
    package var name: EntryName
    package var kind: FoundKind
    package var fingerprint: Fingerprint

    package init(name: EntryName, kind: FoundKind, fingerprint: Fingerprint) {
        self.name = name
        self.kind = kind
        self.fingerprint = fingerprint
    }
}

/// A name of which nothing is known at present, and why: what it stands for may be there or gone.
package struct HiddenEntry: Hashable, Sendable {
    package var name: EntryName
    package var problem: Problem

    package init(name: EntryName, problem: Problem) {
        self.name = name
        self.problem = problem
    }
}

/// What was found at one `ScanRequest`, in the order of the requests.
package enum ScanOutcome: Hashable, Sendable {
    /// `directory`: the identity of the directory that the entry was looked up in. Nil entry: the directory
    /// was opened, and surely has no entry of that name.
    case entry(directory: FileIdentity, FoundEntry?)
    /// All entries, after the directory was read to its end without an error. `hidden`: names that could not
    /// be looked at, or over which other file systems are mounted; they are unknown, not absent.
    case directory(FileIdentity, [FoundEntry], hidden: [HiddenEntry])
    /// The directory itself (or one above it) is not there, or is not a directory.
    case absent
    /// Nothing is known; absence must not be concluded.
    case failed(Problem)
}

package struct ScanResult: Hashable, Sendable {
    package var request: ScanRequest
    package var outcome: ScanOutcome
    /// What a small file that was found holds, if it was read at once.
    package var reading: ReadOutcome?

    package init(request: ScanRequest, outcome: ScanOutcome, reading: ReadOutcome? = nil) {
        self.request = request
        self.outcome = outcome
        self.reading = reading
    }
}

/// A file to be read, cut into chunks and hashed.
package struct ReadRequest: Hashable, Sendable {
    package var node: NodeID
    package var path: RelativePath
    /// Read although somebody has the file open for writing, as long as it does not change meanwhile.
    package var isInsisting: Bool
    /// Whether the file was large when it was last looked at, so that reading it takes a while.
    package var isLarge: Bool
    /// The chunks of the version before, if the same agent cut them and they are many: they make reading
    /// quicker, and have no say in what comes of it.
    package var former: Manifest?
    package init(
        node: NodeID, path: RelativePath, isInsisting: Bool = false, isLarge: Bool = false,
        former: Manifest? = nil
    ) {
        self.node = node
        self.path = path
        self.isInsisting = isInsisting
        self.isLarge = isLarge
        self.former = former
    }
}

package enum ReadOutcome: Hashable, Sendable {
    /// The file did not change while it was read. `trusted` is false when the fingerprint is too young to
    /// tell a later change from it: the file must be looked at again.
    case content(ContentDescription, Fingerprint, trusted: Bool)
    /// It changes while it is read, or somebody has it open for writing; try again later.
    case busy
    /// No regular file is there.
    case absent
    case failed(Problem)
}

/// A content as it was read: its id, its chunks and, if small, its bytes.
package struct ContentDescription: Hashable, Sendable {
    package var content: ContentID
    package var sizeBytes: UInt64
    package var manifest: Manifest
    /// The one chunk of a content of at most `ContentLimits.inlineBytes`.
    package var inline: EncodedChunk?

    package init(content: ContentID, sizeBytes: UInt64, manifest: Manifest, inline: EncodedChunk?) {
        self.content = content
        self.sizeBytes = sizeBytes
        self.manifest = manifest
        self.inline = inline
    }
}

package struct ReadResult: Hashable, Sendable {
    package var node: NodeID
    package var path: RelativePath
    package var outcome: ReadOutcome
    package init(node: NodeID, path: RelativePath, outcome: ReadOutcome) {
        self.node = node
        self.path = path
        self.outcome = outcome
    }
}

/// One file's trouble. The run goes on without it, and tries again.
package struct Problem: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Cause: UInt8, Hashable, Sendable {
        case permission, noSpace, readOnly, inputOutput, tooManyOpen, nameTooLong, unsupported, other
        /// Another file system is mounted over it.
        case hidden
        /// Something that is not shared stands there.
        case obstructed
        /// No device that is online has the content.
        case unavailable
    }
    package var cause: Cause
    /// One line for people: what could not be done with what, and why.
    package var description: String

    package init(_ cause: Cause, _ description: String) {
        self.cause = cause
        self.description = description
    }
}
