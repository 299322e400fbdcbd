// SPDX-License-Identifier: Apache-2.0

import Foundation

/// A small disk in memory, mounted over a directory of the hub's, that can be filled. What the directory held
/// is on it; the mount goes with this.
final class HubDisk {
    private let path: String
    private let copy: String
    private var isUnmounted = false

    /// `size` as `mount` takes it. The hub must not run.
    init(over path: String, size: String) throws {
        self.path = path
        copy = path + "-copy-\(UUID().uuidString.prefix(8))"
        try Shell.run(
            """
            mkdir -p '\(path)' '\(copy)'; cp -a '\(path)/.' '\(copy)/'
            mount -t tmpfs -o size=\(size),mode=700 none '\(path)'; cp -a '\(copy)/.' '\(path)/'
            """)
    }

    deinit { unmount() }

    /// Takes the disk away; the hub must not run. May be called again.
    func unmount() {
        guard !isUnmounted else { return }
        isUnmounted = true
        _ = try? Shell.run("umount '\(path)' || umount -l '\(path)'; rm -rf '\(copy)'")
    }

    /// Leaves no room on the disk.
    func fill() throws {
        try Shell.run("head -c 1G /dev/zero > '\(path)/filler' 2>/dev/null || true", in: "/")
    }

    /// Gives room again, with a disk of this size.
    func free(size: String) throws {
        try Shell.run("mount -o remount,size=\(size) '\(path)'; rm -f '\(path)/filler'")
    }
}

extension Setup {
    /// The directory of the only share's files.
    func shareDirectory() throws -> String {
        try Shell.run("ls -d '\(hubData)'/shares/*").trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// How many bytes the share's segment files take.
    func segmentBytes() throws -> Int {
        let text = try Shell.run("du -cb '\(try shareDirectory())'/segments/*.seg | tail -1 | cut -f1")
        return Int(text.trimmingCharacters(in: .whitespacesAndNewlines)) ?? 0
    }

    func hubStatus(_ options: String...) throws -> ProgramResult {
        try ProgramRun("relay-server", ["status", "--data", hubData] + options, in: directory).waitForEnd()
    }
}
