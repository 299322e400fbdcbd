// SPDX-License-Identifier: Apache-2.0

import Glibc
import Testing

@testable import RelayStorage

@Suite struct DirectoryLockTests {
    private let directory: TemporaryDirectory
    private var path: String { directory.file("lock") }

    init() throws { directory = try TemporaryDirectory() }

    @Test func `a lock keeps others off for as long as it lives`() throws {
        var first: DirectoryLock? = try DirectoryLock(path)
        for _ in 0..<3 {
            #expect(throws: DirectoryLock.Failure.inUse) { try DirectoryLock(path) }
        }
        withExtendedLifetime(first) {}
        first = nil
        _ = try DirectoryLock(path)
    }

    @Test func `its file is for its owner alone, and what stands in its place is named`() throws {
        try withExtendedLifetime(DirectoryLock(path)) {
            var status = stat()
            #expect(stat(path, &status) == 0)
            #expect(status.st_mode & 0o777 == 0o600)
        }
        let link = directory.file("link")
        #expect(symlink(path, link) == 0)
        let failure = DirectoryLock.Failure.failed("cannot open \(link): Too many levels of symbolic links")
        #expect(throws: failure) { try DirectoryLock(link) }
    }
}
