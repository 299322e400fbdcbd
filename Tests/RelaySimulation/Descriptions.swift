// SPDX-License-Identifier: Apache-2.0

import RelayCore

// One line of the trace for everything.

func short(_ id: NodeID) -> String {
    id == .root ? "root" : id == .limbo ? "limbo" : String(id.raw.low % 0xffff, radix: 16)
}

func describe(_ placement: Placement) -> String { "\(short(placement.parent))/\(placement.name)" }

func describe(_ payload: Payload) -> String {
    switch payload {
    case .file(let file):
        "file \(Token(file.content).number) \(String(file.mode.rawValue, radix: 8)) \(file.modified.seconds).\(file.modified.nanoseconds)"
    case .directory(let mode): "directory \(String(mode.rawValue, radix: 8))"
    case .symlink(let target): "link \(Token(target: target).number)"
    }
}

func describe(_ node: ReplicaNode) -> String {
    let local = node.local.map { local in
        "\(describe(local.placement)) \(local.payload.map(describe) ?? "unread")\(local.isTrusted ? "" : " untrusted")"
    }
    let remote =
        switch node.remote {
        case .live(let state): describe(state)
        case .removed(let revision): "removed at \(revision)"
        case nil: "-"
        }
    return
        "\(short(node.id)): base \(node.base.map(describe) ?? "-"); local \(local ?? "-"); remote \(remote)"
}

private func describe(_ state: NodeState) -> String {
    "\(describe(state.placement)) on \(state.placementRevision), \(describe(state.payload)) on \(state.payloadRevision)"
}

func describe(_ operation: Operation) -> String {
    switch operation {
    case .create(let node, let placement, let payload, _):
        "create \(short(node)) at \(describe(placement)) \(describe(payload))"
    case .place(let node, let placement, let revision):
        "place \(short(node)) at \(describe(placement)) on \(revision)"
    case .change(let node, let payload, let revision):
        "change \(short(node)) to \(describe(payload)) on \(revision)"
    case .remove(let node, let placement, let payload): "remove \(short(node)) on \(placement),\(payload)"
    }
}

func describe(_ record: NodeRecord) -> String {
    guard let state = record.state else { return "\(record.revision) \(short(record.node)) removed" }
    return
        "\(record.revision) \(short(record.node)) at \(describe(state.placement)) \(describe(state.payload))"
}

func describe(_ message: AgentMessage) -> String {
    switch message {
    case .subscribe(let asked):
        "subscribe after \(asked.cursor.map { "\($0.revision)" } ?? "nothing")"
            + (asked.unanswered == nil ? "" : ", unanswered")
    case .commit(let batch): "commit " + batch.operations.map(describe).joined(separator: ", ")
    case .applied(let revision): "applied \(revision)"
    case .audit(_, let after, _): "audit after \(after)"
    case .offer(let offers): "offer \(offers.count)"
    case .leave: "leave"
    case .ping, .pong: "ping"
    }
}

func describe(_ message: HubMessage) -> String {
    switch message {
    case .welcome(let welcome):
        "welcome, head \(welcome.head), resumes \(welcome.resumes), answers \(welcome.answers)"
    case .changes(let page):
        "changes through \(page.through.revision)\(page.reachesHead ? "" : ", more follow"): "
            + page.records.map(describe).joined(separator: ", ")
    case .committed(_, let answers, let at): "committed at \(at.revision): \(answers)"
    case .audited(_, let page): "audited through \(page.through)"
    case .ping, .pong: "ping"
    case .trouble(let text): "trouble \(text ?? "over")"
    case .goodbye(let reason, let text): "goodbye \(reason) \(text)"
    }
}

func describe(_ step: ApplyStep) -> String {
    switch step {
    case .makeDirectory(let path, _): "make directory \(path)"
    case .makeSymlink(let path, let target, let over):
        "make link \(path) to \(Token(target: target).number) over \(describe(over))"
    case .placeFile(let path, let payload, let over):
        "place \(path) \(describe(.file(payload))) over \(describe(over))"
    case .move(let from, let to, _, _): "move \(from) to \(to)"
    case .setMetadata(let path, _, let mode, let modified):
        "set metadata of \(path) to \(String(mode.rawValue, radix: 8)) \(modified.map { "\($0.seconds)" } ?? "")"
    case .remove(let path, _): "remove \(path)"
    case .removeDirectory(let path, _): "remove directory \(path)"
    }
}

private func describe(_ expectation: Expectation) -> String {
    switch expectation {
    case .nothing: "nothing"
    case .entry(_, let keep, let name): keep ? "an entry to be kept as \(name)" : "an entry"
    }
}

func describe(_ outcome: ApplyOutcome) -> String {
    switch outcome {
    case .done, .movedUnwritten: "done"
    case .doneKeeping(_, let kept, _): "done, keeping \(kept)"
    case .changed: "changed"
    case .occupied: "occupied"
    case .absent: "absent"
    case .notEmpty: "not empty"
    case .unstaged: "not staged"
    case .failed(let problem): "failed: \(problem)"
    }
}

