// SPDX-License-Identifier: Apache-2.0

import RelayCore

// Rules for what is left out of the share, as users write and take them back.

let rulesPath = RelativePath([.relayIgnore])

extension Token {
    /// What the content says as a `.relayignore`.
    var rules: [UInt8] {
        let texts = [
            "a\n", "b\nd\n", "*.txt\n", "/a/b\n", "d/\n", ".tmp*\n*~\n", "a/*\n!a/b\n", "f\n/b\n", "*\n!d\n",
            "# nothing\n", "**/e.txt\nc.txt\n", "a/\n",
        ]
        return number == 0 ? [] : Array(texts[Int(mixed(UInt64(number)) % UInt64(texts.count))].utf8)
    }
}

extension AgentEffect {
    var readsRules: Bool { if case .readRules = self { true } else { false } }
}

extension World {
    /// What a user does to the rules.
    func ruleSteps() -> [UserStep] {
        let temporary = RelativePath([EntryName(".tmp0") ?? .relayIgnore])
        switch random.index(weights: [6, 3, 4, 2, 1, 2]) {
        case 0: return [.save(rulesPath, newToken(), mode: 0o644)]
        case 1: return [.save(temporary, newToken(), mode: 0o644), .rename(temporary, rulesPath)]
        case 2: return [.remove(rulesPath)]
        case 3: return [.open(rulesPath), .write(newToken()), .write(newToken()), .close]
        case 4: return [.rename(rulesPath, temporary)]
        default: return [.remove(rulesPath), .save(rulesPath, newToken(), mode: 0o644)]
        }
    }

    /// The rules that a disk has; nil: none.
    func rules(of disk: SimulatedDisk) -> IgnoreRules? {
        guard let inode = disk.find(rulesPath), disk.inodes[inode].kind == .file else { return nil }
        return try? IgnoreRules(disk.inodes[inode].token.rules)
    }

    /// The rules that the hub has; nil: none.
    func rules(of tree: [RelativePath: Standing]) -> IgnoreRules? {
        guard let standing = tree[rulesPath], standing.kind == .file else { return nil }
        return try? IgnoreRules(standing.token.rules)
    }

    /// Without what the rules leave out.
    func shared(
        _ tree: [RelativePath: Standing], by rules: IgnoreRules?
    ) -> [RelativePath: Standing] {
        guard let rules, !rules.isEmpty else { return tree }
        return tree.filter { !rules.ignore($0.key, isDirectory: $0.value.kind == .directory) }
    }

    /// Whether the rules that the hub has are nowhere any more: then each machine follows those that it had.
    var areRulesLost: Bool {
        configuration.ignores && lostPaths(standingsOfHub()).contains(rulesPath)
    }

    /// Whether nothing is out of sync but for what the rules leave out and is in the way, and what is lost.
    var isHeldUpByRules: Bool {
        guard configuration.ignores, materialEvents == 0, hub.isUp else { return false }
        var isHeldUp = false
        for agent in agents {
            guard let engine = agent.engine, engine.state.isConnected else { return false }
            guard let problems = try? engine.problems(limit: 100) else { return false }
            for problem in problems {
                guard [.obstructed, .ignored, .device].contains(problem.reason.hindrance) else {
                    return false
                }
                isHeldUp = true
            }
        }
        return isHeldUp
    }

    /// A user takes back all rules.
    func liftRules() {
        for _ in 0..<4 where violation == nil && standingsOfHub()[rulesPath] != nil && !areRulesLost {
            trace("the rules are taken back")
            start([.remove(rulesPath)], agents[random.below(agents.count)])
            settle()
        }
    }

    /// What the rules leave out is not removed from the hub for that.
    func checkRemovals(in batch: Batch, of agent: SimulatedAgent) {
        guard let engine = agent.engine else { return }
        for case .remove(let node, _, _) in batch.operations {
            guard let path = pathOnHub(node), let inode = agent.disk.find(path),
                !isTakenInAnotherSpelling(path, on: agent.disk),
                agent.disk.inodes[inode].kind == .file, let token = standingsOfHub()[path]?.token,
                agent.disk.inodes[inode].token == token, engine.ignores(path, isDirectory: false),
                agent.disk.inodes[inode].changed.seconds + 3 < agent.disk.wallClock.seconds
            else { continue }
            fail("N4", "\(agent.name) removes \(path), which stands on its disk, but is left out")
        }
    }

    private func pathOnHub(_ node: NodeID) -> RelativePath? {
        var names: [EntryName] = []
        var current = node
        while current != .root {
            guard let placement = hub.index.record(current)?.state?.placement else { return nil }
            names.append(placement.name)
            current = placement.parent
        }
        return RelativePath(names.reversed())
    }

    /// What the rules leave out is not removed from a disk.
    func checkRemoval(_ step: ApplyStep, of agent: SimulatedAgent) {
        switch step {
        case .remove(let path, _):
            guard !isPassing(path), agent.engine?.ignores(path, isDirectory: false) == true else { return }
            fail("N4", "\(agent.name) removes \(path) from its disk, which is left out")
        case .removeDirectory(let path, _):
            guard !isPassing(path), agent.engine?.ignores(path, isDirectory: true) == true else { return }
            fail("N4", "\(agent.name) removes \(path) from its disk, which is left out")
        default: break
        }
    }

    /// What stands at a passing place, or beneath one, is on its way elsewhere; users make no such names.
    private func isPassing(_ path: RelativePath) -> Bool { path.description.contains(" (moving ") }
}
