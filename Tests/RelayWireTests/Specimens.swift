// SPDX-License-Identifier: Apache-2.0

import RelayCore

@testable import RelayWire

/// One message of every kind, with every optional part both there and missing.
enum Specimens {
    static let node = NodeID(high: 0x0102_0304_0506_0708, low: 0x090a_0b0c_0d0e_0f10)
    static let other = NodeID(high: 0x1112_1314_1516_1718, low: 0x191a_1b1c_1d1e_1f20)
    static let device = DeviceID(Bytes32(0xd1, 0xd2, 0xd3, 0xd4))
    static let content = ContentID(Bytes32(0xc1, 0xc2, 0xc3, 0xc4))
    static let chunkID = ChunkID(Bytes32(0xe1, 0xe2, 0xe3, 0xe4))
    static let epoch = Epoch(high: 0xa1, low: 0xa2)
    static let share = ShareID(high: 0xb1, low: 0xb2)
    static let batchID = BatchID(high: 0xf1, low: 0xf2)
    static let cursor = Cursor(
        epoch: epoch, revision: Revision(7), chain: ChainValue(Bytes32(0x91, 0x92, 0x93, 0x94)))

    static func name(_ text: String) -> EntryName { EntryName(text) ?? .relayDirectory }

    static let placement = Placement(parent: .root, name: name("a.txt"))
    static let file = Payload.file(
        FilePayload(
            content: content, sizeBytes: 5, mode: PermissionBits(0o644),
            modified: Timestamp(seconds: -2, nanoseconds: 999_999_999)))
    static let directory = Payload.directory(mode: PermissionBits(0o755))
    static let link = Payload.symlink(target: Array("../b".utf8))
    static let chunk = EncodedChunk(encoding: .raw, sizeBytes: 5, bytes: Array("hello".utf8))
    static let squeezed = EncodedChunk(encoding: .zstd, sizeBytes: 100, bytes: [0x28, 0xb5, 0x2f, 0xfd])
    static let reference = ChunkReference(id: chunkID, sizeBytes: 5)
    static let fullOffer = ContentOffer(content: content, manifest: Manifest([reference]), inline: chunk)
    static let bareOffer = ContentOffer(content: content, manifest: nil, inline: nil)
    static let emptyOffer = ContentOffer(content: content, manifest: Manifest([]), inline: nil)

    static let batch = Batch(
        id: batchID,
        operations: [
            .create(node: node, placement: placement, payload: file, origin: nil),
            .create(node: node, placement: placement, payload: directory, origin: other),
            .place(
                node: node, placement: Placement(parent: other, name: name("ü")), basedOn: Revision(3)),
            .change(node: node, payload: link, basedOn: Revision(4)),
            .remove(node: node, placementBasedOn: Revision(0), payloadBasedOn: Revision(6)),
        ],
        offers: [fullOffer, bareOffer, emptyOffer])

    static let records = [
        NodeRecord(
            node: node, revision: Revision(8),
            state: NodeState(
                placement: placement, placementRevision: Revision(1), payload: file,
                payloadRevision: Revision(8)),
            device: device, origin: other),
        NodeRecord(node: other, revision: Revision(9), state: nil, device: device),
    ]

    static let agentMessages: [AgentMessage] = [
        .subscribe(Subscription(cursor: nil)),
        .subscribe(
            Subscription(
                cursor: cursor, landmarks: [Landmark(revision: cursor.revision, chain: cursor.chain)],
                unanswered: batchID, isBare: true)), .commit(batch),
        .commit(Batch(id: batchID, operations: [], offers: [])), .applied(Revision(0)),
        .applied(Revision(UInt64(Int64.max))), .ping(1), .pong(.max),
        .audit(3, after: Revision(7), limit: 2000), .leave(isForced: false), .leave(isForced: true),
        .offer([fullOffer, fullOffer]), .offer([]),
    ]

    static let hubMessages: [HubMessage] = [
        .welcome(Welcome(epoch: epoch, head: Revision(12), resumes: false, answers: true, audits: false)),
        .changes(ChangePage(records: records, offers: [fullOffer], through: cursor, reachesHead: true)),
        .changes(ChangePage(records: [], offers: [], through: cursor, reachesHead: false)),
        .committed(
            batchID,
            answers: [
                .accepted(Revision(10)), .stale, .nameTaken(by: other), .parentGone, .nodeGone, .cycle,
                .notEmpty, .refused("no"),
            ], decidedAt: Landmark(revision: Revision(11), chain: cursor.chain)),
        .ping(0), .pong(2), .trouble("full"), .trouble(nil),
        .welcome(Welcome(epoch: epoch, head: Revision(12), resumes: true, answers: false, audits: true)),
        .audited(3, AuditPage(records: records, through: Revision(9), head: cursor)),
        .audited(4, AuditPage(records: [], through: Revision(0), head: cursor)),
        .welcome(
            Welcome(
                epoch: epoch, head: Revision(12), resumes: true, answers: false, audits: true,
                keepsOffers: true)),
        .goodbye(.superseded, "bye"),
    ]

