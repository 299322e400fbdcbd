// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

// What was meant to be looked at in a directory that got another identity.

extension AgentEngine {
    /// What waits for places in the former directory waits for the same places in its heir.
    func inherit(_ former: NodeID, _ heir: NodeID) {
        if !scans.isEmpty || scanning != nil {
            heirs[heir] = nil
            heirs[former] = heir
        }
        rekey(&writing, from: former, to: heir)
        rekey(&rescans, from: former, to: heir)
        rekey(&unseen, from: former, to: heir)
        for (target, since) in unknown where target.directory == former {
            unknown[target] = nil
            unknown[target.moved(to: heir)] = since
        }
    }

    private func rekey<Value>(_ places: inout [Placement: Value], from former: NodeID, to heir: NodeID) {
        for (placement, value) in places where placement.parent == former {
            places[placement] = nil
            places[Placement(parent: heir, name: placement.name)] = value
        }
    }

    /// The look at what its place or directory is called by now.
    func resolved(_ task: ScanTask) -> ScanTask {
        var task = task
        while let heir = heirs[task.target.directory] { task.target = task.target.moved(to: heir) }
        return task
    }
}

extension ScanTask.Target {
    /// The directory that is looked into.
    var directory: NodeID {
        switch self {
        case .entry(let placement): placement.parent
        case .directory(let node): node
        }
    }

    /// The same look into another directory.
    fileprivate func moved(to directory: NodeID) -> ScanTask.Target {
        switch self {
        case .entry(let placement): .entry(Placement(parent: directory, name: placement.name))
        case .directory: .directory(directory)
        }
    }
}
