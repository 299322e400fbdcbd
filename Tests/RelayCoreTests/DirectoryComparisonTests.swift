// SPDX-License-Identifier: Apache-2.0

import RelaySimulation
import Testing

@testable import RelayCore

private typealias A = AgentConversation

@Suite struct DirectoryComparisonTests {
    private static let payload = Fixture.file(1)

    private func node(_ number: UInt64) -> NodeID { NodeID(high: 1 << 63, low: number) }

    private func local(_ entry: FoundEntry, isTrusted: Bool = true, isRead: Bool = true) -> LocalState {
        let payload: Payload? =
            switch entry.kind {
            case .file: isRead ? Self.payload : nil
            case .directory: .directory(mode: entry.fingerprint.permissions)
            case .symlink(let target): .symlink(target: target)
            }
        return LocalState(
            placement: Placement(parent: .root, name: entry.name), kind: entry.kind.kind, payload: payload,
            fingerprint: entry.fingerprint, isTrusted: isTrusted)
    }

    private func names(_ entries: [FoundEntry]) -> [String] { entries.map { "\($0.name)" } }

    @Test func `one walk tells what is as it was, what is new and what is gone`() {
        let known = [A.directory("a", 1), A.file("b", 2), A.link("d", to: "x", 4), A.file("e", 5)]
        var saved = A.file("b", 2)
        saved.fingerprint.changed.seconds += 1
        var comparison = DirectoryComparison(
            [A.directory("a", 1), saved, A.file("c", 3), A.link("d", to: "y", 4)], hidden: [])
        for (index, entry) in known.enumerated() {
            comparison.compare(node(UInt64(index)), local(entry), isDoubtful: false)
        }
        #expect(comparison.vanished == [node(3)])
        let (unchanged, changed) = comparison.split(comparison.entries)
        #expect(unchanged.map(\.1) == [node(0)])
        #expect(names(changed) == ["b", "c", "d"])
    }

    @Test func `what was not read, is not trusted or is in doubt is looked into`() {
        let entries = [A.file("a", 1), A.file("b", 2), A.file("c", 3), A.file("d", 4)]
        var comparison = DirectoryComparison(entries, hidden: [])
        comparison.compare(node(1), local(entries[0], isTrusted: false), isDoubtful: false)
        comparison.compare(node(2), local(entries[1], isRead: false), isDoubtful: false)
        comparison.compare(node(3), local(entries[2]), isDoubtful: true)
        comparison.compare(node(4), local(entries[3]), isDoubtful: false)
        let (unchanged, changed) = comparison.split(entries)
        #expect(names(changed) == ["a", "b", "c"] && unchanged.map(\.1) == [node(4)])
    }

    @Test func `a directory with another identity or mode is looked into, not one with other times`() {
        var later = A.directory("a", 1)
        later.fingerprint.changed.seconds += 1
        var wider = A.directory("b", 2)
        wider.fingerprint.mode = 0o777
        var comparison = DirectoryComparison([later, wider, A.directory("c", 9)], hidden: [])
        for (index, entry) in [A.directory("a", 1), A.directory("b", 2), A.directory("c", 3)].enumerated() {
            comparison.compare(node(UInt64(index)), local(entry), isDoubtful: false)
        }
        let (unchanged, changed) = comparison.split(comparison.entries)
        #expect(unchanged.map(\.1) == [node(0)] && names(changed) == ["b", "c"])
    }

    @Test func `nothing vanished because names came in another order, or more than once`() {
        let entries = ["c", "a", "b", "a"].map { A.file($0, 1) }
        var comparison = DirectoryComparison(entries, hidden: [])
        for (index, name) in ["a", "b", "c"].enumerated() {
            comparison.compare(node(UInt64(index)), local(A.file(name, 1)), isDoubtful: false)
        }
        #expect(comparison.vanished == [])
        let (unchanged, changed) = comparison.split(comparison.entries)
        #expect(Set(unchanged.map(\.1)) == [node(0), node(1), node(2)])
        #expect(changed.allSatisfy { $0.name == Fixture.name("a") })
    }

    @Test func `an entry that was listed twice and changed in between is looked into`() {
        var later = A.file("a", 1)
        later.fingerprint.changed.seconds += 1
        var comparison = DirectoryComparison([A.file("a", 1), later], hidden: [])
        comparison.compare(node(1), local(A.file("a", 1)), isDoubtful: false)
        let (unchanged, changed) = comparison.split(comparison.entries)
        #expect(unchanged.map(\.1) == [node(1)] && changed == [later])
    }

    @Test func `what something hides did not vanish`() {
        var comparison = DirectoryComparison([], hidden: [A.mount(at: "a")])
        comparison.compare(node(1), local(A.file("a", 1)), isDoubtful: false)
        comparison.compare(node(2), local(A.file("b", 2)), isDoubtful: false)
        #expect(comparison.vanished == [node(2)])
    }

    @Test func `of several nodes with one name the first stands for it`() {
        let entry = A.file("a", 1)
        var comparison = DirectoryComparison([entry], hidden: [])
        comparison.compare(node(1), local(entry), isDoubtful: false)
        comparison.compare(node(2), local(entry), isDoubtful: false)
        #expect(comparison.vanished == [] && comparison.split([entry]).unchanged.map(\.1) == [node(1)])
        var other = DirectoryComparison([entry], hidden: [])
        other.compare(node(1), local(entry, isTrusted: false), isDoubtful: false)
        other.compare(node(2), local(entry), isDoubtful: false)
        #expect(names(other.split([entry]).changed) == ["a"])
    }
}
