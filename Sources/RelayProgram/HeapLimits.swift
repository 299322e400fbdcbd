// SPDX-License-Identifier: Apache-2.0

import CLinux

/// Keeps what the C library's allocator holds back within bounds.
///
/// By default every thread gets an arena of its own, and what passed through one (chunks of a large file,
/// say) stays there: a hub that stored 2 GiB held 30 MiB more than it used.
enum HeapLimits {
    /// To be called before any thread is made.
    static func apply() {
        // Chunks are handed from thread to thread: more arenas would only keep more pieces.
        _ = mallopt(RELAY_M_ARENA_MAX, 2)
        // Pieces larger than any frame or chunk go back to the system at once; a fixed threshold does not
        // grow with what is freed. What frames are made of stays: to get it anew each time costs the kernel
        // more than filling it, as every page is cleared first.
        _ = mallopt(RELAY_M_MMAP_THRESHOLD, 2 << 20)
        _ = mallopt(RELAY_M_TRIM_THRESHOLD, 8 << 20)
    }
}
