// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

internal import CInotifyTools
internal import Glibc

/// The events as the kernel gives them, without libinotifytools: a replacement for `InotifyToolsBackend`,
/// of which a process can hold several.
final class RawInotifyBackend: WatchBackend {
    let descriptor: Int32
    private var buffer = [UInt8](repeating: 0, count: 64 << 10)
    private var start = 0
    private var end = 0

    init() throws(SystemError) {
        descriptor = inotify_init1(Int32(IN_NONBLOCK) | Int32(IN_CLOEXEC))
        guard descriptor >= 0 else { throw SystemError(number: errno) }
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    func add(directory: Int32) throws(SystemError) -> Int32 { try addWatch(descriptor, directory) }

    func remove(_ watch: Int32) { _ = inotify_rm_watch(descriptor, watch) }

    func next() throws(SystemError) -> KernelEvent? {
        while start == end {
            let count = buffer.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
            if count >= 0 {
                (start, end) = (0, count)
                if count == 0 { return nil }
            } else if errno == EAGAIN {
                return nil
            } else if errno != EINTR {
                throw SystemError(number: errno)
            }
        }
        // The kernel writes whole events.
        return buffer.withUnsafeBytes { bytes in
            let header = bytes.loadUnaligned(fromByteOffset: start, as: inotify_event.self)
            let nameStart = start + MemoryLayout<inotify_event>.size
            start = nameStart + Int(header.len)
            return KernelEvent(
                watch: header.wd, mask: EventMask(rawValue: header.mask), cookie: header.cookie,
                name: Array(bytes[nameStart..<start].prefix { $0 != 0 }))
        }
    }
}
