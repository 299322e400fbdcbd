// SPDX-License-Identifier: Apache-2.0

import RelayCore

/// Told of every change that a user makes, before it takes effect.
protocol DiskWitness: AnyObject {
    /// The user is about to destroy what a file or link holds.
    func userDestroys(_ token: Token, on disk: SimulatedDisk)
    /// The user touches a file or link in another way: moves it, or what it lies in, or its metadata.
    func userTouches(_ token: Token, on disk: SimulatedDisk)
    /// The user puts what a power cut left of this token in the place of another file.
    func userMisplaces(_ token: Token, on disk: SimulatedDisk)
    /// The user writes this token.
    func userWrites(_ token: Token, on disk: SimulatedDisk)
}

/// What a user's programs can do, each like the system call of that name. False or nil: it failed.
extension SimulatedDisk {
    /// Opens for writing; makes the file if it is not there.
    func open(_ path: RelativePath, mode: UInt16) -> Int? {
        guard let name = path.name, let parent = findParent(path) else { return nil }
        if let inode = child(name, of: parent) {
            guard inodes[inode].kind == .file else { return nil }
            inodes[inode].writers += 1
            return inode
        }
        let inode = allocate(.file, token: .empty, mode: mode)
        link(inode, name, in: parent)
        inodes[inode].writers += 1
        report(name, in: parent, writing: true)
        return inode
    }

    /// Replaces what an open file holds.
    func write(_ inode: Int, _ token: Token, _ witness: any DiskWitness) {
        if !inodes[inode].isGivenUp {
            if inodes[inode].token != token { witness.userDestroys(inodes[inode].token, on: self) }
            if let lost = inodes[inode].lost { witness.userDestroys(lost, on: self) }
            witness.userWrites(token, on: self)
        }
        inodes[inode].lost = nil
        inodes[inode].isPutInPlace = false
        if inodes[inode].unwritten == nil { inodes[inode].unwritten = (inodes[inode].token, now) }
        inodes[inode].unwritten?.at = now
        inodes[inode].token = token
        let time = stamp()
        inodes[inode].modified = time
        inodes[inode].changed = time
        reportFile(inode, writing: true)
    }

    func close(_ inode: Int) {
        inodes[inode].writers -= 1
        reportFile(inode, writing: false)
        free(inode)
    }

    private func reportFile(_ inode: Int, writing: Bool) {
        guard inodes[inode].links > 0 else { return }
        let parent = inodes[inode].parent
        guard let entry = inodes[parent].entries.first(where: { $0.inode == inode }) else { return }
        report(entry.name, in: parent, writing: writing)
    }

    @discardableResult
    func makeDirectory(_ path: RelativePath, mode: UInt16) -> Int? {
        guard let name = path.name, let parent = findParent(path), child(name, of: parent) == nil else {
            return nil
        }
        let inode = allocate(.directory, token: .empty, mode: mode)
        link(inode, name, in: parent)
        reportArrival(inode, name, in: parent)
        return inode
    }

    @discardableResult
    func makeSymlink(_ path: RelativePath, _ token: Token, _ witness: any DiskWitness) -> Bool {
        guard let name = path.name, let parent = findParent(path), child(name, of: parent) == nil else {
            return false
        }
        witness.userWrites(token, on: self)
        let inode = allocate(.symlink, token: token, mode: 0o777)
        link(inode, name, in: parent)
        report(name, in: parent)
        return true
    }

    @discardableResult
    func remove(_ path: RelativePath, _ witness: any DiskWitness) -> Bool {
        guard let name = path.name, let parent = findParent(path), let inode = child(name, of: parent),
            inodes[inode].kind != .directory
        else { return false }
        giveUp(inode, witness)
        unlink(name, in: parent)
        reportDeletion(name, in: parent)
        return true
    }

    /// The user puts a file where another one was.
    private func putInPlace(_ inode: Int, _ witness: any DiskWitness) {
        inodes[inode].isPutInPlace = true
        if let lost = inodes[inode].lost { witness.userMisplaces(lost, on: self) }
    }

    /// The user takes a name away.
    private func giveUp(_ inode: Int, _ witness: any DiskWitness) {
        guard inodes[inode].links == 1 else { return }
        inodes[inode].isGivenUp = true
        if let lost = inodes[inode].lost { witness.userDestroys(lost, on: self) }
        witness.userDestroys(inodes[inode].token, on: self)
    }

    @discardableResult
    func removeDirectory(_ path: RelativePath) -> Bool {
        guard let name = path.name, let parent = findParent(path), let inode = child(name, of: parent),
            inodes[inode].kind == .directory, inodes[inode].entries.isEmpty
        else { return false }
        unlink(name, in: parent)
        reportDeletion(name, in: parent)
        return true
    }

