// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

internal import CInotifyTools
internal import Glibc

/// One event of the kernel, copied.
struct KernelEvent: Hashable {
    /// The watch that it belongs to; -1 for an overflow.
    var watch: Int32
    /// `IN_…` bits.
    var mask: EventMask
    /// Common to the two halves of a rename, else 0.
    var cookie: UInt32
    /// The entry's name; empty when the event is about the watched directory itself.
    var name: [UInt8]
}

/// The bits of an event.
struct EventMask: OptionSet, Hashable {
    let rawValue: UInt32
    init(rawValue: UInt32) { self.rawValue = rawValue }
    private init(_ bits: Int32) { rawValue = UInt32(bitPattern: bits) }

    static let create = EventMask(IN_CREATE)
    static let delete = EventMask(IN_DELETE)
    static let movedFrom = EventMask(IN_MOVED_FROM)
    static let movedTo = EventMask(IN_MOVED_TO)
    static let closeWrite = EventMask(IN_CLOSE_WRITE)
    static let modify = EventMask(IN_MODIFY)
    static let attributes = EventMask(IN_ATTRIB)
    static let deleteSelf = EventMask(IN_DELETE_SELF)
    static let moveSelf = EventMask(IN_MOVE_SELF)
    static let unmount = EventMask(IN_UNMOUNT)
    static let overflow = EventMask(IN_Q_OVERFLOW)
    static let ignored = EventMask(IN_IGNORED)
    static let directory = EventMask(IN_ISDIR)

    /// What each directory is watched for. Symbolic links need no bit: a directory is watched by a
    /// descriptor that was opened without following any.
    static let watched: EventMask = [
        .create, .delete, .movedFrom, .movedTo, .closeWrite, .modify, .attributes, .deleteSelf, .moveSelf,
        EventMask(IN_ONLYDIR), EventMask(IN_EXCL_UNLINK),
    ]
}

/// The source of events: one queue of the kernel. The owner calls it from one thread.
protocol WatchBackend {
    /// Readable when events may be waiting.
    var descriptor: Int32 { get }

    /// Watches the open directory, and gives its watch. A directory that is watched already keeps its watch.
    func add(directory: Int32) throws(SystemError) -> Int32

    /// Removes a watch; one that the kernel has removed already is fine.
    func remove(_ watch: Int32)

    /// The next event; nil when none waits. Never blocks.
    func next() throws(SystemError) -> KernelEvent?
}

/// A failed system call's `errno`.
struct SystemError: Error, Hashable, CustomStringConvertible {
    let number: Int32

    var description: String { String(cString: strerror(number)) }

    /// A limit was reached that others may free again: watches, descriptors, memory.
    var isLimit: Bool { [ENOSPC, EMFILE, ENFILE, ENOMEM].contains(number) }
    /// Something else is where something was expected.
    static let absence = SystemError(number: ENOENT)

    /// What was to be opened is not there, or is no directory.
    var isAbsence: Bool { [ENOENT, ENOTDIR, ELOOP].contains(number) }
}
