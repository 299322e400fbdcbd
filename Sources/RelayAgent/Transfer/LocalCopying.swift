// SPDX-License-Identifier: Apache-2.0

import RelayContent
import RelayCore
import RelayFolder

/// Fills a staged file from what the folder has already. Nothing is taken on trust: all bytes are hashed.
///
/// Works slice by slice, so that a cancelled task ends soon and others get their turn.
struct LocalCopying: Sendable {
    let tools: FetchTools
    let payload: FilePayload
    let file: StageFile

    /// Copies a file that is said to have the very content; false if it turns out to have not.
    func copyTwin(_ twin: LocalSource) async throws(FetchStop) -> Bool {
        guard twin.fingerprint.sizeBytes == payload.sizeBytes, let source = await open(twin) else {
            return false
        }
        defer { source.close() }
        let (file, size) = (file, payload.sizeBytes)
        var start: UInt64 = 0
        while start < size {
            if Task.isCancelled { throw .cancelled }
            let (at, count) = (start, min(size - start, TransferLimits.sliceBytes * 4))
            let isCopied = await tools.pool.run {
                do throws(Problem) {
                    try file.copy(from: source, at: at, count: count, to: at)
                    return true
                } catch { return false }
            }
            guard isCopied else { return false }
            start += count
        }
        return try await hashStaged() == payload.content
    }

    /// The content that the staged file has.
    private func hashStaged() async throws(FetchStop) -> ContentID? {
        var builder = ContentBuilder()
        let (file, size) = (file, payload.sizeBytes)
        var start: UInt64 = 0
        while start < size {
            if Task.isCancelled { throw .cancelled }
            let (at, count) = (start, min(size - start, TransferLimits.sliceBytes))
            let current = builder
            // The pool's thread works on the builder while this one waits for it.
            builder = ContentBuilder()
            let next: ContentBuilder? = await tools.pool.run {
                var builder = current
                do throws(Problem) {
                    builder.append(try file.read(at: at, count: Int(count)))
                    return builder
                } catch { return nil }
            }
            guard let next else { return nil }
            builder = next
            start += count
        }
        return builder.finish().content
    }

    /// The chunks that the staged file does not have from an earlier attempt.
    func findMissing(_ layout: ChunkLayout) async throws(FetchStop) -> [Int] {
        let all = Array(layout.chunks.indices)
        let file = file
        var missing: [Int] = []
        var start = 0
        while start < all.count {
            if Task.isCancelled { throw .cancelled }
            let slice = layout.slice(of: all, from: start)
            start = slice.endIndex
            missing += await tools.pool.run {
                slice.filter { !Self.holds($0, of: layout, in: file) }
            }
        }
        return missing
    }

    private static func holds(_ index: Int, of layout: ChunkLayout, in file: StageFile) -> Bool {
        let chunk = layout.chunks[index]
        guard let bytes = try? file.read(at: layout.offsets[index], count: Int(chunk.sizeBytes)),
            bytes.count == Int(chunk.sizeBytes)
        else { return false }
        return Hashing.chunkID(of: bytes) == chunk.id
    }

    /// Copies what the plan finds in its source; returns the chunks that turned out not to be there.
    func copyPrevious(_ plan: LocalPlan, _ layout: ChunkLayout) async -> [Int] {
        guard let previous = plan.source, !plan.copies.isEmpty else { return plan.copies.map(\.index) }
        guard let source = await open(previous) else { return plan.copies.map(\.index) }
        defer { source.close() }
        let (file, copies) = (file, plan.copies)
        let indexes = copies.map(\.index)
        var missing: [Int] = []
        var start = 0
        while start < copies.count {
            let slice = copies[layout.slice(of: indexes, from: start).indices]
            start = slice.endIndex
            guard !Task.isCancelled else {
                missing += slice.map(\.index)
                continue
            }
            missing += await tools.pool.run {
                slice.filter { !Self.copy($0, of: layout, from: source, to: file) }.map(\.index)
            }
        }
        return missing
    }

    private static func copy(
        _ copy: LocalPlan.Copy, of layout: ChunkLayout, from source: SourceFile, to file: StageFile
    ) -> Bool {
        let chunk = layout.chunks[copy.index]
        guard let bytes = try? source.read(at: copy.sourceOffset, count: Int(chunk.sizeBytes)),
            bytes.count == Int(chunk.sizeBytes), Hashing.chunkID(of: bytes) == chunk.id
        else { return false }
        do {
            try file.write(bytes, at: layout.offsets[copy.index])
            return true
        } catch {
            // The hub's bytes will meet the same trouble, and that is reported.
            return false
        }
    }

    private func open(_ source: LocalSource) async -> SourceFile? {
        let folder = tools.folder
        return await tools.pool.run { try? folder.openSource(source.path, expecting: source.fingerprint) }
    }
}
