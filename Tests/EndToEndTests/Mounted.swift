// SPDX-License-Identifier: Apache-2.0

import Foundation

/// A file system of a test's own, mounted on a directory until this object goes.
final class Mounted {
    /// Whether this process may mount, disks that are files too.
    static let isPossible =
        getuid() == 0
        && (try? Shell.run(
            "d=$(mktemp -d); mount -t tmpfs tmpfs $d && umount $d; rmdir $d; losetup -f > /dev/null")) != nil

    let directory: String
    private let type: String
    private let options: String
    private var image: String?
    private var device: String
    private var isMounted = false

    /// One in memory, of a size as `6m`.
    init(tmpfs size: String, on directory: String) throws {
        self.directory = directory
        type = "tmpfs"
        options = "size=" + size
        device = "tmpfs"
        try mount()
    }

    /// One on a disk that is a file.
    init(ext4MiB size: Int, image: String, on directory: String) throws {
        self.directory = directory
        self.image = image
        type = "ext4"
        options = "defaults"
        device = ""
        try Shell.run("truncate -s \(size)M '\(image)' && mkfs.ext4 -q -m 0 '\(image)'")
        try attach()
        try mount()
        try Shell.run("rmdir '\(directory)/lost+found'")
    }

    deinit {
        unmount(lazily: true)
        detach()
    }

    func mount() throws {
        try Shell.run("mkdir -p '\(directory)'; mount -t \(type) -o '\(options)' '\(device)' '\(directory)'")
        isMounted = true
    }

    func remount(_ options: String) throws { try Shell.run("mount -o 'remount,\(options)' '\(directory)'") }

    /// `lazily`: also while somebody uses it.
    func unmount(lazily: Bool = false) {
        guard isMounted else { return }
        isMounted = (try? Shell.run("umount \(lazily ? "-l" : "") '\(directory)' 2>/dev/null")) == nil
    }

    /// Loses what is not on the disk, and all programs that are given, as when the power goes; then mounts
    /// what is left.
    func cutPower(_ runs: [ProgramRun]) throws {
        for run in runs { run.signal(SIGSTOP) }
        for run in runs { try within(5) { run.isHalted } }
        let descriptor = open(directory, O_RDONLY | O_DIRECTORY)
        // EXT4_IOC_SHUTDOWN, without a last flush of the journal.
        var how: UInt32 = 2
        let result = ioctl(descriptor, 0x8004_587d, &how)
        let error = errno
        close(descriptor)
        guard result == 0 else { throw TestFailure("the disk cannot be shut down: \(error)") }
        let children = runs.flatMap(\.children)
        for run in runs {
            run.signal(SIGKILL)
            _ = run.waitForEnd()
        }
        for child in children { kill(child, SIGKILL) }
        try within(10, "unmounting") {
            unmount()
            return !isMounted
        }
        try mount()
    }

    private func attach() throws {
        guard let image else { return }
        device = try Shell.run("losetup -f --show '\(image)'").trimmingCharacters(in: .whitespacesAndNewlines)
    }

    private func detach() {
        guard image != nil, !device.isEmpty else { return }
        _ = try? Shell.run("losetup -d '\(device)'")
        device = ""
    }
}
