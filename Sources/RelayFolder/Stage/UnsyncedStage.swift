// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc
import RelayCore
import Synchronization
import SystemPackage

/// The staged files that are complete, but not known to be on disk.
///
/// Small files are synced right before they are placed, many with one call: a sync costs the disk about as
/// much for one file as for hundreds.
final class UnsyncedStage: Sendable {
    /// Larger files are synced when they are complete, so that nothing waits for them in the folder's lane.
    static let limitBytes: UInt64 = 256 << 10
    /// More files than this are synced with their whole file system.
    static let singleFiles = 8

    private let names = Mutex<Set<[UInt8]>>([])

    func note(_ name: [UInt8]) { names.withLock { _ = $0.insert(name) } }

    /// Forgets a file that is not staged any more.
    func forget(_ name: [UInt8]) { names.withLock { _ = $0.remove(name) } }

    /// Brings these files to the disk, as far as they are not there, `others` surely not. What cannot be
    /// brought there is discarded, and returned with the reason: after a failed sync nothing tells what a
    /// file holds.
    func sync(
        _ wanted: [[UInt8]], and others: [[UInt8]] = [], in stage: Directory
    ) -> [[UInt8]: Errno] {
        let unsynced = names.withLock { names in wanted.filter { names.remove($0) != nil } } + others
        guard !unsynced.isEmpty else { return [:] }
        let failed = unsynced.count > Self.singleFiles ? syncAll(unsynced, stage) : syncEach(unsynced, stage)
        for name in failed.keys { try? stage.unlink(name) }
        Failpoint.stageSynced.reach()
        return failed
    }

    private func syncAll(_ files: [[UInt8]], _ stage: Directory) -> [[UInt8]: Errno] {
        let number = stage.descriptor.number
        do throws(Errno) {
            _ = try Kernel.retrying { relay_syncfs(number) }
            return [:]
        } catch {
            return Dictionary(uniqueKeysWithValues: files.map { ($0, error) })
        }
    }

    private func syncEach(_ files: [[UInt8]], _ stage: Directory) -> [[UInt8]: Errno] {
        var failed: [[UInt8]: Errno] = [:]
        // Those whose modes let not even their owner read them.
        var unreadable: [[UInt8]] = []
        for name in files {
            do throws(Errno) {
                try stage.open(name, O_RDONLY | O_NONBLOCK).sync()
            } catch {
                switch error {
                // One that is gone is found to be so when it is to be placed.
                case .noSuchFileOrDirectory: break
                case .permissionDenied: unreadable.append(name)
                default: failed[name] = error
                }
            }
        }
        if !unreadable.isEmpty { failed.merge(syncAll(unreadable, stage)) { first, _ in first } }
        return failed
    }
}
