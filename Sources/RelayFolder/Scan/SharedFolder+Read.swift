// SPDX-License-Identifier: Apache-2.0

import CLinux
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
        var reader = FileReader(of: self)
        return reader.read(request)
    }
}

/// Reads files that mostly lie in the same few directories, one after the other, as `SharedFolder.read` does.
///
/// For a moment's work. Of a directory that is moved meanwhile nothing counts that the path does not lead to.
package struct FileReader {
    private let folder: SharedFolder
    private var directories: DirectoryCache

    package init(of folder: SharedFolder) {
        self.init(of: folder, opened: DirectoryCache(root: folder.root))
    }

    /// `opened`: directories that are open already.
    init(of folder: SharedFolder, opened: DirectoryCache) {
        self.folder = folder
        directories = opened
    }

    package mutating func read(_ request: ReadRequest) -> ReadResult {
        ReadResult(
            node: request.node, path: request.path,
            outcome: outcome(
                at: request.path, isInsisting: request.isInsisting, after: request.former))
    }

    /// `former`: the chunks of a content that the file's may be much like. `expected`: another file, or
    /// another state of it, is not read but `busy`.
    mutating func outcome(
        at path: RelativePath, isInsisting: Bool, after former: Manifest? = nil,
        expecting expected: Fingerprint? = nil
    ) -> ReadOutcome {
        guard !folder.isClosed else { return .failed(.closed(cannot: "read", path)) }
        guard let name = path.name, !SharedFolder.isOwn(path) else { return .absent }
        do throws(Errno) {
            let parent = try directories.directory(at: path.parent)
            let file = try parent.open(name.bytes, O_RDONLY | O_NONBLOCK)
            return try stableRead(
                file, path, isInsisting: isInsisting, after: former, expecting: expected)
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
        _ file: borrowing Descriptor, _ path: RelativePath, isInsisting: Bool, after former: Manifest?,
        expecting expected: Fingerprint?
    ) throws(Errno) -> ReadOutcome {
        var status = try Kernel.status(file)
        guard status.kind == .file else { return .absent }
        if let expected, status.fingerprint != expected { return .busy }
        var leavesNoTrace = false
        if WriterProbe.probe(file) == .present {
            guard isInsisting else { return .busy }
            try? file.syncContent()
            file.awaitWrite()
            leavesNoTrace = folder.fileSystem.hidesMappedWrites
            status = try Kernel.status(file)
        }
        let before = status.fingerprint
        // A write from here on gets a later time than the fingerprint tells, if that is old by now.
        let now = Timestamp.now()
        let content = try FileReading.describe(
            file, expecting: before, skippingHoles: folder.fileSystem.tellsHoles, after: former)
        guard let content else { return .busy }
        let after = try whatStands(at: path)
        // By its path: another entry may have it, or the directory was moved since it was opened.
        guard after.fingerprint == before else { return .busy }
        let isYoung = ClockGranularity.isYoung(
            changed: before.changed, now: now,
            granularityNanoseconds: folder.fileSystem.clockGranularityNanoseconds)
        return .content(content, before, trusted: !isYoung && !leavesNoTrace)
    }

    /// What the path leads to now, whatever was opened before.
    private func whatStands(at path: RelativePath) throws(Errno) -> EntryStatus {
        let bytes = path.bytes
        if bytes.count <= Kernel.pathLimitBytes {
            return try Kernel.status(folder.root.open(bytes, RELAY_O_PATH))
        }
        guard let name = path.name else { throw .noSuchFileOrDirectory }
        return try folder.root.directory(at: path.parent).status(name.bytes)
    }
}

/// Reads whole files in portions.
enum FileReading {
    private static let portionBytes = 4 << 20
    /// In smaller files it is quicker to read holes than to look for them.
    private static let soughtBytes: UInt64 = 64 << 10

    /// The description of a file's bytes; nil if the file changes while it is read. `skippingHoles`: what the
    /// file system says to be a hole is zeros, and not read. `former`: the chunks of a content that this one
    /// may be much like.
    static func describe(
        _ file: borrowing Descriptor, expecting before: Fingerprint, skippingHoles: Bool,
        after former: Manifest? = nil
    ) throws(Errno) -> ContentDescription? {
        let capacity = Int(min(before.sizeBytes, UInt64(portionBytes)))
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: max(capacity, 1), alignment: 4096)
        defer { buffer.deallocate() }
        var builder = ContentBuilder(after: former)
        var offset: UInt64 = 0
        while offset < before.sizeBytes {
            let seeksData = skippingHoles && before.sizeBytes >= soughtBytes
            let data = seeksData ? file.nextData(from: offset) : nil
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
