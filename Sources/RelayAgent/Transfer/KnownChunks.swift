// SPDX-License-Identifier: Apache-2.0

import RelayContent
import RelayCore
import RelayFolder

/// Chunks of a content's previous version, in the folder, to which chunks that are to come are told as
/// differences.
struct KnownChunks: Sendable {
    /// A base as it was read.
    struct Read: Sendable {
        var bytes: [UInt8]
        var signature: [UInt8]
    }

    private let source: SourceFile?
    private var places: [Int: LocalPlan.KnownPlace]
    private let pool: BlockingPool

    /// `source`: the file that the plan names, open.
    init(_ plan: LocalPlan, in source: SourceFile?, pool: BlockingPool) {
        self.source = source
        places = source == nil ? [:] : plan.bases
        self.pool = pool
    }

    var isEmpty: Bool { places.isEmpty }

    /// Those of these chunks; what cannot be read has none.
    func read(for indexes: [Int]) async -> [Int: Read] {
        let wanted = indexes.compactMap { index in places[index].map { (index, $0) } }
        guard let source, !wanted.isEmpty else { return [:] }
        return await pool.run {
            var result: [Int: Read] = [:]
            for (index, base) in wanted {
                // What is another by now makes another chunk, which is noticed.
                guard let bytes = try? source.read(at: base.offset, count: base.sizeBytes),
                    let signature = ChunkSignature(of: bytes)
                else { continue }
                result[index] = Read(bytes: bytes, signature: signature.encoded)
            }
            return result
        }
    }

    /// The chunk is to come as it is.
    mutating func remove(_ index: Int) { places[index] = nil }
}
