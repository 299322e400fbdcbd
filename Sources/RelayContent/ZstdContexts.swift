// SPDX-License-Identifier: Apache-2.0

internal import CZstd
internal import Synchronization

/// A zstd compression context. Contexts are kept for reuse, since making one costs more than a small chunk.
final class CompressionContext: Sendable {
    // Safe: a context is used by who took it from the pool, and by nobody else until it is given back.
    nonisolated(unsafe) let pointer: OpaquePointer?

    private static let pool = ContextPool<CompressionContext>()

    private init() { pointer = ZSTD_createCCtx() }

    deinit { ZSTD_freeCCtx(pointer) }

    static func withContext<Result>(_ body: (CompressionContext) -> Result) -> Result {
        let context = pool.take() ?? CompressionContext()
        defer { pool.giveBack(context) }
        return body(context)
    }
}

/// A zstd decompression context, kept for reuse as well.
final class DecompressionContext: Sendable {
    // Safe: a context is used by who took it from the pool, and by nobody else until it is given back.
    nonisolated(unsafe) let pointer: OpaquePointer?

    private static let pool = ContextPool<DecompressionContext>()

    private init() { pointer = ZSTD_createDCtx() }

    deinit { ZSTD_freeDCtx(pointer) }

    static func withContext<Result>(_ body: (DecompressionContext) -> Result) -> Result {
        let context = pool.take() ?? DecompressionContext()
        defer { pool.giveBack(context) }
        return body(context)
    }
}

/// Contexts that nobody uses at the moment.
private final class ContextPool<Context: Sendable>: Sendable {
    /// The most that are kept; about 200 KiB each.
    private let limit = 16
    private let idle = Mutex<[Context]>([])

    func take() -> Context? { idle.withLock { $0.popLast() } }

    func giveBack(_ context: Context) {
        idle.withLock { if $0.count < limit { $0.append(context) } }
    }
}
