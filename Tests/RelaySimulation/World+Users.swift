// SPDX-License-Identifier: Apache-2.0

import RelayCore

// What users do: programs as they are used, on few names, so that they get in each other's way.

private let names = ["a", "b", "c.txt", "d", "e.txt", "f"].compactMap { EntryName($0) }
/// Where a disk folds names.
private let similarNames = ["a", "A", "b.txt", "B.txt", "c", "C"].compactMap { EntryName($0) }
private let modes: [UInt16] = [0o644, 0o600, 0o755]

extension World {
    func beginOperation() {
        guard isChaos, operationsLeft > 0 else { return }
        operationsLeft -= 1
        if operationsLeft > 0 { schedule(.userBegins, after: delay(0...configuration.pace * 2)) }
        let editor = configuration.family == .singleEditor ? 0 : random.below(agents.count)
        let agent = agents[editor]
        if configuration.ignores, random.chance(120) {
            ledger.hasIgnored = true
            start(ruleSteps(), agent)
            return
        }
        let names = (configuration.foldsNames ? similarNames : names).prefix(configuration.names)
        let steps = makeSteps(Place(agent.disk, &random, names))
        guard !steps.isEmpty else { return }
        start(steps, agent)
    }

    func start(_ steps: [UserStep], _ agent: SimulatedAgent) {
        for path in steps.flatMap(\.paths) {
            if let name = path.name { userNames.insert(name) }
        }
        var pause = random.pick([0...0, 0...3, 0...3, 1...40, 30...300]) ?? 0...0
        if case (.save(let first, _, _)?, .save(let second, _, _)?) = (steps.first, steps.last),
            steps.count == 2, first == second, configuration.granularity > 0
        {
            // Late enough for the first to be read, and soon enough for the stamps not to tell.
            pause = 1...Int(configuration.granularity)
        }
        // Long enough for others to replace what is being written.
        if case .open? = steps.first, steps.count > 2, random.chance(500) { pause = 30...300 }
        scripts.append(UserScript(agent: agent.index, steps: steps, pause: pause))
        schedule(.userStep(script: scripts.count - 1), after: 0)
    }

    /// What a user sees and may act on.
    struct Place {
        var files: [RelativePath] = []
        var links: [RelativePath] = []
        var directories: [RelativePath] = [.root]
        var names: [EntryName]
        var count: Int

        init(_ disk: SimulatedDisk, _ random: inout SeededRandom, _ names: some Collection<EntryName>) {
            let all = disk.walk().filter { $0.path != rulesPath }
            count = all.count
            for entry in all {
                switch disk.inodes[entry.inode].kind {
                case .file: files.append(entry.path)
                case .symlink: links.append(entry.path)
                case .directory: directories.append(entry.path)
                }
            }
            self.names = Array(names)
        }

        var entries: [RelativePath] { files + links + directories.dropFirst() }
    }

    func newToken(like path: RelativePath? = nil, on disk: SimulatedDisk? = nil) -> Token {
        if let path, let inode = disk?.find(path), let disk, disk.inodes[inode].kind == .file,
            disk.inodes[inode].token != .empty
        {
            return ledger.makeToken(sizeBytes: disk.inodes[inode].token.sizeBytes)
        }
        if configuration.hasCopies, random.chance(100), ledger.sizes.count > 3 {
            let number = ledger.sizes.count - 1 - random.below(3)
            return Token(number: UInt32(number), sizeBytes: ledger.sizes[number])
        }
        let isLarge = random.chance(configuration.largeContents)
        return ledger.makeToken(sizeBytes: isLarge ? 100_000 : random.pick([10, 10, 11]) ?? 10)
    }

    /// A place for something new: mostly not deep.
    private func somewhere(_ place: Place) -> RelativePath {
        let directory = random.chance(400) ? .root : random.pick(place.directories) ?? .root
        let parent = directory.components.count > 3 ? .root : directory
        return random.pick(place.names).map { parent.appending($0) } ?? parent
    }