    /// Renames, over a file or an empty directory if one is there.
    @discardableResult
    func rename(_ from: RelativePath, _ to: RelativePath, _ witness: any DiskWitness) -> Bool {
        guard let name = from.name, let parent = findParent(from), let inode = child(name, of: parent),
            let wanted = to.name, let newParent = findParent(to), !isWithin(newParent, inode)
        else { return false }
        var newName = wanted
        if let victim = child(wanted, of: newParent), victim != inode || wanted == name {
            guard victim != inode else { return false }
            // Whoever is replaced leaves the name as it is spelled.
            newName = spelling(of: wanted, in: newParent) ?? wanted
            let isDirectory = inodes[victim].kind == .directory
            guard isDirectory == (inodes[inode].kind == .directory), inodes[victim].entries.isEmpty else {
                return false
            }
            if !isDirectory {
                giveUp(victim, witness)
                putInPlace(inode, witness)
            }
            unlink(newName, in: newParent)
        }
        for leaf in leaves(inode) { witness.userTouches(inodes[leaf].token, on: self) }
        if inodes[inode].kind == .file {
            if isVacated(newName, in: newParent) { putInPlace(inode, witness) }
            vacate(name, in: parent)
        }
        relink(name, in: parent, to: newName, in: newParent)
        report(name, in: parent)
        reportMove(inode, newName, in: newParent)
        return true
    }

    /// Exchanges two names.
    @discardableResult
    func exchange(_ left: RelativePath, _ right: RelativePath, _ witness: any DiskWitness) -> Bool {
        guard let name = left.name, let parent = findParent(left), let inode = child(name, of: parent),
            let otherName = right.name, let otherParent = findParent(right),
            let other = child(otherName, of: otherParent), inode != other,
            !isWithin(otherParent, inode), !isWithin(parent, other)
        else { return false }
        for leaf in leaves(inode) + leaves(other) {
            witness.userTouches(inodes[leaf].token, on: self)
            putInPlace(leaf, witness)
        }
        swap(name, in: parent, otherName, in: otherParent)
        report(name, in: parent)
        report(otherName, in: otherParent)
        reportArrival(inode, otherName, in: otherParent)
        reportArrival(other, name, in: parent)
        return true
    }

    func swap(_ name: EntryName, in parent: Int, _ otherName: EntryName, in otherParent: Int) {
        guard let index = index(of: name, in: parent),
            let otherIndex = self.index(of: otherName, in: otherParent)
        else { return }
        let inode = inodes[parent].entries[index].inode
        let other = inodes[otherParent].entries[otherIndex].inode
        inodes[parent].entries[index].inode = other
        inodes[otherParent].entries[otherIndex].inode = inode
        inodes[inode].parent = otherParent
        inodes[other].parent = parent
        let time = stamp()
        for index in [inode, other] { inodes[index].changed = time }
        for index in [parent, otherParent] {
            inodes[index].modified = time
            inodes[index].changed = time
        }
    }

    @discardableResult
    func changeMode(_ path: RelativePath, _ mode: UInt16, _ witness: any DiskWitness) -> Bool {
        guard let name = path.name, let parent = findParent(path), let inode = child(name, of: parent),
            inodes[inode].kind != .symlink
        else { return false }
        for leaf in leaves(inode) { witness.userTouches(inodes[leaf].token, on: self) }
        inodes[inode].mode = mode
        inodes[inode].changed = stamp()
        report(name, in: parent)
        return true
    }

    /// Sets a file's mtime; nil: to now.
    @discardableResult
    func touch(_ path: RelativePath, _ time: Timestamp?, _ witness: any DiskWitness) -> Bool {
        guard let name = path.name, let parent = findParent(path), let inode = child(name, of: parent),
            inodes[inode].kind == .file
        else { return false }
        witness.userTouches(inodes[inode].token, on: self)
        // A new time tells no more that what is there is older than it.
        if let lost = inodes[inode].lost { witness.userMisplaces(lost, on: self) }
        let now = stamp()
        inodes[inode].modified = time ?? now
        inodes[inode].changed = now
        report(name, in: parent)
        return true
    }

    /// Moves an entry out of the shared folder.
    @discardableResult
    func moveOut(_ path: RelativePath, _ witness: any DiskWitness) -> Bool {
        guard let name = path.name, let parent = findParent(path), let inode = child(name, of: parent),
            child(name, of: Self.outsideInode) == nil
        else { return false }
        for leaf in leaves(inode) {
            inodes[leaf].isGivenUp = true
            witness.userDestroys(inodes[leaf].token, on: self)
        }
        relink(name, in: parent, to: name, in: Self.outsideInode)
        unwatch(inode)
        report(name, in: parent)
        return true
    }

    /// Moves an entry that was moved out back in.
    @discardableResult
    func moveIn(_ path: RelativePath, _ witness: any DiskWitness) -> Bool {
        guard let first = inodes[Self.outsideInode].entries.first, let name = path.name,
            let parent = findParent(path), child(name, of: parent) == nil
        else { return false }
        for leaf in leaves(first.inode) {
            inodes[leaf].isGivenUp = false
            witness.userWrites(inodes[leaf].token, on: self)
        }
        relink(first.name, in: Self.outsideInode, to: name, in: parent)
        reportArrival(first.inode, name, in: parent)
        return true
    }

    private func unwatch(_ inode: Int) {
        inodes[inode].isWatched = false
        for entry in inodes[inode].entries { unwatch(entry.inode) }
    }
}
