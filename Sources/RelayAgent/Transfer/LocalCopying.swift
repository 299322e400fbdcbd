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

    /// Copies a file that is said to have the very content; false if it turns out to have not. Each portion
    /// is hashed from the copy, while the memory still holds it. `layout`: the content's, if it is known.
    func copyTwin(_ source: SourceFile, _ layout: ChunkLayout?) async throws(FetchStop) -> Bool {
        var builder = ContentBuilder(after: layout.map { Manifest($0.chunks) })
        let (file, size) = (file, payload.sizeBytes)
        var start: UInt64 = 0
        while start < size {
            if Task.isCancelled { throw .cancelled }
            let at = start
            let current = builder
            // The pool's thread works on the builder while this one waits for it.
            builder = ContentBuilder()
            let next: (builder: ContentBuilder, end: UInt64)? = await tools.pool.run {
                do throws(Problem) {
                    return try Self.copyPortion(of: source, to: file, at: at, size: size, current)
                } catch { return nil }
            }
            guard let next else { return false }
            (builder, start) = next
        }
        Failpoint.twinCopied.reach()
        return builder.finish().content == payload.content
    }

    /// The builder with what was copied, and where that ends; nil if the copy is shorter than it should be.
    private static func copyPortion(
        of source: SourceFile, to file: StageFile, at start: UInt64, size: UInt64, _ builder: ContentBuilder
    ) throws(Problem) -> (builder: ContentBuilder, end: UInt64)? {
        var builder = builder
        // What is a hole in both is as it should be.
        if let data = source.nextData(from: start), data > start,
            let staged = file.nextData(from: start), staged > start
        {
            let end = min(data, staged, size)
            builder.append(zeros: end - start)
            return (builder, end)
        }
        let count = min(size - start, TransferLimits.hashedBytes)
        try file.copy(from: source, at: start, count: count, to: start)
        let bytes = try file.read(at: start, count: Int(count))
        guard bytes.count == Int(count) else { return nil }
        builder.append(bytes)
        return (builder, start + count)
    }

    /// The chunks that the staged file does not have from an earlier attempt. Runs of zeros are none of them:
    /// the file has them, as holes where it can.
    func findMissing(_ layout: ChunkLayout) async throws(FetchStop) -> [Int] {
        let file = file
        var missing: [Int] = []
        var start = 0
        while start < layout.chunks.count {
            if Task.isCancelled { throw .cancelled }
            let first = start
            let found: Result<(missing: [Int], end: Int), Problem> = await tools.pool.run {
                do throws(Problem) {
                    return .success(try Self.missing(of: layout, from: first, in: file))
                } catch { return .failure(error) }
            }
            switch found {
            case .success(let slice):
                missing += slice.missing
                start = slice.end
            case .failure(let problem): throw .problem(problem)
            }
        }
        return missing
    }

    /// Of the chunks from `first` on, until about a slice of bytes was looked at.
    private static func missing(
        of layout: ChunkLayout, from first: Int, in file: StageFile
    ) throws(Problem) -> (missing: [Int], end: Int) {
        var missing: [Int] = []
        var (index, readBytes, data) = (first, UInt64(0), UInt64(0))
        while index < layout.chunks.count, readBytes < TransferLimits.sliceBytes {
            let (chunk, offset) = (layout.chunks[index], layout.offsets[index])
            if data <= offset, let found = file.nextData(from: offset) { data = found }
            let isHole = data >= offset + UInt64(chunk.sizeBytes)
            if chunk == ZeroChunk.reference {
                if !isHole, !holds(chunk, at: offset, in: file) {
                    try file.write([UInt8](repeating: 0, count: Int(chunk.sizeBytes)), at: offset)
                }
            } else if isHole || !holds(chunk, at: offset, in: file) {
                missing.append(index)
            }
            if !isHole { readBytes += UInt64(chunk.sizeBytes) }
            index += 1
        }
        return (missing, index)
    }

    private static func holds(_ chunk: ChunkReference, at offset: UInt64, in file: StageFile) -> Bool {
        guard let bytes = try? file.read(at: offset, count: Int(chunk.sizeBytes)),
            bytes.count == Int(chunk.sizeBytes)
        else { return false }
        return Hashing.chunkID(of: bytes) == chunk.id
    }

    /// Copies what the plan finds in its source; returns the chunks that turned out not to be there.
    func copyPrevious(_ plan: LocalPlan, _ layout: ChunkLayout) async -> [Int] {
        guard let previous = plan.source, !plan.copies.isEmpty else { return plan.copies.map(\.index) }
        guard let source = await Self.open(previous, tools) else { return plan.copies.map(\.index) }
        defer { source.close() }
        let (file, copies, pool) = (file, plan.copies, tools.pool)
        let indexes = copies.map(\.index)
        var missing: [Int] = []
        await withTaskGroup(of: [Int].self) { group in
            var (start, running) = (0, 0)
            while start < copies.count {
                if running == Self.copiers, let found = await group.next() {
                    missing += found
                    running -= 1
                }
                let slice = copies[layout.slice(of: indexes, from: start).indices]
                start = slice.endIndex
                running += 1
                group.addTask {
                    guard !Task.isCancelled else { return slice.map(\.index) }
                    return await pool.run {
                        slice.filter { !Self.copy($0, of: layout, from: source, to: file) }.map(\.index)
                    }
                }
            }
            for await found in group { missing += found }
        }
        return missing.sorted()
    }

    /// Slices that are copied at the same time: one waits for the disk while two are hashed.
    private static let copiers = 3

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

    /// Opens a file of the folder that is said to have bytes of the content.
    static func open(_ source: LocalSource, _ tools: FetchTools) async -> SourceFile? {
        let folder = tools.folder
        return await tools.pool.run { try? folder.openSource(source.path, expecting: source.fingerprint) }
    }
}
