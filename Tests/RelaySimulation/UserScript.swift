// SPDX-License-Identifier: Apache-2.0

import RelayCore

/// One thing that a user's program does at one instant.
enum UserStep {
    /// Opens, writes all and closes, without a pause.
    case save(RelativePath, Token, mode: UInt16)
    /// The same, with size and mtime as they were, if the file is there.
    case saveInDisguise(RelativePath, Token)
    case open(RelativePath)
    case write(Token)
    case close
    case rename(RelativePath, RelativePath)
    case exchange(RelativePath, RelativePath)
    case remove(RelativePath)
    case removeDirectory(RelativePath)
    case makeDirectory(RelativePath)
    case changeMode(RelativePath, UInt16)
    case touch(RelativePath, Timestamp?)
    case link(RelativePath, Token)
    case copy(RelativePath, RelativePath)
    case moveOut(RelativePath)
    case moveIn(RelativePath)
}

extension UserStep {
    /// The paths that the step names.
    var paths: [RelativePath] {
        switch self {
        case .write, .close: []
        case .rename(let first, let second), .exchange(let first, let second), .copy(let first, let second):
            [first, second]
        case .save(let path, _, _), .saveInDisguise(let path, _), .open(let path), .remove(let path),
            .removeDirectory(let path), .makeDirectory(let path), .changeMode(let path, _),
            .touch(let path, _), .link(let path, _), .moveOut(let path), .moveIn(let path):
            [path]
        }
    }
}

/// What one run of a user's program does, step by step; a step that fails is passed over.
struct UserScript {
    var agent: Int
    var steps: [UserStep]
    var next = 0
    var openFile: Int?
    /// The pauses between the steps, in milliseconds.
    var pause: ClosedRange<Int>
}

extension World {
    func runStep(_ number: Int) {
        let agent = agents[scripts[number].agent]
        let step = scripts[number].steps[scripts[number].next]
        note(UInt64(agent.index) &+ 7)
        trace("\(agent.name) user: \(describe(step))")
        perform(step, agent.disk, &scripts[number].openFile)
        scripts[number].next += 1
        if scripts[number].next < scripts[number].steps.count {
            schedule(.userStep(script: number), after: delay(scripts[number].pause))
        } else if let inode = scripts[number].openFile {
            agent.disk.close(inode)
            scripts[number].openFile = nil
        }
    }

    private func perform(_ step: UserStep, _ disk: SimulatedDisk, _ openFile: inout Int?) {
        switch step {
        case .save(let path, let token, let mode):
            guard let inode = disk.open(path, mode: mode) else { return }
            disk.write(inode, token, self)
            disk.close(inode)
        case .saveInDisguise(let path, let token): saveInDisguise(path, token, disk)
        case .open(let path):
            if let inode = openFile { disk.close(inode) }
            openFile = disk.open(path, mode: 0o644)
        case .write(let token):
            if let inode = openFile { disk.write(inode, token, self) }
        case .close:
            if let inode = openFile { disk.close(inode) }
            openFile = nil
        case .rename(let from, let to):
            // Rules are a file; what is none is tried by tests of their own.
            if to == rulesPath, let inode = disk.find(from), disk.inodes[inode].kind != .file { return }
            disk.rename(from, to, self)
        case .exchange(let left, let right): disk.exchange(left, right, self)
        case .remove(let path): disk.remove(path, self)
        case .removeDirectory(let path): disk.removeDirectory(path)
        case .makeDirectory(let path): disk.makeDirectory(path, mode: 0o755)
        case .changeMode(let path, let mode): disk.changeMode(path, mode, self)
        case .touch(let path, let time): disk.touch(path, time, self)
        case .link(let path, let token): disk.makeSymlink(path, token, self)
        case .copy(let from, let to): copy(from, to, disk)
        case .moveOut(let path): disk.moveOut(path, self)
        case .moveIn(let path): disk.moveIn(path, self)
        }
    }

    private func saveInDisguise(_ path: RelativePath, _ token: Token, _ disk: SimulatedDisk) {
        guard let inode = disk.find(path), disk.inodes[inode].kind == .file else { return }
        // Within one step of the clock that stamps the file, nothing could tell the disguise.
        guard disk.stamp() != disk.inodes[inode].changed else { return }
        let modified = disk.inodes[inode].modified
        let before = disk.inodes[inode].token
        guard before != .empty, before.sizeBytes == token.sizeBytes else { return }
        disk.inodes[inode].writers += 1
        disk.write(inode, token, self)
        disk.inodes[inode].modified = modified
        disk.close(inode)
    }

    private func copy(_ from: RelativePath, _ to: RelativePath, _ disk: SimulatedDisk) {
        guard let source = disk.find(from), disk.inodes[source].kind == .file,
            let inode = disk.open(to, mode: disk.inodes[source].mode)
        else { return }
        disk.write(inode, disk.inodes[source].token, self)
        disk.close(inode)
    }
}
