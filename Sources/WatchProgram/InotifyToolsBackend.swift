// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

internal import CInotifyTools
internal import Glibc

/// The events as libinotifytools pumps them.
///
/// The library is used for the queue alone. Its state is global, so there is one instance in a process;
/// watches are placed on its descriptor directly, since its own tables of names lose track of renames.
final class InotifyToolsBackend: WatchBackend {
    let descriptor: Int32

    /// Call before other descriptors are opened: the library's has to be below 1024.
    init() throws(SystemError) {
        let others = try Self.inotifyDescriptors()
        guard inotifytools_initialize() != 0 else { throw SystemError(number: inotifytools_error()) }
        guard let found = try Self.inotifyDescriptors().subtracting(others).first, found < 1024 else {
            throw SystemError(number: EMFILE)
        }
        // The library leaves it blocking, and open in programs that are started.
        guard fcntl(found, F_SETFD, FD_CLOEXEC) == 0, fcntl(found, F_SETFL, O_NONBLOCK) == 0 else {
            throw SystemError(number: errno)
        }
        descriptor = found
    }

    func add(directory: Int32) throws(SystemError) -> Int32 { try addWatch(descriptor, directory) }

    func remove(_ watch: Int32) { _ = inotify_rm_watch(descriptor, watch) }

    func next() throws(SystemError) -> KernelEvent? {
        while true {
            // A timeout of 0 looks and returns; waiting for more than one event would spin.
            if let event = inotifytools_next_events(0, 1) { return KernelEvent(copying: event) }
            switch inotifytools_error() {
            case 0, EAGAIN: return nil
            case EINTR: continue
            case let number: throw SystemError(number: number)
            }
        }
    }

    /// The process's descriptors of inotify queues. The library keeps its own to itself.
    private static func inotifyDescriptors() throws(SystemError) -> Set<Int32> {
        guard let directory = opendir("/proc/self/fd") else { throw SystemError(number: errno) }
        defer { closedir(directory) }
        var result: Set<Int32> = []
        var target = [CChar](repeating: 0, count: 64)
        while let entry = readdir(directory) {
            let name = entryName(entry)
            guard let number = Int32(String(decoding: name, as: UTF8.self)) else { continue }
            let length = readlink("/proc/self/fd/\(number)", &target, target.count)
            guard length > 0 else { continue }
            let text = String(decoding: target[..<length].map(UInt8.init(bitPattern:)), as: UTF8.self)
            if text == "anon_inode:inotify" || text == "inotify" { result.insert(number) }
        }
        return result
    }
}

/// Watches an open directory through its magic link, which no rename can turn into another directory.
func addWatch(_ queue: Int32, _ directory: Int32) throws(SystemError) -> Int32 {
    let watch = inotify_add_watch(queue, "/proc/self/fd/\(directory)", EventMask.watched.rawValue)
    guard watch >= 0 else { throw SystemError(number: errno) }
    return watch
}

extension KernelEvent {
    /// The name follows the event in memory, padded with zeros.
    init(copying event: UnsafePointer<inotify_event>) {
        let start = UnsafeRawPointer(event) + MemoryLayout<inotify_event>.size
        let padded = UnsafeRawBufferPointer(start: start, count: Int(event.pointee.len))
        self.init(
            watch: event.pointee.wd, mask: EventMask(rawValue: event.pointee.mask),
            cookie: event.pointee.cookie, name: Array(padded.prefix { $0 != 0 }))
    }
}