    private func makeSteps(_ place: Place) -> [UserStep] {
        let isFull = place.count > 18
        switch random.index(weights: isFull ? [2, 6, 4, 12, 3, 2] : [10, 8, 6, 5, 3, 3]) {
        case 0: return makeSomething(place)
        case 1: return editSomething(place)
        case 2: return moveSomething(place)
        case 3: return removeSomething(place)
        case 4: return changeMetadata(place)
        default: return combine(place)
        }
    }

    private func makeSomething(_ place: Place) -> [UserStep] {
        let path = somewhere(place)
        switch random.index(weights: [10, 5, 3, 3, 2, 1]) {
        case 0: return [.save(path, newToken(), mode: random.pick(modes) ?? 0o644)]
        case 1:
            let child = random.pick(place.names) ?? path.components[0]
            return [.makeDirectory(path), .save(path.appending(child), newToken(), mode: 0o644)]
        case 2:
            let second = path.appending(random.pick(place.names) ?? path.components[0])
            let third = second.appending(random.pick(place.names) ?? path.components[0])
            return [
                .makeDirectory(path), .makeDirectory(second), .makeDirectory(third),
                .save(third.appending(path.components[0]), newToken(), mode: 0o644),
            ]
        case 3: return [.link(path, ledger.makeToken(sizeBytes: Token.linkBytes))]
        case 4: return [.makeDirectory(path)]
        default: return [.open(path), .close]
        }
    }

    private func editSomething(_ place: Place) -> [UserStep] {
        guard let path = random.pick(place.files), let name = path.name else { return makeSomething(place) }
        let beside = path.parent.appending(EntryName(name.bytes + [0x7e]) ?? name)
        let temporary = path.parent.appending(EntryName(".tmp\(random.below(3))") ?? name)
        let token = newToken()
        switch random.index(weights: [6, 4, 4, 3, 3, 3, 2]) {
        case 0: return saveAgain(path, token)
        case 1: return [.open(path), .write(.empty), .write(newToken()), .write(token), .close]
        case 2: return [.save(temporary, token, mode: 0o644), .rename(temporary, path)]
        case 3:
            return [.rename(path, beside), .save(path, token, mode: 0o644), .remove(beside)]
        case 4:
            return [.open(temporary), .write(token), .close, .rename(temporary, path)]
        case 5:
            let disk = agents.first { $0.disk.find(path) != nil }?.disk
            return [.saveInDisguise(path, newToken(like: path, on: disk))]
        default:
            let disk = agents.first { $0.disk.find(path) != nil }?.disk
            return saveAgain(path, newToken(like: path, on: disk))
        }
    }

    /// A save; where stamps are coarse, another one that they may not tell from the first.
    private func saveAgain(_ path: RelativePath, _ token: Token) -> [UserStep] {
        let save = UserStep.save(path, token, mode: 0o644)
        guard configuration.granularity > 0 else { return [save] }
        return [save, .save(path, ledger.makeToken(sizeBytes: token.sizeBytes), mode: 0o644)]
    }

    private func moveSomething(_ place: Place) -> [UserStep] {
        guard let from = random.pick(place.entries) else { return makeSomething(place) }
        let to = somewhere(place)
        switch random.index(weights: [10, 3, 3, 2, 2]) {
        case 0: return [.rename(from, to)]
        case 1:
            guard let other = random.pick(place.files) else { return [] }
            return [.rename(from, other)]
        case 2:
            guard let other = random.pick(place.entries) else { return [] }
            return [.exchange(from, other)]
        case 3:
            guard let other = random.pick(place.entries) else { return [] }
            let passing = RelativePath.root.appending(EntryName(".swap") ?? place.names[0])
            return [.rename(from, passing), .rename(other, from), .rename(passing, other)]
        default:
            guard random.chance(300) else { return [.rename(from, to), .rename(to, somewhere(place))] }
            return random.chance(500) ? [.moveOut(from)] : [.moveOut(from), .moveIn(to)]
        }
    }

