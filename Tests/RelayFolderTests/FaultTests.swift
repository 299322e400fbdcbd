// SPDX-License-Identifier: Apache-2.0

import Glibc
import RelayCore
import Testing

@testable import RelayFolder

/// Disks that are full, directories that cannot be looked into, and mounts whose servers are gone.
@Suite struct FaultTests {
    // MARK: Looking

    @Test func `an entry that cannot be looked at hides no other`() throws {
        let scratch = try Scratch()
        giveAway(scratch)
        scratch.makeDirectory("d")
        for name in ["d/a", "d/b"] { scratch.write(name, "x") }
        // It can be listed, and none of its entries can be looked at.
        #expect(chmod(scratch.path + "/d", 0o744) == 0)
        try asNobody {
            let outcome = scratch.folder.scan([.directory(relative("d"))])[0].outcome
            guard case .directory(_, [], let hidden) = outcome else {
                Issue.record("\(outcome)")
                return
            }
            #expect(hidden.map(\.name.description) == ["a", "b"])
            #expect(hidden.map(\.problem.cause) == [.permission, .permission])
            #expect(hidden[0].problem.description == "cannot look at d/a: permission denied")
        }
    }

    @Test func `a mount whose server is gone is a mount, and hides nothing but itself`() throws {
        let scratch = try Scratch()
        scratch.makeDirectory("m")
        scratch.write("f", "x")
        let dead = try TemporaryMount(deadAt: scratch.path + "/m")
        defer { withExtendedLifetime(scratch) { dead.unmount() } }
        var status = stat()
        #expect(lstat(dead.path, &status) != 0)
        let outcome = scratch.folder.scan([.directory(.root)])[0].outcome
        guard case .directory(_, let found, let hidden) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(found.map(\.name.description) == ["f"])
        #expect(hidden.map(\.name.description) == ["m"] && hidden.map(\.problem.cause) == [.hidden])
        guard case .failed(let problem) = scratch.folder.scan([.entry(relative("m"))])[0].outcome else {
            Issue.record("found")
            return
        }
        #expect(problem.cause == .hidden)
    }
}
