// SPDX-License-Identifier: Apache-2.0

import RelayCore
import RelayWire
import Testing

/// The agent's side of the protocol, driven message by message.
final class HandDrivenAgent {
    let name: String
    let identity: DeviceIdentity
    let port: Int
    let hub: DeviceID
    private(set) var control: AgentControl?
    private(set) var bulk: Bulk?
    private var lastRequest: UInt32 = 0
    /// The newest cursor that came with a page.
    private(set) var cursor: Cursor?
    /// The share's revision after the agent's last commit.
    private(set) var decidedAt: Revision?

    init(name: String, identity: DeviceIdentity, port: Int, hub: DeviceID) {
        self.name = name
        self.identity = identity
        self.port = port
        self.hub = hub
    }

    func hello(
        token: [UInt8]? = nil, share: String = "shared", version: UInt32 = Hello.currentVersion
    ) -> Hello {
        Hello(version: version, role: .control, share: share, deviceName: name, token: token)
    }

    func connectControl(_ hello: Hello) async throws {
        (_, control) = try await Dialer.connectControl(
            host: "127.0.0.1", port: port, identity: identity, hub: hub, hello: hello)
    }

    func connectControl(token: [UInt8]? = nil) async throws { try await connectControl(hello(token: token)) }

    func connectBulk(share: String = "shared") async throws {
        (_, bulk) = try await Dialer.connectBulk(
            host: "127.0.0.1", port: port, identity: identity, hub: hub, hello: hello(share: share))
    }

    func disconnect() async {
        await control?.close()
        await bulk?.close()
        control = nil
        bulk = nil
    }

    // MARK: Control

    func send(_ message: AgentMessage) async throws {
        let control = try #require(control)
        try await control.send(message)
    }

    func next() async throws -> HubMessage {
        let control = try #require(control)
        guard let message = try await control.next() else { throw FixtureError("the hub closed control") }
        switch message {
        case .changes(let page): cursor = page.through
        case .committed(_, _, let landmark): decidedAt = landmark.revision
        default: break
        }
        return message
    }

    /// Subscribes and follows the feed to its head; returns the welcome and all records.
    @discardableResult
    func subscribe(_ cursor: Cursor?) async throws -> (
        welcome: Welcome, records: [NodeRecord], offers: [ContentOffer]
    ) {
        try await send(.subscribe(Subscription(cursor: cursor)))
        guard case .welcome(let welcome) = try await next() else { throw FixtureError("no welcome") }
        var records: [NodeRecord] = []
        var offers: [ContentOffer] = []
        while true {
            let page = try await changes()
            records += page.records
            offers += page.offers
            if page.reachesHead { return (welcome, records, offers) }
        }
    }

    func changes() async throws -> ChangePage {
        let message = try await next()
        guard case .changes(let page) = message else { throw FixtureError("no changes but \(message)") }
        return page
    }

    func committed() async throws -> (BatchID, [OperationAnswer]) {
        while true {
            switch try await next() {
            case .committed(let id, let answers, _): return (id, answers)
            case .changes: continue
            case let other: throw FixtureError("not committed but \(other)")
            }
        }
    }

    /// Commits and returns the answers.
    @discardableResult
    func commit(_ operations: [RelayCore.Operation], offers: [ContentOffer] = []) async throws
        -> [OperationAnswer]
    {
        let batch = Batch(id: .random(), operations: operations, offers: offers)
        try await send(.commit(batch))
        let (id, answers) = try await committed()
        #expect(id == batch.id)
        return answers
    }

    /// Commits a new file in the share's root.
    func create(_ name: String, _ file: TestFile, offering: Bool = true) async throws {
        let answers = try await commit([file.create(name)], offers: offering ? [file.offer] : [])
        guard case .accepted = answers.first else { throw FixtureError("not accepted: \(answers)") }
    }

    // MARK: Bulk

    func sendBulk(_ message: BulkMessage) async throws {
        let bulk = try #require(bulk)
        try await bulk.send(message)
    }

    func nextBulk() async throws -> BulkMessage {
        let bulk = try #require(bulk)
        guard let message = try await bulk.next() else { throw FixtureError("the hub closed bulk") }
        return message
    }

    /// Asks for chunks of a file; returns the number of the request.
    @discardableResult
    func want(_ file: TestFile, _ indexes: some Sequence<Int>) async throws -> UInt32 {
        lastRequest += 1
        try await sendBulk(
            .wantChunks(request: lastRequest, content: file.content, wants: indexes.map { file.want($0) }))
        return lastRequest
    }

    func wantManifest(_ content: ContentID, knowing known: ContentID? = nil) async throws -> UInt32 {
        lastRequest += 1
        try await sendBulk(.wantManifest(request: lastRequest, content: content, known: known))
        return lastRequest
    }

    /// Takes the whole chunk list of a file that was asked for, and checks it.
    func receiveManifest(of file: TestFile, _ request: UInt32) async throws {
        var chunks: [ChunkReference] = []
        repeat {
            guard case .manifest(request, let first, let total, let part) = try await nextBulk() else {
                throw FixtureError("no chunk list")
            }
            #expect(Int(first) == chunks.count && Int(total) == file.chunkCount)
            chunks += part
        } while chunks.count < file.chunkCount
        #expect(chunks == file.manifest.chunks)
    }

    /// Answers the hub's next request, as one who has the file.
    func serveOne(_ file: TestFile) async throws {
        try await holder(of: file).serve(try await nextBulk())
    }

    /// The agent's side of its bulk connection, for a task of its own.
    func holder(of file: TestFile) throws -> FileHolder { FileHolder(bulk: try #require(bulk), file: file) }

    /// Takes chunks of a file until so many came, and checks them.
    func receive(_ file: TestFile, count: Int) async throws {
        for _ in 0..<count {
            let message = try await nextBulk()
            guard case .chunk(_, let index, let chunk) = message else {
                throw FixtureError("no chunk but \(message)")
            }
            #expect(chunk == file.encoded(Int(index)))
        }
    }
}

/// Gives what the hub asks for of one file.
struct FileHolder: Sendable {
    let bulk: Bulk
    let file: TestFile

    /// Serves until the connection ends.
    func run() async {
        while let message = try? await bulk.next() {
            if case .cancel = message { continue }
            guard (try? await serve(message)) != nil else { return }
        }
    }

    func serve(_ message: BulkMessage) async throws {
        switch message {
        case .wantManifest(let request, file.content, _):
            let chunks = file.manifest.chunks
            for first in stride(from: 0, to: chunks.count, by: 10) {
                try await bulk.send(
                    .manifest(
                        request: request, first: UInt32(first), total: UInt32(chunks.count),
                        chunks: Array(chunks[first...].prefix(10))))
            }
        case .wantChunks(let request, file.content, let wants):
            for want in wants {
                #expect(want == file.want(Int(want.index)))
                try await bulk.send(
                    .chunk(request: request, index: want.index, file.encoded(Int(want.index))))
            }
        default: throw FixtureError("unexpected \(message)")
        }
    }
}

extension BatchID {
    static func random() -> BatchID {
        BatchID(high: .random(in: .min ... .max), low: .random(in: .min ... .max))
    }
}