    func removeSteps(_ path: RelativePath, on disk: SimulatedDisk) -> [UserStep] {
        guard let inode = disk.find(path) else { return [] }
        guard disk.inodes[inode].kind == .directory else { return [.remove(path)] }
        let inner = disk.walk(inode, path).reversed().map { entry -> UserStep in
            disk.inodes[entry.inode].kind == .directory ? .removeDirectory(entry.path) : .remove(entry.path)
        }
        return inner + [.removeDirectory(path)]
    }

    private func removeSomething(_ place: Place) -> [UserStep] {
        guard let path = random.pick(place.entries) else { return makeSomething(place) }
        guard let disk = agents.first(where: { $0.disk.find(path) != nil })?.disk else { return [] }
        let removal = removeSteps(path, on: disk)
        switch random.index(weights: [10, 3, 3]) {
        case 0: return removal
        case 1: return removal + [.save(path, newToken(), mode: 0o644)]
        default: return removal + [.makeDirectory(path)]
        }
    }

    private func changeMetadata(_ place: Place) -> [UserStep] {
        guard let file = random.pick(place.files) else { return makeSomething(place) }
        switch random.below(4) {
        case 0: return [.changeMode(file, random.pick(modes) ?? 0o600)]
        case 1: return [.touch(file, nil)]
        case 2: return [.touch(file, Timestamp(seconds: 1_000_000_000, nanoseconds: 5))]
        default:
            guard let directory = random.pick(Array(place.directories.dropFirst())) else { return [] }
            return [.changeMode(directory, random.pick([0o755, 0o700]) ?? 0o755)]
        }
    }

    private func combine(_ place: Place) -> [UserStep] {
        let path = somewhere(place)
        switch random.below(5) {
        case 0:
            return (0...random.below(3)).flatMap { _ -> [UserStep] in
                [.save(path, newToken(), mode: 0o644), .remove(path)]
            } + (random.chance(600) ? [.save(path, newToken(), mode: 0o644)] : [])
        case 1:
            guard configuration.hasCopies, let file = random.pick(place.files) else { return [] }
            return [.copy(file, path)]
        case 2:
            guard place.directories.count > 1, let directory = place.directories.last else { return [] }
            let token = newToken()
            return [
                .rename(directory, path), .save(path.appending(place.names[0]), token, mode: 0o644),
                .rename(path, directory),
            ]
        case 3: return replaceDirectory(place)
        default: return [.moveIn(path)]
        }
    }

    /// A directory is made anew beside the one that it replaces, as builds and deployments do.
    private func replaceDirectory(_ place: Place) -> [UserStep] {
        guard let directory = random.pick(Array(place.directories.dropFirst())), let name = directory.name,
            let newName = EntryName(name.bytes + Array(".new".utf8)),
            let oldName = EntryName(name.bytes + Array(".old".utf8))
        else { return [] }
        let (made, former) = (directory.parent.appending(newName), directory.parent.appending(oldName))
        var steps: [UserStep] = [.makeDirectory(made)]
        for name in place.names where random.chance(300) {
            steps.append(.save(made.appending(name), newToken(), mode: 0o644))
        }
        if random.chance(300) { return steps + [.exchange(made, directory), .removeDirectory(made)] }
        steps += [.rename(directory, former), .rename(made, directory)]
        guard random.chance(500) else { return steps }
        let inner = place.entries.filter { $0 != directory && $0.isWithin(directory) }
        for path in inner.sorted(by: { $0.components.count > $1.components.count }) {
            let moved = RelativePath(
                former.components + path.components.dropFirst(directory.components.count))
            steps.append(place.directories.contains(path) ? .removeDirectory(moved) : .remove(moved))
        }
        return steps + [.removeDirectory(former)]
    }
}
