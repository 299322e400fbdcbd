// SPDX-License-Identifier: Apache-2.0

import RelayCore
import RelayServer
import RelayWire
import Testing

@Suite(.timeLimit(.minutes(3))) struct CommitTests {
    @Test func `a commit is answered, and the others get the change with its content`() async throws {
        try await withDirectory { directory in
            try await withHub(directory) { hub in
                let author = try await hub.joinFully("author")
                let reader = try await hub.joinFully("reader")
                let file = TestFile.text("hello")
                let batch = Batch(id: .random(), operations: [file.create("a.txt")], offers: [file.offer])
                try await author.send(.commit(batch))
                let (id, answers) = try await author.committed()
                #expect(id == batch.id && answers == [.accepted(Revision(1))])
                let page = try await reader.changes()
                #expect(page.records.map(\.revision) == [Revision(1)])
                #expect(page.records.first?.device == author.identity.id)
                #expect(page.records.first?.state?.payload == file.payload)
                #expect(page.offers == [file.offer])
                #expect(page.reachesHead && page.through.revision == Revision(1))
                // The author's own page leaves the node out.
                #expect(try await author.changes().records.isEmpty)
            }
        }
    }

    @Test func `S52 a batch that is sent again is answered again and changes nothing`() async throws {
        try await withDirectory { directory in
            let file = TestFile.text("once")
            let batch = Batch(id: .random(), operations: [file.create("a")], offers: [file.offer])
            try await withHub(directory) { hub in
                let agent = try await hub.joinFully("agent")
                for _ in 0..<3 {
                    try await agent.send(.commit(batch))
                    #expect(try await agent.committed().1 == [.accepted(Revision(1))])
                }
            }
            try await withHub(directory) { hub in
                let agent = try await hub.member("agent")
                try await agent.connectControl()
                #expect(try await agent.subscribe(nil).welcome.head == Revision(1))
                try await agent.send(.commit(batch))
                #expect(try await agent.committed().1 == [.accepted(Revision(1))])
                #expect(await hub.hub.status().shares.first?.revision == 1)
            }
        }
    }

    @Test func `the index can be read page by page beside the feed`() async throws {
        try await withDirectory { directory in
            try await withHub(directory) { hub in
                let agent = try await hub.joinFully("agent")
                for name in ["a", "b", "c"] { try await agent.create(name, TestFile.text(name)) }
                func page(after revision: UInt64, limit: Int) async throws -> AuditPage {
                    try await agent.send(.audit(revision + 9, after: Revision(revision), limit: limit))
                    while true {
                        guard case .audited(let number, let page) = try await agent.next() else { continue }
                        #expect(number == revision + 9)
                        return page
                    }
                }
                let first = try await page(after: 0, limit: 2)
                #expect(first.records.map(\.revision.number) == [1, 2] && !first.isLast)
                let last = try await page(after: 2, limit: 2)
                #expect(last.records.map(\.revision.number) == [3] && last.isLast)
                #expect(last.head.revision == Revision(3) && last.head == agent.cursor)
            }
        }
    }

    @Test func `what contradicts itself ends its connection and no other`() async throws {
        try await withDirectory { directory in
            try await withHub(directory) { hub in
                let witness = try await hub.joinFully("witness")
                let file = TestFile.text("right")
                var wrongChunk = file.offer
                wrongChunk.inline = TestFile.text("wrong").encoded(0)
                var wrongList = file.offer
                wrongList.manifest = TestFile.text("other").manifest
                var noList = file.offer
                noList.manifest = nil
                var wrongSize = file.create("size")
                if case .create(let node, let placement, .file(var payload), _) = wrongSize {
                    payload.sizeBytes += 1
                    wrongSize = .create(
                        node: node, placement: placement, payload: .file(payload), origin: nil)
                }
                let bad = [
                    Batch(id: .random(), operations: [file.create("a")], offers: [wrongChunk]),
                    Batch(id: .random(), operations: [file.create("a")], offers: [wrongList]),
                    Batch(id: .random(), operations: [file.create("a")], offers: [noList]),
                    Batch(id: .random(), operations: [wrongSize], offers: [file.offer]),
                ]
                let agent = try await hub.joinFully("agent")
                for batch in bad {
                    try await agent.send(.commit(batch))
                    await #expect { while try await agent.control?.next() != nil {} } throws: { error in
                        if case WireError.refused(.malformed, _) = error { true } else { false }
                    }
                    try await agent.connectControl()
                    try await agent.subscribe(nil)
                }
                try await witness.create("b", .text("fine"))
                #expect(await hub.hub.status().shares.first?.revision == 1)
            }
        }
    }

    @Test func `a commit before subscribing is malformed`() async throws {
        try await withDirectory { directory in
            try await withHub(directory) { hub in
                let agent = try await hub.join("hasty")
                let file = TestFile.text("x")
                try await agent.send(
                    .commit(Batch(id: .random(), operations: [file.create("x")], offers: [file.offer])))
                await #expect { while try await agent.control?.next() != nil {} } throws: { error in
                    if case WireError.refused(.malformed, _) = error { true } else { false }
                }
            }
        }
    }

    @Test func `one who comes later gets everything, and small stored contents along with it`() async throws {
        try await withDirectory { directory in
            try await withHub(directory) { hub in
                let author = try await hub.joinFully("author")
                let directories = (0..<12_000).map { number in
                    Operation.create(
                        node: NodeID(high: 1, low: UInt64(number)),
                        placement: Placement(parent: .root, name: EntryName("d\(number)") ?? .relayDirectory),
                        payload: .directory(mode: PermissionBits(0o755)), origin: nil)
                }
                for start in stride(from: 0, to: directories.count, by: 2000) {
                    let answers = try await author.commit(Array(directories[start..<start + 2000]))
                    #expect(answers.count == 2000)
                }
                let files = (0..<50).map { TestFile.text("content \($0)") }
                try await author.commit(
                    files.enumerated().map { $1.create("f\($0)") }, offers: files.map(\.offer))
                let late = try await hub.join("late")
                let (welcome, records, offers) = try await late.subscribe(nil)
                #expect(welcome.head == Revision(12_050))
                #expect(records.count == 12_050)
                #expect(Set(offers) == Set(files.map(\.offer)))
            }
        }
    }

    @Test func `agents that commit at once are all answered, and all see all`() async throws {
        try await withDirectory { directory in
            try await withHub(directory) { hub in
                var agents: [HandDrivenAgent] = []
                for number in 0..<4 { agents.append(try await hub.joinFully("agent \(number)")) }
                for round in 0..<20 {
                    for (number, agent) in agents.enumerated() {
                        let file = TestFile.text("\(number) \(round)")
                        try await agent.send(
                            .commit(
                                Batch(
                                    id: .random(), operations: [file.create("\(number)-\(round)")],
                                    offers: [file.offer])))
                    }
                }
                for agent in agents {
                    var seen: Set<NodeID> = []
                    var answered = 0
                    while agent.cursor?.revision != Revision(80) || answered < 20 {
                        switch try await agent.next() {
                        case .changes(let page): seen.formUnion(page.records.map(\.node))
                        case .committed(_, let answers, _):
                            answered += 1
                            #expect(answers.count == 1)
                        default: break
                        }
                    }
                    #expect(seen.count >= 60)
                }
            }
        }
    }

    @Test func `one who does not read holds up nobody, and gets all once it reads`() async throws {
        try await withDirectory { directory in
            try await withHub(directory) { hub in
                let author = try await hub.joinFully("author")
                let slow = try await hub.joinFully("slow")
                let reader = try await hub.joinFully("reader")
                for round in 0..<24 {
                    let files = (0..<12).map { TestFile.random(60_000, seed: UInt64(1000 + round * 12 + $0)) }
                    try await author.commit(
                        files.enumerated().map { $1.create("\(round)-\($0)") }, offers: files.map(\.offer))
                    while reader.cursor?.revision != author.decidedAt { _ = try await reader.changes() }
                }
                var seen = 0
                while slow.cursor?.revision != author.decidedAt {
                    seen += try await slow.changes().records.count
                }
                #expect(seen == 24 * 12)
            }
        }
    }

    @Test func `a hub that starts again over the same data goes on where it was`() async throws {
        try await withDirectory { directory in
            let file = TestFile.text("kept")
            let cursor = try await withHub(directory) { hub in
                let agent = try await hub.joinFully("agent")
                try await agent.create("kept.txt", file)
                _ = try await agent.changes()
                return agent.cursor
            }
            try await withHub(directory) { hub in
                let agent = try await hub.member("agent")
                try await agent.connectControl()
                let (welcome, records, _) = try await agent.subscribe(cursor)
                #expect(welcome.resumes && welcome.head == Revision(1) && records.isEmpty)
                let other = try await hub.joinFully("other")
                try await other.want(file, [0])
                try await other.receive(file, count: 1)
            }
        }
    }
}
