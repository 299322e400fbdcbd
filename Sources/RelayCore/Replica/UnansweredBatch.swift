// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

/// A batch whose answer an agent waits for, without the contents that went with it.
///
/// The one piece of work under way that an agent keeps: what the hub made of it cannot be seen in the folder,
/// and guessing would take an own change for somebody else's.
package struct UnansweredBatch: Hashable, Sendable {
    package var id: BatchID
    package var operations: [Operation]

    package init(id: BatchID, operations: [Operation]) {
        self.id = id
        self.operations = operations
    }
}
