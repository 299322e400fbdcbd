// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

/// What became of reading the root's `.relayignore`.
package enum RulesReading: Hashable, Sendable {
    /// The file did not change while it was read. `trusted` is false when the fingerprint is too young to
    /// tell a later change from it.
    case content([UInt8], Fingerprint, trusted: Bool)
    /// The root was opened, and surely has no entry of that name.
    case missing
    /// It changes while it is read, or somebody has it open for writing.
    case busy
    case failed(Problem)
}
