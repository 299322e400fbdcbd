// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// A file that several threads use and one may close: it is closed when the last call under way is done.
final class OpenFile: Sendable {
    /// A file that is lent to a call, and stays open as long.
    final class Lent: Sendable {
        let descriptor: Descriptor
        fileprivate init(_ descriptor: consuming Descriptor) { self.descriptor = descriptor }
    }

    private let lent: Mutex<Lent?>

    init(_ descriptor: consuming Descriptor) { lent = Mutex(Lent(descriptor)) }

    /// Nil once the file was closed.
    func lend() -> Lent? { lent.withLock { $0 } }

    func close() { lent.withLock { $0 = nil } }
}
