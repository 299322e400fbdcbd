// SPDX-License-Identifier: Apache-2.0

import RelayCore

/// One agent's file system: inodes whose numbers are used again, and stamps that a coarse clock may repeat.
///
/// Users and the agent's folder work on it alike. What happens is reported to the watch, as by the kernel.
final class SimulatedDisk {
    /// Inodes by their number; the root is `rootInode`.
    var inodes: [Inode]
    var freeNumbers: [Int] = []
    var watch = SimulatedWatch()
    /// Virtual milliseconds, set before each use.
    var now: Int64 = 10_000
    /// How far this machine's clock is off.
    let skewSeconds: Int64
    /// The step of the clock that stamps files; 0: no two stamps are equal.
    let granularity: Int64
    /// Whether names that differ in case are one.
    let foldsNames: Bool
    private var stamps: UInt32 = 0
    private var serials: UInt64 = 0
    /// Names that files were taken away from by renames since the round began.
    private var vacated: Set<Vacancy> = []

    private struct Vacancy: Hashable {
        var directory: UInt64
        var name: EntryName
    }

    static let rootInode = 0
    /// A directory of the same file system that is not shared.
    static let outsideInode = 1
    /// The agent's own directory for entries that were displaced while somebody had them open.
    static let parkInode = 2

    init(skewSeconds: Int64 = 0, granularity: Int64 = 0, foldsNames: Bool = false) {
        self.skewSeconds = skewSeconds
        self.granularity = granularity
        self.foldsNames = foldsNames
        inodes = []
        let born = stamp()
        inodes = (0...2).map { number in
            var inode = Inode(kind: .directory, token: .empty, mode: 0o755, born: born, serial: 0)
            inode.parent = number
            return inode
        }
    }

    struct Inode {
        var kind: NodeKind
        var token: Token
        var mode: UInt16
        var born: Timestamp
        var modified: Timestamp
        var changed: Timestamp
        /// Names that lead here.
        var links = 0
        /// The directory of the name; the root's is the root.
        var parent = 0
        var entries: [Entry] = []
        /// Open descriptors that write.
        var writers = 0
        /// Whether the user, knowing that it is open, took its last name away: what is written later is gone.
        var isGivenUp = false
        /// For a directory: whether events in it are seen.
        var isWatched = false
        /// What the medium holds while what was written is not there yet, and when it was written.
        var unwritten: (token: Token, at: Int64)?
        /// What a power cut took.
        var lost: Token?
        /// Whether the user put it in another file's place since it was written, be that there or moved away:
        /// of two that were known by their names, nobody can tell then which one a power cut took back.
        var isPutInPlace = false
        /// Never used again, unlike the number.
        var serial: UInt64

        init(kind: NodeKind, token: Token, mode: UInt16, born: Timestamp, serial: UInt64) {
            self.kind = kind
            self.token = token
            self.mode = mode
            self.born = born
            self.serial = serial
            modified = born
            changed = born
        }
    }

    struct Entry {
        var name: EntryName
        var inode: Int
    }

    // Clocks.

    /// The time by this machine's clock, for people.
    var wallClock: Timestamp { timestamp(now, nanoseconds: 0) }

    /// The stamp that a change made now gets.
    func stamp() -> Timestamp {
        guard granularity > 0 else {
            stamps += 1
            return timestamp(now, nanoseconds: stamps % 1_000_000)
        }
        return timestamp(now - now % granularity, nanoseconds: 0)
    }

    /// Whether a change from now on would get another stamp than this one, as far as `margin` tells.
    func isOld(_ fingerprint: Fingerprint, margin: Int64) -> Bool {
        let bound = timestamp(now - margin, nanoseconds: 0)
        return granularity == 0 || fingerprint.changed < bound
    }

    private func timestamp(_ milliseconds: Int64, nanoseconds: UInt32) -> Timestamp {
        Timestamp(
            seconds: 1_700_000_000 + skewSeconds + milliseconds / 1000,
            nanoseconds: UInt32(milliseconds % 1000) * 1_000_000 + nanoseconds)
    }

    /// What a power cut does: of some files that users wrote within the last half minute the medium has what
    /// they held before. Their stamps do not tell. `takes` decides for each; returns what was taken, and
    /// whether it was in its own place.
    func cutPower(takes: () -> Bool) -> [(token: Token, isInPlace: Bool)] {
        var taken: [(token: Token, isInPlace: Bool)] = []
        for index in inodes.indices {
            guard let unwritten = inodes[index].unwritten else { continue }
            inodes[index].unwritten = nil
            guard inodes[index].links > 0, inodes[index].writers == 0, unwritten.at + 30_000 > now, takes()
            else { continue }
            let token = inodes[index].token
            taken.append((token, !inodes[index].isPutInPlace))
            inodes[index].lost = token
            inodes[index].token = unwritten.token
        }
        return taken
    }

    func forgetLosses() {
        for index in inodes.indices { inodes[index].lost = nil }
        vacated = []
    }

    func vacate(_ name: EntryName, in directory: Int) {
        vacated.insert(Vacancy(directory: inodes[directory].serial, name: name))
    }

    func isVacated(_ name: EntryName, in directory: Int) -> Bool {
        vacated.contains(Vacancy(directory: inodes[directory].serial, name: name))
    }

