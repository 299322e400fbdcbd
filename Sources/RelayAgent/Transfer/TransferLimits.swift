// SPDX-License-Identifier: Apache-2.0

import Glibc
import RelayCore

/// Limits of what is under way between a folder and its hub.
enum TransferLimits {
    /// Bytes of chunks that are asked for and not there yet, over all contents.
    static let windowBytes = 16 << 20
    /// The part of it that one content may take.
    static let windowBytesOfOne = 8 << 20
    /// Bytes of chunks that arrived and are not written yet.
    static let arrivedBytes = 16 << 20
    /// One request's bytes and chunks, at most.
    static let requestBytes = 1 << 20
    static let requestChunks = 64
    /// Contents that are fetched at the same time, those not counted that wait for a device to come online.
    /// Each has a file open: they are fewer where the process may not have many.
    static let contents: Int = {
        let files = sysconf(Int32(_SC_OPEN_MAX))
        return files < 0 ? 128 : min(128, max(4, (files - 48) / 4))
    }()
    /// Contents whose requests stay open at the hub while they wait for a device to come online.
    static let waitingContents = 1024
    /// How long the hub may say nothing at all while something is asked of it.
    static let stallSeconds = 120.0
    /// How often a chunk that arrived wrong or was busy is asked for again.
    static let attempts = 6
    /// Bytes that one hop of local copying or checking takes on.
    static let sliceBytes: UInt64 = 4 << 20
    /// Bytes that are read to be hashed at a time: enough for two threads, and few enough that the allocator
    /// gives the same memory again.
    static let hashedBytes: UInt64 = (2 << 20) - (64 << 10)
    /// Chunks of a file's previous version that are looked up by id.
    static let previousChunks = 1 << 19
    /// Missing chunks of a version, at most, for which bases are looked for in the one before.
    static let bases = ChunkWant.limitSignatures
    /// Requests of the hub that wait to be answered; no more are read above that.
    static let waitingAsks = 4096
    /// Requests of the hub that are answered at the same time.
    static let servings = 4
    /// Bytes and chunks that are read for one request before the next gets its turn.
    static let servingBytes = 512 << 10
    static let servingChunks = 32
    /// Source files that are kept open between two requests.
    static let openSources = 16
    /// How long a source file is kept open without being read from.
    static let idleSource = Duration.seconds(3)
    /// Chunks in one message of a chunk list.
    static let manifestPart = 8192
}
