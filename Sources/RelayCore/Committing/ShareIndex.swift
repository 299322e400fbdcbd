// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

/// The hub's index of one share: each node's latest record, tombstones, every past version, and the answers
/// to recent batches.
///
/// Owned by one engine. All calls between two commits of the owner are one transaction.
package protocol ShareIndex: AnyObject {
    var epoch: Epoch { get }
    /// The newest revision and the chain's value after it.
    var head: Cursor { get }

    /// The node's latest record, a tombstone included; nil for a node that never was.
    func record(_ node: NodeID) throws(StateError) -> NodeRecord?
    /// The live node at this placement.
    func child(_ placement: Placement) throws(StateError) -> NodeID?
    func hasChildren(_ node: NodeID) throws(StateError) -> Bool

    /// Appends one accepted change: makes the record the node's latest, keeps it as a version, and advances
    /// head to the record's revision and this chain value.
    func append(_ record: NodeRecord, chain: ChainValue) throws(StateError)

    /// The chain's value after a revision from 0 to head; nil if it is not known (any more).
    func chain(at revision: Revision) throws(StateError) -> ChainValue?
    /// The latest records whose revision is after `revision`, in the order of their revisions.
    func records(after revision: Revision, limit: Int) throws(StateError) -> [NodeRecord]

    /// The encoded answers to a batch of this device that was decided before, if it is one of the last few.
    func answers(device: DeviceID, batch: BatchID) throws(StateError) -> (
        answers: [OperationAnswer], decidedAt: Revision
    )?
    func putAnswers(
        _ answers: [OperationAnswer], decidedAt: Revision, device: DeviceID, batch: BatchID
    ) throws(StateError)
}
