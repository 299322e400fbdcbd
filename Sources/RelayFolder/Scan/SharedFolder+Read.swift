// SPDX-License-Identifier: Apache-2.0

import Glibc
import RelayContent
package import RelayCore
import SystemPackage

extension SharedFolder {
    /// Reads a file, cuts it into chunks and hashes them: bytes that stood in the file all at one time.
    ///
    /// The file is looked at before and after, by descriptor and by path; whatever changed meanwhile is
    /// `busy`. A file that somebody has open for writing is busy too, unless the request insists. Then writes
    /// under way are waited for, and pages are written out first, so that every later store through a mapping
    /// shows in its times; where the file system keeps no such trace, the result is not trusted.
    package func read(_ request: ReadRequest) -> ReadResult {
        ReadResult(node: request.node, path: request.path, outcome: readOutcome(request))
    }

    private func readOutcome(_ request: ReadRequest) -> ReadOutcome {
        let path = request.path
        guard !isClosed else { return .failed(.closed(cannot: "read", path)) }
        guard let name = path.name, !Self.isOwn(path) else { return .absent }
        do throws(Errno) {
            let parent = try root.directory(at: path.parent)
            let file = try parent.open(name.bytes, O_RDONLY | O_NONBLOCK)
            return try stableRead(file, name, in: parent, isInsisting: request.isInsisting)
        } catch {
            switch error {
            case .wouldBlock, .textFileBusy: return .busy
            // A socket.
            case .noSuchAddressOrDevice: return .absent
            default: return error.isAbsence ? .absent : .failed(Problem(error, cannot: "read", path))
            }
        }
    }

    private func stableRead(
        _ file: borrowing Descriptor, _ name: EntryName, in parent: Directory, isInsisting: Bool
    ) throws(Errno) -> ReadOutcome {
        guard try Kernel.status(file).kind == .file else { return .absent }
        var leavesNoTrace = false
        if WriterProbe.probe(file) == .present {
            guard isInsisting else { return .busy }
            try? file.syncContent()
            file.awaitWrite()
            leavesNoTrace = fileSystem.hidesMappedWrites
        }
        let before = try Kernel.status(file).fingerprint
        // A write from here on gets a later time than the fingerprint tells, if that is old by now.
        let now = Timestamp.now()
        let content = try FileReading.describe(
            file, expecting: before, skippingHoles: fileSystem.tellsHoles)
        guard let content else { return .busy }
        guard try Kernel.status(file).fingerprint == before,
            let status = try parent.statusIfPresent(name.bytes), status.identity == before.identity
        else { return .busy }
        let isYoung = ClockGranularity.isYoung(
            changed: before.changed, now: now,
            granularityNanoseconds: fileSystem.clockGranularityNanoseconds)
        return .content(content, before, trusted: !isYoung && !leavesNoTrace)
    }
}

/// Reads whole files in portions.
enum FileReading {
    private static let portionBytes = 1 << 20

    /// The description of a file's bytes; nil if the file changes while it is read. `skippingHoles`: what the
    /// file system says to be a hole is zeros, and not read.
    static func describe(
        _ file: borrowing Descriptor, expecting before: Fingerprint, skippingHoles: Bool
    ) throws(Errno) -> ContentDescription? {
        let capacity = Int(min(before.sizeBytes, UInt64(portionBytes)))
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: max(capacity, 1), alignment: 4096)
        defer { buffer.deallocate() }
        var builder = ContentBuilder()
        var offset: UInt64 = 0
        while offset < before.sizeBytes {
            let data = skippingHoles ? file.nextData(from: offset) : nil
            if let data, data > offset {
                let end = min(data, before.sizeBytes)
                builder.append(zeros: end - offset)
                offset = end
                continue
            }
            let wanted = Int(min(before.sizeBytes - offset, UInt64(capacity)))
            let portion = UnsafeMutableRawBufferPointer(rebasing: buffer[..<wanted])
            guard try file.read(into: portion, at: offset) == wanted else { return nil }
            if Self.isZeros(portion) {
                builder.append(zeros: UInt64(wanted))
            } else {
                builder.append(UnsafeRawBufferPointer(portion))
            }
            offset += UInt64(wanted)
            // What has changed already need not be read to its end.
            if offset < before.sizeBytes, try Kernel.status(file).fingerprint != before { return nil }
        }
        return builder.finish()
    }

    private static func isZeros(_ bytes: UnsafeMutableRawBufferPointer) -> Bool {
        guard let start = bytes.baseAddress, bytes.first == 0 else { return false }
        return memcmp(start, start + 1, bytes.count - 1) == 0
    }
}
