// SPDX-License-Identifier: Apache-2.0

package import RelayCore

/// A hub's index of one share in memory. What was committed is never lost; what was not is lost by a crash.
package final class MemoryShareIndex: ShareIndex {
    private enum Undo {
        case append(NodeID, NodeRecord?)
        case answers(DeviceID, [KeptAnswers])
    }

    private struct KeptAnswers {
        var batch: BatchID
        var answers: [OperationAnswer]
        var decidedAt: Revision
    }

    package let epoch: Epoch
    private var latest: [NodeID: NodeRecord] = [:]
    private var places: [Placement: NodeID] = [:]
    private var childCounts: [NodeID: Int] = [:]
    private var answersByDevice: [DeviceID: [KeptAnswers]] = [:]
    private var journal: [Undo] = []
    /// The chain's value after each revision from 0.
    private var chainValues: [ChainValue] = [.start]
    /// Every version, at the index of its revision less one.
    package private(set) var versions: [NodeRecord] = []
    /// The numbers of all tokens that some version held, with how many versions do.
    private var heldTokens: [UInt32: Int] = [:]
    private var lostTokens: Set<UInt32> = []

    /// How many batches of a device are remembered.
    private static let limitAnswers = 4

    package init(epoch: Epoch) { self.epoch = epoch }

    /// Makes what was done since the last commit durable.
    package func commit() { journal = [] }

    /// Forgets what was done since the last commit.
    package func rollBack() {
        for undo in journal.reversed() {
            switch undo {
            case .append(let node, let before):
                if let token = versions.removeLast().token { heldTokens[token.number, default: 1] -= 1 }
                chainValues.removeLast()
                set(node, before)
            case .answers(let device, let before): answersByDevice[device] = before
            }
        }
        journal = []
    }

    /// Whether some version holds this token.
    func holds(_ token: Token) -> Bool { heldTokens[token.number, default: 0] > 0 }

    /// Whether some live node holds this token.
    func currentlyHolds(_ token: Token) -> Bool { latest.values.contains { $0.token == token } }

    /// Whether some version held this token, be it one that is lost.
    func hasHeld(_ token: Token) -> Bool { holds(token) || lostTokens.contains(token.number) }

    /// What a restored backup does: everything after this revision never was.
    func restore(to revision: Revision) {
        rollBack()
        let kept = Array(versions.prefix(Int(clamping: revision.number)))
        lostTokens.formUnion(heldTokens.keys)
        chainValues = Array(chainValues.prefix(kept.count + 1))
        answersByDevice = answersByDevice.mapValues { $0.filter { $0.decidedAt <= revision } }
        (versions, latest, places, childCounts, heldTokens) = ([], [:], [:], [:], [:])
        for record in kept {
            versions.append(record)
            if let token = record.token { heldTokens[token.number, default: 0] += 1 }
            set(record.node, record)
        }
    }

    package var head: Cursor {
        let revision = versions.count
        return Cursor(
            epoch: epoch, revision: Revision(UInt64(revision)), chain: chainValues[revision])
    }

    package func record(_ node: NodeID) -> NodeRecord? { latest[node] }
    package func child(_ placement: Placement) -> NodeID? { places[placement] }
    package func hasChildren(_ node: NodeID) -> Bool { childCounts[node, default: 0] > 0 }

    /// The live nodes directly beneath one, in no order.
    func children(of node: NodeID) -> [NodeID] { places.filter { $0.key.parent == node }.map(\.value) }

    package func append(_ record: NodeRecord, chain: ChainValue) throws(StateError) {
        guard record.revision == head.revision.next else {
            throw StateError("cannot append revision \(record.revision): head is \(head.revision)")
        }
        journal.append(.append(record.node, latest[record.node]))
        versions.append(record)
        chainValues.append(chain)
        if let token = record.token { heldTokens[token.number, default: 0] += 1 }
        set(record.node, record)
    }

    private func set(_ node: NodeID, _ record: NodeRecord?) {
        if let place = latest[node]?.state?.placement {
            if places[place] == node { places[place] = nil }
            childCounts[place.parent, default: 1] -= 1
        }
        if let place = record?.state?.placement {
            places[place] = node
            childCounts[place.parent, default: 0] += 1
        }
        latest[node] = record
    }

    package func chain(at revision: Revision) -> ChainValue? {
        let index = Int(clamping: revision.number)
        return index < chainValues.count ? chainValues[index] : nil
    }

    package func records(after revision: Revision, limit: Int) -> [NodeRecord] {
        var result: [NodeRecord] = []
        for version in versions.dropFirst(Int(clamping: revision.number)) {
            guard latest[version.node]?.revision == version.revision else { continue }
            result.append(version)
            if result.count == limit { break }
        }
        return result
    }

    package func answers(
        device: DeviceID, batch: BatchID
    ) -> (answers: [OperationAnswer], decidedAt: Revision)? {
        guard let kept = answersByDevice[device]?.first(where: { $0.batch == batch }) else { return nil }
        return (kept.answers, kept.decidedAt)
    }

    package func putAnswers(
        _ answers: [OperationAnswer], decidedAt: Revision, device: DeviceID, batch: BatchID
    ) {
        let before = answersByDevice[device] ?? []
        journal.append(.answers(device, before))
        let kept = KeptAnswers(batch: batch, answers: answers, decidedAt: decidedAt)
        answersByDevice[device] = before.suffix(Self.limitAnswers - 1) + [kept]
    }
}

extension NodeRecord {
    /// The token of the file or link that the record is of.
    var token: Token? {
        switch state?.payload {
        case .file(let file): Token(file.content)
        case .symlink(let target): Token(target: target)
        case .directory, nil: nil
        }
    }
}

extension Payload {
    /// Differs for payloads that differ in more than their token.
    fileprivate var hashSeed: Int {
        switch self {
        case .file(let file): Int(file.mode.rawValue) ^ Int(file.modified.nanoseconds) << 16
        case .directory(let mode): Int(mode.rawValue)
        case .symlink: 0
        }
    }
}

/// A cheap stand-in for the hash chain: different histories give different values.
func simulatedChain(after chain: ChainValue, record: NodeRecord) -> ChainValue {
    var value = chain.raw.first ^ mixed(record.revision.number)
    value = mixed(value ^ record.node.raw.high) ^ record.node.raw.low
    if let state = record.state {
        value = mixed(value ^ state.placement.parent.raw.low)
        for byte in state.placement.name.bytes { value = value &* 31 &+ UInt64(byte) }
        value = mixed(value &+ UInt64(record.token?.number ?? 0) &* 7 &+ 1)
        value = mixed(value ^ UInt64(bitPattern: Int64(state.payload.hashSeed)))
    }
    return ChainValue(Bytes32(value, mixed(value), 1, 1))
}
