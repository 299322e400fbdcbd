// SPDX-License-Identifier: Apache-2.0

package import RelayCore

extension SQLiteShareIndex {
    package func answers(device: DeviceID, batch: BatchID) throws(StateError) -> (
        answers: [OperationAnswer], decidedAt: Revision
    )? {
        try database.requireTransaction()
        guard let number = knownNumber(device) else { return nil }
        let statement = try statement(.answers)
        statement.bind(1, number)
        statement.bind(2, batch.raw)
        return try statement.first { row throws(StateError) in
            guard let answers = AnswerCodec.decode(row.bytes(1)) else { throw row.damaged(1) }
            return (answers, Revision(row.bits(0)))
        }
    }

    package func putAnswers(
        _ answers: [OperationAnswer], decidedAt: Revision, device: DeviceID, batch: BatchID
    ) throws(StateError) {
        let number = try number(device)
        let put = try statement(.putAnswers)
        put.bind(1, number)
        put.bind(2, batch.raw)
        put.bind(3, bits: decidedAt.number)
        put.bind(4, AnswerCodec.encode(answers))
        try put.run()
        let forget = try statement(.forgetAnswers)
        forget.bind(1, number)
        forget.bind(2, Int64(Self.keptAnswers))
        try forget.run()
    }

    /// The newest revision that the device said it durably holds; nil when it said nothing yet.
    package func appliedRevision(_ device: DeviceID) throws(StateError) -> Revision? {
        try appliedRevisions().first { $0.device == device }?.revision
    }

    /// What every device that said so durably holds, in the order of the devices' ids.
    package func appliedRevisions() throws(StateError) -> [(device: DeviceID, revision: Revision)] {
        try statement(.allApplied).all { row throws(StateError) in
            (DeviceID(try row.bytes32(0)), Revision(row.bits(1)))
        }
    }

    /// Forgets what a device durably holds that is no member any more.
    package func removeAppliedRevision(_ device: DeviceID) throws(StateError) {
        guard let number = knownNumber(device) else { return }
        let statement = try statement(.removeApplied)
        statement.bind(1, number)
        try statement.run()
    }

    /// Remembers what the device durably holds.
    package func setAppliedRevision(_ device: DeviceID, _ revision: Revision) throws(StateError) {
        let number = try number(device)
        let statement = try statement(.setApplied)
        statement.bind(1, bits: revision.number)
        statement.bind(2, number)
        try statement.run()
    }
}
