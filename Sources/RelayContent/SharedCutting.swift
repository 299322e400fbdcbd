// SPDX-License-Identifier: Apache-2.0

import Dispatch
import RelayCore
import Synchronization

/// Cuts many bytes into chunks and hashes these meanwhile, on two threads: finding where chunks end takes
/// about as long as hashing them, and whoever waits for a large file waits for both.
enum SharedCutting {
    /// Fewer bytes are done sooner by one thread.
    static let leastBytes = 1 << 20

    private struct Work {
        var hasCutter = false
        var ends: [Int] = []
        var ids: [ChunkID?] = []
        /// How many chunks somebody has begun to hash.
        var taken = 0
    }

    /// The chunks whose ends are sure to be found in the bytes.
    static func chunks(of bytes: UnsafeRawBufferPointer) -> [ChunkReference] {
        let work = Mutex(Work())
        let isCut = DispatchSemaphore(value: 0)
        // Both threads only read, and are done before the call is over.
        nonisolated(unsafe) let bytes = bytes
        // Whoever comes first cuts, so that it does not matter when or where the other one runs.
        DispatchQueue.concurrentPerform(iterations: 2) { _ in
            let isCutter = work.withLock { work in
                defer { work.hasCutter = true }
                return !work.hasCutter
            }
            if isCutter {
                cut(bytes) { end in
                    work.withLock { work in
                        work.ends.append(end)
                        work.ids.append(nil)
                    }
                    isCut.signal()
                }
                for _ in 0..<2 { isCut.signal() }
            }
            while true {
                isCut.wait()
                let next: (index: Int, range: Range<Int>)? = work.withLock { work in
                    guard work.taken < work.ends.count else { return nil }
                    defer { work.taken += 1 }
                    let start = work.taken == 0 ? 0 : work.ends[work.taken - 1]
                    return (work.taken, start..<work.ends[work.taken])
                }
                guard let next else { return }
                let id = Hashing.chunkID(of: UnsafeRawBufferPointer(rebasing: bytes[next.range]))
                work.withLock { $0.ids[next.index] = id }
            }
        }
        return work.withLock { work in
            var start = 0
            return zip(work.ends, work.ids).compactMap { end, id in
                defer { start = end }
                return id.map { ChunkReference(id: $0, sizeBytes: UInt32(truncatingIfNeeded: end - start)) }
            }
        }
    }

    /// How many of these chunks the bytes begin with, one behind the other. They are not more than the bytes.
    static func count(of chunks: ArraySlice<ChunkReference>, in bytes: UnsafeRawBufferPointer) -> Int {
        var end = 0
        let ranges = chunks.map { chunk in
            defer { end += Int(chunk.sizeBytes) }
            return end..<end + Int(chunk.sizeBytes)
        }
        let work = Mutex((taken: 0, equal: ranges.count))
        // All threads only read, and are done before the call is over.
        nonisolated(unsafe) let bytes = bytes
        DispatchQueue.concurrentPerform(iterations: end < leastBytes ? 1 : 2) { _ in
            while true {
                let next: Int? = work.withLock { work in
                    // Behind a chunk that is another nothing counts.
                    guard work.taken < work.equal else { return nil }
                    defer { work.taken += 1 }
                    return work.taken
                }
                guard let next else { return }
                let id = Hashing.chunkID(of: UnsafeRawBufferPointer(rebasing: bytes[ranges[next]]))
                if id != chunks[chunks.startIndex + next].id {
                    work.withLock { $0.equal = min($0.equal, next) }
                }
            }
        }
        return work.withLock { $0.equal }
    }

    private static func cut(_ bytes: UnsafeRawBufferPointer, _ note: (Int) -> Void) {
        var start = 0
        while bytes.count - start >= Chunker.maximumBytes {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[start...])
            start += Chunker.firstChunkLength(in: rest, isEnd: true) ?? rest.count
            note(start)
        }
    }
}
