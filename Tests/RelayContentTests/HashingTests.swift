// SPDX-License-Identifier: Apache-2.0

import RelayContent
import RelayCore
import Testing

@Suite struct HashingTests {
    private func record(_ payload: Payload?) throws -> NodeRecord {
        let name = try #require(EntryName("a file"))
        return NodeRecord(
            node: NodeID(high: 1, low: 2), revision: Revision(3),
            state: payload.map {
                NodeState(
                    placement: Placement(parent: .root, name: name), placementRevision: Revision(2),
                    payload: $0, payloadRevision: Revision(3))
            },
            device: DeviceID(Bytes32(4, 5, 6, 7)), origin: nil)
    }

    private let file = Payload.file(
        FilePayload(
            content: ContentID(Bytes32(8, 9, 10, 11)), sizeBytes: 12, mode: PermissionBits(0o644),
            modified: Timestamp(seconds: -1, nanoseconds: 999)))

    @Test func `the digest is SHA-256`() {
        #expect(
            hexadecimal(Hashing.sha256(Array("abc".utf8)).bytes)
                == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        #expect(
            Hashing.chunkID(of: []).description
                == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    }

    @Test func `a content is named by its chunk list`() {
        let chunk = ChunkReference(id: Hashing.chunkID(of: Array("abc".utf8)), sizeBytes: 3)
        #expect(
            Hashing.contentID(of: Manifest([])).description
                == "ebd8adc4ea2aa24ee6f28845ac137318592a76e6f1b70025025d9573fff0a6cc")
        #expect(
            Hashing.contentID(of: Manifest([chunk])).description
                == "d7ca3de87b67a2b02f61e9cb6a5993fe8d7498e70a0c6d5435665a78e45d1919")
        #expect(Hashing.contentID(of: Manifest([chunk, chunk])) != Hashing.contentID(of: Manifest([chunk])))
    }

    @Test func `the chain has known values`() throws {
        let first = Hashing.chain(after: .start, record: try record(file))
        let second = Hashing.chain(after: first, record: try record(.directory(mode: PermissionBits(0o755))))
        let third = Hashing.chain(after: second, record: try record(.symlink(target: [0xff])))
        let fourth = Hashing.chain(after: third, record: try record(nil))
        #expect(
            fourth.description
                == "bcfe278624e4cf50418b4baab0c24993fa2ef4b60af389bce3e802f04216ba70")
    }

    @Test func `the chain depends on every field of a record`() throws {
        let base = try record(file)
        let variants: [(inout NodeRecord) throws -> Void] = [
            { $0.node = NodeID(high: 1, low: 3) },
            { $0.revision = Revision(4) },
            { $0.device = DeviceID(Bytes32(4, 5, 6, 8)) },
            { $0.origin = NodeID(high: 0, low: 9) },
            { $0.state = nil },
            { $0.state?.placement.parent = NodeID(high: 5, low: 5) },
            { $0.state?.placement.name = try #require(EntryName("b file")) },
            { $0.state?.placementRevision = Revision(1) },
            { $0.state?.payloadRevision = Revision(1) },
            { $0.state?.payload = .directory(mode: PermissionBits(0o644)) },
            { $0.state?.payload = .symlink(target: []) },
        ]
        var seen = [Hashing.chain(after: .start, record: base)]
        seen.append(Hashing.chain(after: seen[0], record: base))
        for variant in variants {
            var changed = base
            try variant(&changed)
            seen.append(Hashing.chain(after: .start, record: changed))
        }
        #expect(Set(seen).count == variants.count + 2)
    }
}
