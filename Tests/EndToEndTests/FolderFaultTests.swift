// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// Folders on disks that are full or broken, and files that are hard to read: nothing is lost, nothing hangs.
@Suite(.serialized) struct FolderFaultTests {
    private func holds(within seconds: Double, _ condition: () throws -> Bool) throws -> Bool {
        let deadline = Date(timeIntervalSinceNow: seconds)
        while try !condition() {
            guard Date() < deadline else { return false }
            usleep(20_000)
        }
        return true
    }

    @Test func `a dead mount hides nothing but itself`() throws {
        let setup = try Setup()
        let (a, b) = (try setup.agent("a"), try setup.agent("b"))
        try a.shell("mkdir mnt; echo 1 > mnt/kept; echo 1 > f")
        try setup.settle()
        a.stop()
        let dead = try FolderDisk(deadAt: a.folder + "/mnt")
        defer { withExtendedLifetime(setup) { dead.unmount() } }
        // What only a look through the folder can find.
        try a.shell("echo 22 > f; echo new > new")
        try a.start()
        #expect(try holds(within: 20) { b.read("f") == "22\n" && b.read("new") == "new\n" })
        #expect(try a.control("status").output.contains("mnt"))
        try b.shell("echo b > b")
        #expect(try holds(within: 20) { a.read("b") == "b\n" })
        #expect(b.read("mnt/kept") == "1\n")
        dead.unmount()
        try setup.settle()
        #expect(try setup.differences() == "" && a.read("mnt/kept") == "1\n")
    }
}
