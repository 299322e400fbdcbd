// SPDX-License-Identifier: Apache-2.0

import Foundation
import RelayCore
import SwiftProtobuf
import Testing

@testable import RelayWire

/// What breaks a rule is an error, never a value and never a crash.
@Suite struct RejectionTests {
    private func violation(_ body: () throws -> Void) -> Bool {
        do {
            try body()
            return false
        } catch {
            if case .protocolViolation? = error as? WireError { return true }
            return false
        }
    }

    private func rejected(_ change: (inout WireBatch) -> Void) -> Bool {
        var wire = Specimens.batch.wire
        change(&wire)
        return violation { _ = try Batch(wire: wire) }
    }

    private func rejected(_ change: (inout WireChangePage) -> Void) -> Bool {
        var wire = ChangePage(
            records: Specimens.records, offers: [Specimens.fullOffer], through: Specimens.cursor,
            reachesHead: true
        ).wire
        change(&wire)
        return violation { _ = try ChangePage(wire: wire) }
    }

    private func rejected(_ message: BulkMessage, _ change: (inout WireBulkMessage) -> Void) -> Bool {
        guard var wire = message.wire else { return false }
        change(&wire)
        return violation { _ = try BulkMessage(wire: wire) }
    }

    @Test func `ids must have their length`() {
        for length in [0, 15, 17, 32] {
            #expect(rejected { (wire: inout WireBatch) in wire.id = Data(count: length) })
            #expect(
                rejected { (wire: inout WireBatch) in
                    wire.operations[0].create.node = Data(count: length)
                })
        }
        for length in [0, 16, 31, 33] {
            #expect(rejected { (wire: inout WireBatch) in wire.offers[0].content = Data(count: length) })
        }
    }

    @Test func `limbo never comes from outside`() {
        let limbo = NodeID.limbo.wire
        #expect(rejected { (wire: inout WireBatch) in wire.operations[0].create.placement.parent = limbo })
        #expect(rejected { (wire: inout WireBatch) in wire.operations[3].change.node = limbo })
        #expect(rejected { (wire: inout WireChangePage) in wire.records[1].node = limbo })
    }

    @Test func `names must be names of directory entries`() {
        let bad: [[UInt8]] = [
            [], [0x2e], [0x2e, 0x2e], Array("a/b".utf8), [0x61, 0], [UInt8](repeating: 0x61, count: 256),
        ]
        for name in bad {
            #expect(
                rejected { (wire: inout WireBatch) in
                    wire.operations[0].create.placement.name = Data(name)
                })
        }
        var longest = Specimens.batch.wire
        longest.operations[0].create.placement.name = Data(repeating: 0xff, count: 255)
        #expect(throws: Never.self) { try Batch(wire: longest) }
    }

    @Test func `payloads must be possible`() {
        #expect(rejected { (wire: inout WireBatch) in wire.operations[0].create.payload.file.mode = 0o1000 })
        #expect(
            rejected { (wire: inout WireBatch) in
                wire.operations[0].create.payload.file.modifiedNanoseconds = 1_000_000_000
            })
        #expect(
            rejected { (wire: inout WireBatch) in
                wire.operations[0].create.payload.file.sizeBytes = (1 << 44) + 1
            })
        #expect(rejected { (wire: inout WireBatch) in wire.operations[0].create.payload = WirePayload() })
        for target in [[], [0x61, 0], [UInt8](repeating: 0x61, count: 4096)] {
            #expect(
                rejected { (wire: inout WireBatch) in
                    wire.operations[3].change.payload.symlink.target = Data(target)
                })
        }
    }

    @Test func `revisions must fit a database`() {
        #expect(rejected { (wire: inout WireBatch) in wire.operations[2].place.basedOn = 1 << 63 })
        #expect(rejected { (wire: inout WireBatch) in wire.operations[2].place.basedOn = .max - 1 })
        #expect(rejected { (wire: inout WireBatch) in wire.operations[3].change.basedOn = .max })
        #expect(rejected { (wire: inout WireBatch) in wire.operations[4].remove.placementBasedOn = .max })
        #expect(rejected { (wire: inout WireChangePage) in wire.through.revision = .max })
    }

    @Test func `a place may be based on what its batch did before`() throws {
        let operation = RelayCore.Operation.place(
            node: Specimens.node, placement: Specimens.placement, basedOn: .ofThisBatch)
        #expect(try RelayCore.Operation(wire: operation.wire) == operation)
        #expect(try encodeMessage(operation.wire).count + 4 <= operation.estimatedBytes)
    }

    @Test(arguments: [0, 2001, UInt32.max])
    func `an audit asks for as many records as a page may have`(limit: UInt32) {
        var wire = AgentMessage.audit(1, after: Revision(0), limit: 1).wire
        wire.audit.limit = limit
        #expect(throws: WireError.self) { try AgentMessage(wire: wire) }
    }

    @Test func `lists end at their limits`() {
        let operation = Specimens.batch.wire.operations[4]
        let offer = Specimens.bareOffer.wire
        let record = Specimens.records[1].wire
        #expect(
            rejected { (wire: inout WireBatch) in
                wire.operations = Array(repeating: operation, count: Batch.limitOperations + 1)
            })
        #expect(
            rejected { (wire: inout WireBatch) in
                wire.offers = Array(repeating: offer, count: Batch.limitOperations + 1)
            })
        #expect(
            rejected { (wire: inout WireChangePage) in
                wire.records = Array(repeating: record, count: ChangePage.limitRecords + 1)
            })
        let want = ChunkWant(index: 0, chunk: Specimens.reference, offset: 0)
        #expect(
            rejected(.wantChunks(request: 1, content: Specimens.content, wants: [want])) {
                $0.wantChunks.wants = Array(repeating: want.wire, count: ChunkWant.limit + 1)
            })
        #expect(
            rejected(.waiting(request: 1, devices: [])) {
                $0.waiting.devices = Array(repeating: "a", count: 257)
            })
        let references = Array(repeating: Specimens.reference, count: 16385)
        let long = BulkMessage.manifest(request: 1, first: 0, total: 1 << 24, chunks: references)
        #expect(rejected(long) { _ in })
        let offered = Manifest(Array(repeating: Specimens.reference, count: ContentLimits.inlineChunks + 1))
        #expect(rejected { (wire: inout WireBatch) in wire.offers[0].chunks = offered.wire })
    }

    @Test func `lists at their limits are taken and fit a frame`() throws {
        let operations = Array(repeating: Specimens.batch.operations[4], count: Batch.limitOperations)
        let batch = Batch(id: Specimens.batchID, operations: operations, offers: [])
        #expect(try Codec.frame(.commit(batch)).count < WireLimits.controlFrameBytes)
        let wants = (0..<ChunkWant.limit).map {
            ChunkWant(index: UInt32($0), chunk: Specimens.reference, offset: UInt64($0) << 20)
        }
        let message = BulkMessage.wantChunks(request: 1, content: Specimens.content, wants: wants)
        let frame = try #require(try firstFrame(Codec.frame(message), .open(.bulk)))
        #expect(try Codec.bulkMessage(frame) == message)
        let list = Array(repeating: Specimens.reference, count: BulkMessage.limitManifestChunks)
        let part = BulkMessage.manifest(request: 1, first: (1 << 24) - 16384, total: 1 << 24, chunks: list)
        let partFrame = try #require(try firstFrame(Codec.frame(part), .open(.bulk)))
        #expect(try Codec.bulkMessage(partFrame) == part)
        let answers = [OperationAnswer](
            repeating: .refused(String(repeating: "ü", count: 600)), count: Batch.limitOperations)
        let committed = HubMessage.committed(
            Specimens.batchID, answers: answers, decidedAt: Landmark(revision: .zero, chain: .start))
        #expect(try Codec.frame(committed).count < WireLimits.controlFrameBytes)
    }

    @Test func `chunk lists must be whole and of possible chunks`() {
        let message = BulkMessage.manifest(request: 1, first: 0, total: 2, chunks: [Specimens.reference])
        #expect(rejected(message) { $0.manifest.chunks = Data(count: 35) })
        #expect(rejected(message) { $0.manifest.chunks = Data(count: 36) })
        let huge = ChunkReference(id: Specimens.chunkID, sizeBytes: (1 << 20) + 1)
        #expect(rejected(message) { $0.manifest.chunks = Manifest([huge]).wire })
        #expect(rejected(message) { $0.manifest.first = 2 })
        #expect(rejected(message) { $0.manifest.first = .max })
        #expect(rejected(message) { $0.manifest.total = (1 << 24) + 1 })
    }

    @Test func `what is taken from a known chunk list must lie within possible lists`() {
        let message = BulkMessage.manifestCopy(request: 1, first: 1, total: 5, start: 0, count: 4)
        #expect(!rejected(message) { _ in })
        #expect(rejected(message) { $0.manifest.copyCount = 0 })
        #expect(rejected(message) { $0.manifest.copyCount = 5 })
        #expect(rejected(message) { $0.manifest.copyCount = .max })
        #expect(rejected(message) { $0.manifest.copyStart = .max })
        #expect(rejected(message) { $0.manifest.copyStart = (1 << 24) - 3 })
        #expect(rejected(message) { $0.manifest.total = (1 << 24) + 1 })
        #expect(rejected(message) { $0.manifest.chunks = Manifest([Specimens.reference]).wire })
    }

    @Test func `signatures are bounded in size and number`() {
        let longest = [UInt8](repeating: 1, count: ChunkWant.limitSignatureBytes)
        let want = ChunkWant(index: 0, chunk: Specimens.reference, offset: 0, signature: longest)
        let message = BulkMessage.wantChunks(
            request: 1, content: Specimens.content,
            wants: [ChunkWant](repeating: want, count: ChunkWant.limitSignatures))
        #expect(!rejected(message) { _ in })
        #expect(rejected(message) { $0.wantChunks.wants[3].signature.append(1) })
        #expect(rejected(message) { $0.wantChunks.wants.append(want.wire) })
        #expect(
            !rejected(message) {
                $0.wantChunks.wants.append(
                    ChunkWant(index: 0, chunk: Specimens.reference, offset: 0).wire)
            })
    }

    @Test func `a difference keeps to what chunks keep to`() {
        let message = BulkMessage.chunkDelta(request: 1, index: 0, Specimens.chunk)
        #expect(!rejected(message) { _ in })
        #expect(rejected(message) { $0.chunkDelta.encoding = 2 })
        #expect(rejected(message) { $0.chunkDelta.sizeBytes = 0 })
        #expect(rejected(message) { $0.chunkDelta.sizeBytes = (1 << 20) + 1 })
        #expect(rejected(message) { $0.chunkDelta.bytes.append(0) })
        #expect(rejected(message) { $0.chunkDelta.clearIndex() })
    }

    @Test func `wants must lie within a possible content`() {
        let want = ChunkWant(index: 0, chunk: Specimens.reference, offset: 0)
        let message = BulkMessage.wantChunks(request: 1, content: Specimens.content, wants: [want])
        #expect(rejected(message) { $0.wantChunks.wants[0].index = 1 << 24 })
        #expect(rejected(message) { $0.wantChunks.wants[0].offset = .max })
        #expect(rejected(message) { $0.wantChunks.wants[0].offset = (1 << 44) - 4 })
        #expect(rejected(message) { $0.wantChunks.wants[0].sizeBytes = 0 })
    }

    @Test func `inline chunks keep to their own limit`() {
        #expect(
            rejected { (wire: inout WireBatch) in
                wire.offers[0].inline.sizeBytes = 65537
                wire.offers[0].inline.bytes = Data(count: 65537)
            })
        #expect(rejected { (wire: inout WireBatch) in wire.offers[0].inline.sizeBytes = 4 })
        #expect(rejected { (wire: inout WireBatch) in wire.offers[0].inline.encoding = 256 })
        #expect(rejected { (wire: inout WireBatch) in wire.offers[0].inline.encoding = 2 })
        #expect(rejected { (wire: inout WireBatch) in wire.offers[0].inline.bytes = Data() })
    }

    @Test func `kinds that nobody knows are refused`() {
        #expect(violation { _ = try AgentMessage(wire: WireAgentMessage()) })
        #expect(violation { _ = try HubMessage(wire: WireHubMessage()) })
        #expect(violation { _ = try BulkMessage(wire: WireBulkMessage()) })
        #expect(rejected { (wire: inout WireBatch) in wire.operations[0] = WireOperation() })
        var answer = OperationAnswer.stale.wire
        answer.outcome = .UNRECOGNIZED(9)
        #expect(violation { _ = try OperationAnswer(wire: answer) })
    }

    @Test func `hellos must be whole`() {
        func rejected(_ change: (inout WireHello) -> Void) -> Bool {
            var wire = Specimens.hellos[0].wire
            change(&wire)
            return violation { _ = try Hello(wire: wire) }
        }
        #expect(rejected { $0.clearVersion() })
        #expect(rejected { $0.role = .UNRECOGNIZED(3) })
        #expect(rejected { $0.clearRole() })
        #expect(rejected { $0.share = "" })
        #expect(rejected { $0.share = "a\nb" })
        #expect(rejected { $0.share = String(repeating: "a", count: 256) })
        #expect(rejected { $0.deviceName = String(repeating: "a", count: 256) })
        #expect(rejected { $0.token = Data(count: 15) })
        #expect(rejected { $0.token = Data(count: 65) })
    }

    @Test func `another version is refused as such, whatever else is in the hello`() {
        var wire = WireHello()
        wire.version = 2
        wire.share = "\n"
        #expect {
            try Hello(wire: wire)
        } throws: { error in
            guard case .refused(.unsupportedVersion, _)? = error as? WireError else { return false }
            return true
        }
    }

    @Test func `a required field that is missing is an error`() throws {
        // Each top-level field of each message is dropped in turn, by decoding what is left of its bytes.
        for message in Specimens.agentMessages + [.commit(Specimens.batch)] {
            guard case .applied = message else { continue }
            #expect(
                violation {
                    _ = try AgentMessage(wire: WireAgentMessage.with { $0.applied = WireApplied() })
                })
        }
        #expect(rejected { (wire: inout WireBatch) in wire.clearID() })
        #expect(rejected { (wire: inout WireBatch) in wire.operations[0].create.clearPlacement() })
        #expect(rejected { (wire: inout WireBatch) in wire.operations[0].create.clearPayload() })
        #expect(rejected { (wire: inout WireBatch) in wire.operations[2].place.clearBasedOn() })
        #expect(rejected { (wire: inout WireBatch) in wire.operations[4].remove.clearPayloadBasedOn() })
        #expect(rejected { (wire: inout WireChangePage) in wire.clearThrough() })
        #expect(rejected { (wire: inout WireChangePage) in wire.clearReachesHead() })
        #expect(rejected { (wire: inout WireChangePage) in wire.records[0].clearDevice() })
        #expect(rejected { (wire: inout WireChangePage) in wire.records[0].state.clearPayload() })
        #expect(rejected { (wire: inout WireChangePage) in wire.records[0].state.clearPlacementRevision() })
        #expect(rejected(.cancel(request: 1)) { $0.cancel.clearRequest() })
        #expect(rejected(.unavailable(request: 1, index: 1, .busy)) { $0.unavailable.clearReason() })
    }

    @Test func `texts for people are cut when sent and cleaned when received`() throws {
        let long = Refusal(.failure, String(repeating: "ü", count: 5000))
        #expect(long.wire.text.utf8.count == WireLimits.textBytes)
        let rude = try Refusal(wire: Refusal(.failure, "a\u{1b}[2J\u{202e}b").wire)
        #expect(rude.text == "a\u{fffd}[2J\u{fffd}b")
        var tooLong = WireRefusal()
        tooLong.reason = .failure
        tooLong.text = String(repeating: "a", count: 1025)
        #expect(violation { _ = try Refusal(wire: tooLong) })
    }

    @Test func `estimated sizes are upper bounds of encoded ones`() throws {
        let longest = Specimens.name(String(repeating: "n", count: 255))
        let big = Revision(UInt64(Int64.max))
        let file = Payload.file(
            FilePayload(
                content: Specimens.content, sizeBytes: 1 << 44, mode: PermissionBits(0o777),
                modified: Timestamp(seconds: .min, nanoseconds: 999_999_999)))
        for payload in [file, Specimens.directory, .symlink(target: [UInt8](repeating: 1, count: 4095))] {
            let placement = Placement(parent: Specimens.other, name: longest)
            let record = NodeRecord(
                node: Specimens.node, revision: big,
                state: NodeState(
                    placement: placement, placementRevision: big, payload: payload, payloadRevision: big),
                device: Specimens.device, origin: Specimens.other)
            let operations: [RelayCore.Operation] = [
                .create(
                    node: Specimens.node, placement: placement, payload: payload, origin: Specimens.other),
                .place(node: Specimens.node, placement: placement, basedOn: big),
                .change(node: Specimens.node, payload: payload, basedOn: big),
                .remove(node: Specimens.node, placementBasedOn: big, payloadBasedOn: big),
            ]
            // A list's element costs its tag and length besides.
            #expect(try encodeMessage(record.wire).count + 4 <= record.estimatedBytes)
            for operation in operations {
                #expect(try encodeMessage(operation.wire).count + 4 <= operation.estimatedBytes)
            }
        }
        #expect(try encodeMessage(Specimens.records[1].wire).count + 4 <= Specimens.records[1].estimatedBytes)
        let offer = ContentOffer(
            content: Specimens.content,
            manifest: Manifest(Array(repeating: Specimens.reference, count: 64)),
            inline: EncodedChunk(
                encoding: .raw, sizeBytes: 65536, bytes: [UInt8](repeating: 1, count: 65536)))
        #expect(try encodeMessage(offer.wire).count + 4 <= offer.estimatedBytes)
        let bare = Specimens.bareOffer
        #expect(try encodeMessage(bare.wire).count + 4 <= bare.estimatedBytes)
    }
}
