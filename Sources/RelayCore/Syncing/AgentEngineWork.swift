// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

/// What the agent's engine is told. Completions of folder work arrive in the order in which the work took
/// effect: scans and apply batches run one at a time, in the order in which they were asked for.
package enum AgentInput: Sendable {
    /// The folder was opened and is the one that belongs to this replica. First input, once.
    /// `mayHaveLostWrites`: its file system went down under the agent, as by a power cut, so that it may lack
    /// what was seen in it before. `foldsNames`: its file system takes names that differ in case for one.
    /// `hasFineTimes`: after a look at a file's times, whatever changes it gives it others.
    case opened(
        root: FileIdentity, mayHaveLostWrites: Bool, foldsNames: Bool = false, hasFineTimes: Bool = false)
    case connected
    case disconnected
    case message(HubMessage)
    case hints([Hint])
    /// What became of reading the rules; no scan and no apply was under way meanwhile.
    case rules(RulesReading)
    case scanned([ScanResult])
    case read([ReadResult])
    case staged(node: NodeID, content: ContentID, StageOutcome)
    case applied([ApplyResult])
    /// A holder of wanted content may have come online: waiting stage requests are worth another try.
    case retryStaging
    /// The regular full scan is due, or somebody asked for one.
    case rescan
    /// Removes the node at this path of the remote tree, on behalf of a person (`relay-ctl delete`).
    case remove(RelativePath)
    /// Somebody says that what the folder is held for is meant.
    case confirmHold
    /// Somebody says that what the folder is held for is not meant: the share's state comes back.
    case rejectHold
    /// What a comparison with the disk and the hub found.
    case verified([Difference])
    case tick
}

/// What the agent's engine wants done.
package enum AgentEffect: Hashable, Sendable {
    /// Read the root's `.relayignore`; `isInsisting`: although somebody has it open for writing, as long as
    /// it does not change meanwhile. In one order with scans and apply batches.
    case readRules(isInsisting: Bool)
    /// One at a time: the next scan is asked for after the results of this one.
    case scan([ScanRequest], reading: ReadingWishes)
    /// Any number may be under way; each request is answered once.
    case read([ReadRequest])
    case send(AgentMessage)
    /// Any number may be under way; each request is answered once, unless it is cancelled.
    case stage(StageRequest)
    /// The staged or half-staged file of this node is not wanted any more; there will be no answer.
    case unstage(node: NodeID, content: ContentID)
    /// One at a time: the next batch is asked for after the results of this one. Steps run in order.
    case apply([ApplyAction])
    /// Call with `tick` at this time, if nothing else happened before.
    case wake(Instant)
    /// The engine acts no more until the cause is gone; the text is for people.
    case halted(String)
    case resumed
    /// What the folder may have lost is known, and put right.
    case checkedLosses
}