    // Looking.

    /// The inode of a path; links are not followed. Nil if there is none.
    func find(_ path: RelativePath) -> Int? {
        var current = Self.rootInode
        for name in path.components {
            guard inodes[current].kind == .directory, let next = child(name, of: current) else { return nil }
            current = next
        }
        return current
    }

    /// The directory that a path's last name stands in; nil if it is not there.
    func findParent(_ path: RelativePath) -> Int? {
        guard let parent = find(path.parent), inodes[parent].kind == .directory else { return nil }
        return parent
    }

    func child(_ name: EntryName, of directory: Int) -> Int? {
        index(of: name, in: directory).map { inodes[directory].entries[$0].inode }
    }

    /// The name that a directory lists for what `name` leads to; nil if nothing is there.
    func spelling(of name: EntryName, in directory: Int) -> EntryName? {
        index(of: name, in: directory).map { inodes[directory].entries[$0].name }
    }

    func index(of name: EntryName, in directory: Int) -> Int? {
        for (index, entry) in inodes[directory].entries.enumerated() where entry.name == name { return index }
        guard foldsNames else { return nil }
        return inodes[directory].entries.firstIndex { $0.name.isSpelled(like: name) }
    }

    /// The path of an inode that has a name.
    func path(of inode: Int) -> RelativePath? {
        var names: [EntryName] = []
        var current = inode
        while current != Self.rootInode {
            let parent = inodes[current].parent
            guard parent != current, inodes[current].links > 0,
                let entry = inodes[parent].entries.first(where: { $0.inode == current })
            else { return nil }
            names.append(entry.name)
            current = parent
        }
        return RelativePath(names.reversed())
    }

    func identity(_ inode: Int) -> FileIdentity {
        FileIdentity(device: 1, inode: UInt64(inode) + 2, born: inodes[inode].born)
    }

    func fingerprint(_ inode: Int) -> Fingerprint {
        let it = inodes[inode]
        let size = it.kind == .directory ? 4096 : UInt64(it.token.sizeBytes)
        return Fingerprint(
            identity: identity(inode), sizeBytes: size, modified: it.modified, changed: it.changed,
            mode: it.mode)
    }

    /// Whether `inode` is `ancestor` or lies beneath it.
    func isWithin(_ inode: Int, _ ancestor: Int) -> Bool {
        var current = inode
        while current != ancestor {
            let parent = inodes[current].parent
            guard parent != current else { return false }
            current = parent
        }
        return true
    }

    /// All paths, the root left out, parents first, in the order of their names.
    func walk(_ start: Int = SimulatedDisk.rootInode, _ path: RelativePath = .root) -> [(
        path: RelativePath, inode: Int
    )] {
        var result: [(path: RelativePath, inode: Int)] = []
        for entry in inodes[start].entries.sorted(by: { $0.name < $1.name }) {
            let child = path.appending(entry.name)
            result.append((child, entry.inode))
            if inodes[entry.inode].kind == .directory { result += walk(entry.inode, child) }
        }
        return result
    }

    /// The files and links at and beneath an inode.
    func leaves(_ inode: Int) -> [Int] {
        guard inodes[inode].kind == .directory else { return [inode] }
        return inodes[inode].entries.flatMap { leaves($0.inode) }
    }

    // Changing, without a report to the watch.

    func allocate(_ kind: NodeKind, token: Token, mode: UInt16) -> Int {
        serials += 1
        let fresh = Inode(kind: kind, token: token, mode: mode, born: stamp(), serial: serials)
        if let number = freeNumbers.popLast() {
            inodes[number] = fresh
            return number
        }
        inodes.append(fresh)
        return inodes.count - 1
    }

    func link(_ inode: Int, _ name: EntryName, in directory: Int) {
        inodes[directory].entries.append(Entry(name: name, inode: inode))
        inodes[inode].links += 1
        inodes[inode].parent = directory
        touchDirectory(directory)
    }

    /// Takes a name away; the inode goes when nothing holds it any more.
    func unlink(_ name: EntryName, in directory: Int) {
        guard let index = index(of: name, in: directory) else { return }
        let inode = inodes[directory].entries.remove(at: index).inode
        touchDirectory(directory)
        inodes[inode].links -= 1
        inodes[inode].changed = stamp()
        free(inode)
    }

    /// Gives the number back if the inode has neither a name nor a writer.
    func free(_ inode: Int) {
        guard inodes[inode].links == 0, inodes[inode].writers == 0 else { return }
        inodes[inode].serial = 0
        inodes[inode].isWatched = false
        freeNumbers.append(inode)
    }

    /// Moves a name that is there to a place that is free.
    func relink(_ name: EntryName, in directory: Int, to newName: EntryName, in newDirectory: Int) {
        guard let index = index(of: name, in: directory) else { return }
        let inode = inodes[directory].entries.remove(at: index).inode
        inodes[newDirectory].entries.append(Entry(name: newName, inode: inode))
        inodes[inode].parent = newDirectory
        inodes[inode].changed = stamp()
        touchDirectory(directory)
        touchDirectory(newDirectory)
    }

    private func touchDirectory(_ inode: Int) {
        let time = stamp()
        inodes[inode].modified = time
        inodes[inode].changed = time
    }
}
