// SPDX-License-Identifier: Apache-2.0

import Glibc
package import RelayCore
import SystemPackage

extension SharedFolder {
    /// Reads the root's `.relayignore`: bytes that stood in it all at one time. Links are not followed.
    ///
    /// A file that somebody has open for writing is busy, unless the call insists.
    package func readRules(isInsisting: Bool) -> RulesReading {
        let path = RelativePath([.relayIgnore])
        if isClosed { return .failed(.closed(cannot: "read", path)) }
        do throws(Errno) {
            guard let status = try root.statusIfPresent(EntryName.relayIgnore.bytes) else { return .missing }
            guard status.kind == .file else {
                return .failed(Problem(.unsupported, "cannot read \(path): it is not a file"))
            }
            return try stableRules(path, isInsisting: isInsisting)
        } catch {
            return error == .noSuchFileOrDirectory ? .busy : .failed(Problem(error, cannot: "read", path))
        }
    }

    private func stableRules(_ path: RelativePath, isInsisting: Bool) throws(Errno) -> RulesReading {
        let file = try root.open(EntryName.relayIgnore.bytes, O_RDONLY | O_NONBLOCK)
        if !isInsisting, WriterProbe.probe(file) == .present { return .busy }
        let before = try Kernel.status(file).fingerprint
        let now = Timestamp.now()
        guard before.sizeBytes <= UInt64(IgnoreRules.limitBytes) else {
            return .failed(Problem(.unsupported, "cannot read \(path): \(IgnoreRules.Refusal.tooLarge)"))
        }
        let buffer = UnsafeMutableRawBufferPointer.allocate(
            byteCount: max(Int(before.sizeBytes), 1), alignment: 16)
        defer { buffer.deallocate() }
        let whole = UnsafeMutableRawBufferPointer(rebasing: buffer[..<Int(before.sizeBytes)])
        guard try file.read(into: whole, at: 0) == whole.count,
            try Kernel.status(file).fingerprint == before,
            try root.statusIfPresent(EntryName.relayIgnore.bytes)?.identity == before.identity
        else { return .busy }
        let isYoung = ClockGranularity.isYoung(
            changed: before.changed, now: now,
            granularityNanoseconds: fileSystem.clockGranularityNanoseconds)
        return .content(Array(whole), before, trusted: !isYoung)
    }
}
