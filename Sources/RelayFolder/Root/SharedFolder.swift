// SPDX-License-Identifier: Apache-2.0

package import RelayCore
import Synchronization
import SystemPackage

/// One shared folder on this machine: the only way to it.
///
/// Everything happens beneath one open root directory: no call follows a symbolic link, passes a mount
/// point or leaves the root, whatever others do to the tree meanwhile. All calls block, and may be made from
/// several threads at once; the caller runs scans and apply batches one at a time.
package final class SharedFolder: Sendable {
    /// The path that the folder was opened by, absolute.
    package let path: String
    /// What the root is known by; remembered by the caller for the next `open`.
    package let record: RootRecord
    package var rootIdentity: FileIdentity { record.identity }
    /// Whether the file system takes names that differ in case for one.
    package var foldsNames: Bool { fileSystem.foldsNames }
    /// Whether after a look at a file's times whatever changes it gives it others.
    package var hasFineTimes: Bool {
        fileSystem.clockGranularityNanoseconds == 0 && !fileSystem.hidesMappedWrites
    }

    let root: Directory
    private let own: Mutex<OwnDirectories>
    /// `.relay/stage`: files on their way in, named by node and content, or for the moment of one batch.
    var stage: Directory { own.withLock { $0.stage } }
    /// `.relay/park`: entries on their way out, and what is known of each.
    var park: Directory { own.withLock { $0.park } }
    /// The room on disk for what is being staged.
    let room = StageRoom()
    let unsynced = UnsyncedStage()
    /// `.relay/root`, which carries the lock.
    let marker: Descriptor
    let fileSystem: FileSystem
    /// Held by everything that changes the folder.
    let lane: Mutex<ParkMemory>
    private let isShut = Atomic<Bool>(false)

    init(
        path: String, record: RootRecord, root: Directory, stage: Directory, park: Directory,
        marker: consuming Descriptor, fileSystem: FileSystem
    ) {
        self.path = path
        self.record = record
        self.root = root
        own = Mutex(OwnDirectories(stage: stage, park: park))
        self.marker = marker
        self.fileSystem = fileSystem
        lane = Mutex(ParkMemory())
    }

    /// Lets another agent have the folder. Calls from now on fail, calls under way come to their end; the
    /// descriptors are closed with the last reference.
    package func close() {
        guard !isShut.exchange(true, ordering: .relaxed) else { return }
        lane.withLock { _ in RootLock.release(marker) }
    }

    /// Makes those of our own directories again that somebody removed or moved away. What cannot be done now
    /// fails where it is needed.
    func renewOwnDirectories() {
        own.withLock { own in
            for (directory, name) in [
                (\OwnDirectories.stage, OwnDirectories.stageName),
                (\OwnDirectories.park, OwnDirectories.parkName),
            ] {
                guard let held = try? own[keyPath: directory].status(),
                    (try? root.status(OwnDirectories.path(name)))?.identity != held.identity,
                    let relay = try? root.directory(at: RelativePath([.relayDirectory])),
                    let opened = try? Self.openOwn(name, in: relay)
                else { continue }
                own[keyPath: directory] = opened
            }
        }
    }

    var isClosed: Bool { isShut.load(ordering: .relaxed) }

    /// Whether a path is the folder's own `.relay`, or lies in it: nobody's business but this room's.
    static func isOwn(_ path: RelativePath) -> Bool { path.components.first == .relayDirectory }
}

/// The directories in `.relay` that a folder works with.
struct OwnDirectories {
    static let stageName = Array("stage".utf8)
    static let parkName = Array("park".utf8)

    var stage: Directory
    var park: Directory

    /// The path beneath the root.
    static func path(_ name: [UInt8]) -> [UInt8] { EntryName.relayDirectory.bytes + [0x2f] + name }
}