private func describe(_ outcome: ScanOutcome) -> String {
    switch outcome {
    case .entry(_, let found): found.map(describe) ?? "nothing"
    case .directory(_, let entries, _): "[" + entries.map(describe).joined(separator: ", ") + "]"
    case .absent: "absent"
    case .failed: "failed"
    }
}

private func describe(_ found: FoundEntry) -> String {
    "\(found.name) #\(found.fingerprint.identity.inode)"
}

private func describe(_ request: ScanRequest) -> String {
    switch request {
    case .entry(let path): "\(path)"
    case .directory(let path): "\(path)/"
    }
}

private func describe(_ outcome: ReadOutcome) -> String {
    switch outcome {
    case .content(let description, _, let trusted):
        "\(Token(description.content).number)\(trusted ? "" : " untrusted")"
    case .busy: "busy"
    case .absent: "absent"
    case .failed: "failed"
    }
}

func describe(_ input: AgentInput) -> String {
    switch input {
    case .opened: "opened"
    case .connected: "connected"
    case .disconnected: "disconnected"
    case .message(let message): describe(message)
    case .hints(let hints):
        "hints "
            + hints.map { hint -> String in
                switch hint {
                case .entry(let path, let writing): "\(path)\(writing ? " (writing)" : "")"
                case .deleted(let path): "\(path) (deleted)"
                case .subtree(let path): "\(path)/"
                }
            }.joined(separator: ", ")
    case .rules(.content(let bytes, _, let trusted)):
        "rules \(displayText(bytes))\(trusted ? "" : " untrusted")"
    case .rules(let reading): "rules \(reading)"
    case .scanned(let results):
        "scanned "
            + results.map { "\(describe($0.request)): \(describe($0.outcome))" }.joined(separator: ", ")
    case .read(let results):
        "read "
            + results.map { "\(short($0.node)) \($0.path): \(describe($0.outcome))" }.joined(separator: ", ")
    case .staged(let node, let content, let outcome):
        "staged \(short(node)) \(Token(content).number): \(outcome)"
    case .applied(let results): "applied " + results.map { describe($0.outcome) }.joined(separator: ", ")
    case .retryStaging: "retry staging"
    case .rescan: "rescan"
    case .remove(let path): "remove \(path)"
    case .confirmHold: "confirm hold"
    case .rejectHold: "reject hold"
    case .verified(let differences): "verified, \(differences.count) differences"
    case .tick: "tick"
    }
}

func describe(_ effect: AgentEffect) -> String {
    switch effect {
    case .readRules: "read rules"
    case .scan(let requests, _): "scan " + requests.map(describe).joined(separator: ", ")
    case .read(let requests):
        "read " + requests.map { "\(short($0.node)) \($0.path)" }.joined(separator: ", ")
    case .send(let message): "send " + describe(message)
    case .stage(let request): "stage \(short(request.node)) \(Token(request.payload.content).number)"
    case .unstage(let node, _): "unstage \(short(node))"
    case .apply(let actions):
        "apply " + actions.map { "\(short($0.node)): \(describe($0.step))" }.joined(separator: ", ")
    case .wake(let instant): "wake at \(instant.milliseconds)"
    case .halted(let reason): "halted: \(reason)"
    case .checkedLosses: "checked losses"
    case .resumed: "resumed"
    }
}

func describe(_ step: UserStep) -> String {
    switch step {
    case .save(let path, let token, _): "save \(path) \(token.number)"
    case .saveInDisguise(let path, let token): "save in disguise \(path) \(token.number)"
    case .write(let token): "write \(token.number)"
    case .link(let path, let token): "link \(path) \(token.number)"
    default: "\(step)"
    }
}

/// A number that tells effects apart, made without hash seeds.
func fingerprint(of effect: AgentEffect) -> UInt64 {
    switch effect {
    case .scan(let requests, _): return 1 &+ UInt64(requests.count) << 8
    case .read(let requests): return requests.reduce(2) { mixed($0 ^ $1.node.raw.low) }
    case .send(.commit(let batch)): return batch.operations.reduce(3) { mixed($0 ^ $1.node.raw.low) }
    case .send: return 4
    case .stage(let request): return mixed(5 ^ request.node.raw.low)
    case .unstage(let node, _): return mixed(6 ^ node.raw.low)
    case .apply(let actions): return actions.reduce(7) { mixed($0 ^ $1.node.raw.low) }
    case .wake(let instant): return mixed(8 &+ UInt64(truncatingIfNeeded: instant.milliseconds))
    case .halted: return 9
    case .checkedLosses: return 11
    case .resumed: return 10
    case .readRules: return 12
    }
}