    /// Each is the last message of a connection.
    static let farewells: [HubMessage] = [
        .goodbye(.revoked, ""), .goodbye(.left, "bye"), .goodbye(.needed, "two files"),
    ]

    static let bulkMessages: [BulkMessage] = [
        .wantManifest(request: 1, content: content),
        .manifest(request: 1, first: 0, total: 2, chunks: [reference, reference]),
        .manifest(request: 2, first: 0, total: 0, chunks: []),
        .wantChunks(
            request: 3, content: content, wants: [ChunkWant(index: 1, chunk: reference, offset: 65536)]),
        .wantChunks(request: 3, content: content, wants: []),
        .chunk(request: 3, index: 1, chunk), .chunk(request: .max, index: 0, squeezed),
        .unavailable(request: 3, index: 0, .busy), .unavailable(request: 3, index: nil, .unknown),
        .waiting(request: 3, devices: ["laptop", ""]), .cancel(request: 0),
        .wantManifest(request: 1, content: content, known: content),
        .manifestCopy(request: 1, first: 1, total: 5, start: 0, count: 4),
        .wantChunks(
            request: 3, content: content,
            wants: [ChunkWant(index: 1, chunk: reference, offset: 65536, signature: [0, 0, 0, 1])]),
        .chunkDelta(request: 3, index: 1, chunk), .chunkDelta(request: .max, index: 0, squeezed),
    ]

    static let hellos: [Hello] = [
        Hello(
            version: 1, role: .control, share: "photos", deviceName: "laptop",
            token: Array(repeating: 0xab, count: 16)),
        Hello(version: 1, role: .bulk, share: "ü", deviceName: "", token: nil),
    ]

    static let answer = HelloAnswer(share: share, device: device, heartbeatSeconds: 15)
}

/// The codecs of the three kinds of connection, without the connections.
enum Codec {
    static func frame(_ message: AgentMessage) throws -> [UInt8] {
        var writer = FrameWriter()
        try writer.append(
            .control, encodeMessage(message.wire), limitBytes: WireLimits.controlFrameBytes)
        return writer.bytes
    }

    static func frame(_ message: HubMessage) throws -> [UInt8] {
        var writer = FrameWriter()
        if case .goodbye(let reason, let text) = message {
            try writer.append(
                .goodbye, encodeMessage(Refusal(reason, text).wire),
                limitBytes: WireLimits.admissionFrameBytes)
        } else if let wire = message.wire {
            try writer.append(.control, encodeMessage(wire), limitBytes: WireLimits.controlFrameBytes)
        }
        return writer.bytes
    }

    static func frame(_ message: BulkMessage) throws -> [UInt8] {
        var writer = FrameWriter()
        if case .chunk(let request, let index, let chunk) = message {
            try writer.append(request: request, index: index, chunk)
        } else if let wire = message.wire {
            try writer.append(.bulk, encodeMessage(wire), limitBytes: WireLimits.bulkFrameBytes)
        }
        return writer.bytes
    }

    static func frame(_ hello: Hello) throws -> [UInt8] { try frame(.hello, encodeMessage(hello.wire)) }
    static func frame(_ answer: HelloAnswer) throws -> [UInt8] {
        try frame(.helloAnswer, encodeMessage(answer.wire))
    }

    static func frame(_ kind: FrameKind, _ payload: [UInt8]) throws -> [UInt8] {
        var writer = FrameWriter()
        try writer.append(kind, payload, limitBytes: .max)
        return writer.bytes
    }

    static func agentMessage(_ frame: Frame) throws -> AgentMessage {
        try AgentMessage(wire: decodeMessage(WireAgentMessage.self, frame.payload(of: .control)))
    }

    static func hubMessage(_ frame: Frame) throws -> HubMessage {
        if case .message(.goodbye, let payload) = frame {
            let refusal = try Refusal(wire: decodeMessage(WireRefusal.self, payload))
            return .goodbye(refusal.reason, refusal.text)
        }
        return try HubMessage(wire: decodeMessage(WireHubMessage.self, frame.payload(of: .control)))
    }

    static func bulkMessage(_ frame: Frame) throws -> BulkMessage {
        if case .chunk(let request, let index, let chunk) = frame {
            return .chunk(request: request, index: index, chunk)
        }
        return try BulkMessage(wire: decodeMessage(WireBulkMessage.self, frame.payload(of: .bulk)))
    }

    static func hello(_ frame: Frame) throws -> Hello {
        try Hello(wire: decodeMessage(WireHello.self, frame.payload(of: .hello)))
    }

    static func answer(_ frame: Frame) throws -> HelloAnswer {
        try HelloAnswer(wire: decodeMessage(WireHelloAnswer.self, frame.payload(of: .helloAnswer)))
    }
}
