// SPDX-License-Identifier: Apache-2.0

import RelayCore

// The agents' runtime: inputs to engines, effects to folders and connections.

extension World {
    func start(_ agent: SimulatedAgent) {
        guard agent.engine == nil else { return }
        agent.incarnation += 1
        trace("\(agent.name) starts")
        agent.engine = SimulatedAgent.Engine(
            replica: agent.replica, deviceName: agent.name, device: agent.device,
            foundAhead: configuration.foundAhead, randomness: random.split())
        agent.disk.startWatch()
        agent.isPumping = false
        if random.chance(500) { agent.folder.staged = [:] }
        receive(
            .opened(
                root: agent.disk.identity(SimulatedDisk.rootInode),
                mayHaveLostWrites: agent.mayHaveLostWrites, foldsNames: agent.disk.foldsNames,
                hasFineTimes: configuration.granularity == 0), at: agent)
        schedule(.connect(agent: agent.index), after: delay(configuration.latency))
    }

    /// Ends the agent at once. Of what is under way in its folder, no more happens.
    func crash(_ agent: SimulatedAgent, losingCommits: Int = 0) {
        guard agent.engine != nil else { return }
        trace("\(agent.name) crashes, losing \(losingCommits) commits")
        agent.engine = nil
        agent.incarnation += 1
        agent.inbox = []
        agent.isProcessing = false
        agent.lane = []
        agent.echoes = Echoes()
        agent.isLaneBusy = false
        agent.stages = [:]
        agent.isStagingBroken = false
        agent.replica.rollBack(commits: losingCommits)
        agent.disk.stopWatch()
        if let connection = agent.connection {
            agent.connection = nil
            connection.isOpenAtAgent = false
            connection.toAgentCutoff = now
            schedule(.hubNotices(connection), after: delay(0...2000))
        }
    }

    func receive(_ input: AgentInput, at agent: SimulatedAgent) {
        guard agent.engine != nil else { return }
        agent.inbox.append(input)
        guard !agent.isProcessing else { return }
        agent.isProcessing = true
        schedule(.process(agent: agent.index, incarnation: agent.incarnation), after: delay(0...1))
    }

    func process(_ agent: SimulatedAgent) {
        guard let engine = agent.engine else { return }
        let inputs = agent.inbox
        agent.inbox = []
        agent.isProcessing = false
        for input in inputs { trace("\(agent.name) < \(describe(input))") }
        do {
            var effects = try engine.receive(
                inputs, now: Instant(milliseconds: now), wallClock: agent.disk.wallClock)
            if !configuration.ignores, effects.contains(where: \.readsRules) {
                try answerAtOnce(&effects, engine, agent)
            }
            agent.replica.commit()
            for effect in effects {
                note(fingerprint(of: effect))
                trace("\(agent.name) > \(describe(effect))")
                carryOut(effect, agent)
            }
        } catch {
            fail("engine", "\(agent.name) failed: \(error)")
        }
    }

    /// Where nobody writes rules, that there are none takes no time: such worlds are what they would be
    /// without any.
    private func answerAtOnce(
        _ effects: inout [AgentEffect], _ engine: SimulatedAgent.Engine, _ agent: SimulatedAgent
    ) throws(StateError) {
        let later = try engine.receive(
            [.rules(.missing)], now: Instant(milliseconds: now), wallClock: agent.disk.wallClock)
        let wakes = effects.filter { if case .wake = $0 { true } else { false } }
        effects.removeAll { $0.readsRules || wakes.contains($0) }
        effects += later
        let isWoken = later.contains { if case .wake = $0 { true } else { false } }
        if !isWoken { effects += wakes }
    }

    private func carryOut(_ effect: AgentEffect, _ agent: SimulatedAgent) {
        switch effect {
        case .readRules(let isInsisting): queue(.rules(isInsisting: isInsisting), agent)
        case .scan(let requests, let wishes): queue(.scan(requests, wishes, []), agent)
        case .apply(let actions):
            deeds += 1
            agent.echoes.expect(actions)
            queue(.apply(actions, []), agent)
        case .read(let requests): for request in requests { beginRead(agent, request) }
        case .send(let message):
            if case .commit(let batch) = message {
                deeds += 1
                if configuration.ignores { checkRemovals(in: batch, of: agent) }
            }
            send(message, agent)
        case .stage(let request):
            deeds += 1
            tickets += 1
            agent.stages[tickets] = request
            schedule(
                .stageEnds(agent: agent.index, incarnation: agent.incarnation, ticket: tickets),
                after: delay(configuration.stageDelay))
        case .unstage(let node, let content):
            agent.stages = agent.stages.filter { $0.value.node != node }
            if agent.folder.staged[node] == content { agent.folder.staged[node] = nil }
        case .wake(let instant):
            agent.wakeGeneration += 1
            queue.add(
                .tick(
                    agent: agent.index, incarnation: agent.incarnation, generation: agent.wakeGeneration),
                at: max(now, instant.milliseconds))
        case .halted(let reason):
            note(99)
            trace("\(agent.name) is halted: \(reason)")
            complete(agent, .confirmHold, after: 100...2000)
        case .resumed: break
        case .checkedLosses: agent.mayHaveLostWrites = false
        }
    }

    /// Hands in what became of an effect, later, in the order in which it was handed in.
    private func complete(_ agent: SimulatedAgent, _ input: AgentInput, after range: ClosedRange<Int>) {
        if case .confirmHold = input {
            schedule(
                .input(agent: agent.index, incarnation: agent.incarnation, input), after: delay(range))
            return
        }
        agent.lastCompletion = max(agent.lastCompletion, now + Int64(delay(range)))
        schedule(
            .input(agent: agent.index, incarnation: agent.incarnation, input), at: agent.lastCompletion)
    }

    // The folder's lane.

    private func queue(_ job: SimulatedAgent.LaneJob, _ agent: SimulatedAgent) {
        agent.lane.append(job)
        advanceLane(agent)
    }

    private func advanceLane(_ agent: SimulatedAgent) {
        guard !agent.isLaneBusy, !agent.lane.isEmpty else { return }
        agent.isLaneBusy = true
        schedule(
            .lane(agent: agent.index, incarnation: agent.incarnation), after: delay(configuration.diskDelay))
    }

    func runLane(_ agent: SimulatedAgent) {
        guard let job = agent.lane.first else { return }
        agent.isLaneBusy = false
        switch job {
        case .rules(let isInsisting):
            agent.lane.removeFirst()
            let reading: RulesReading =
                hasFailure()
                ? .failed(Self.failure("read rules")) : agent.folder.readRules(isInsisting: isInsisting)
            complete(agent, .rules(reading), after: configuration.diskDelay)
        case .scan(let requests, let wishes, let results):
            agent.lane.removeFirst()
            scan(requests, wishes, results, agent)
        case .apply(let actions, var results):
            let action = actions[results.count]
            if configuration.ignores { checkRemoval(action.step, of: agent) }
            let outcome: ApplyOutcome =
                hasFailure()
                ? .failed(Self.failure("apply"))
                : carryingFailure(action, agent) ?? agent.folder.apply(action, self)
            trace("\(agent.name) folder: \(describe(action.step)): \(describe(outcome))")
            results.append(ApplyResult(action: action, outcome: outcome))
            if results.count == actions.count {
                agent.lane.removeFirst()
                agent.echoes.note(results)
                complete(agent, .applied(results), after: configuration.diskDelay)
            } else {
                agent.lane[0] = .apply(actions, results)
            }
        case .filter(let hints):
            agent.lane.removeFirst()
            let news = hints.filter { hint in
                !agent.echoes.explains(hint) { agent.disk.foldsNames ? nil : agent.folder.trace(at: $0) }
            }
            if !news.isEmpty { complete(agent, .hints(news), after: configuration.diskDelay) }
        }
        advanceLane(agent)
    }

    /// Looks at the next place, at one instant; what was found there before is read at another.
    private func scan(
        _ requests: [ScanRequest], _ wishes: ReadingWishes, _ results: [ScanResult], _ agent: SimulatedAgent
    ) {
        var results = results
        if results.isEmpty { for request in requests { agent.echoes.forget(request) } }
        if let last = results.indices.last {
            results[last].reading = agent.folder.read(results[last], wishes)
        }
        if results.count < requests.count {
            let request = requests[results.count]
            let outcome: ScanOutcome =
                hasFailure() ? .failed(Self.failure("scan")) : agent.folder.scan(request)
            results.append(ScanResult(request: request, outcome: outcome))
            if results.count < requests.count || !wishes.isEmpty {
                agent.lane.insert(.scan(requests, wishes, results), at: 0)
                return
            }
        }
        complete(agent, .scanned(results), after: configuration.diskDelay)
    }

    /// What becomes of a step that cannot stage what it carries.
    private func carryingFailure(_ action: ApplyAction, _ agent: SimulatedAgent) -> ApplyOutcome? {
        guard action.carried != nil else { return nil }
        if agent.isStagingBroken {
            return .failed(Problem(carrying.chance(500) ? .noSpace : .inputOutput, "cannot stage: simulated"))
        }
        return isChaos && carrying.chance(20) ? .unstaged : nil
    }

    func hasFailure() -> Bool { isChaos && random.chance(configuration.folderFailure) }

    static func failure(_ what: String) -> Problem { Problem(.inputOutput, "cannot \(what): simulated") }

    private func beginRead(_ agent: SimulatedAgent, _ request: ReadRequest) {
        let (reading, outcome) = agent.folder.beginRead(request)
        guard let reading, !hasFailure() else {
            let shown = reading == nil ? outcome : .failed(Self.failure("read"))
            deliver(ReadResult(node: request.node, path: request.path, outcome: shown), to: agent)
            return
        }
        schedule(
            .readEnds(agent: agent.index, incarnation: agent.incarnation, reading),
            after: delay(configuration.diskDelay))
    }

    func endRead(_ agent: SimulatedAgent, _ reading: SimulatedFolder.Reading) {
        let outcome = agent.folder.endRead(reading, readsLate: random.chance(500))
        let result = ReadResult(node: reading.request.node, path: reading.request.path, outcome: outcome)
        deliver(result, to: agent)
    }

    /// Files are read beside the lane: what was read may be told after what the lane did later.
    private func deliver(_ result: ReadResult, to agent: SimulatedAgent) {
        schedule(
            .input(agent: agent.index, incarnation: agent.incarnation, .read([result])),
            after: delay(configuration.diskDelay))
    }

    func endStage(_ agent: SimulatedAgent, _ ticket: Int) {
        guard let request = agent.stages.removeValue(forKey: ticket) else { return }
        let outcome: StageOutcome
        if agent.isStagingBroken {
            outcome = .failed(Self.failure("stage"))
        } else if isWithinReach(request, agent) {
            agent.folder.staged[request.node] = request.payload.content
            outcome = .ready(nil)
        } else {
            outcome = .unavailable(waitingFor: ["somebody"])
        }
        complete(
            agent, .staged(node: request.node, content: request.payload.content, outcome), after: 0...1)
    }

    private func isWithinReach(_ request: StageRequest, _ agent: SimulatedAgent) -> Bool {
        let content = request.payload.content
        if request.inline != nil || request.payload.sizeBytes == 0 { return true }
        if agent.folder.staged[request.node] == content { return true }
        if let twin = request.twin, holds(agent, twin, content) { return true }
        guard let connection = agent.connection, connection.isOpenAtHub, !connection.isCut else {
            return false
        }
        return hub.store.contains(content) || isServed(content, except: agent.index)
    }

    private func holds(_ agent: SimulatedAgent, _ source: LocalSource, _ content: ContentID) -> Bool {
        guard let inode = agent.disk.find(source.path), agent.disk.inodes[inode].kind == .file else {
            return false
        }
        return agent.disk.fingerprint(inode) == source.fingerprint
            && agent.disk.inodes[inode].token.content == content
    }

    /// Whether some agent that is online has a file with this content, and finds it.
    func isServed(_ content: ContentID, except index: Int?) -> Bool {
        for agent in agents where agent.index != index {
            guard let engine = agent.engine, let connection = agent.connection, connection.isOpenAtHub,
                !connection.isCut
            else { continue }
            if let source = try? engine.locate(content), holds(agent, source, content) { return true }
        }
        return false
    }

    // The watch.

    func pump(_ agent: SimulatedAgent) {
        agent.isPumping = false
        guard agent.disk.watch.isRunning else { return }
        var hints = agent.disk.pumpWatch()
        if isChaos, random.chance(configuration.hintLoss) {
            trace("\(agent.name) loses \(hints.count) hints")
            if !SeededBug.dropsOverflow.isMade {
                schedule(.overflow(agent: agent.index), after: delay(0...500))
            }
            return
        }
        if isChaos, random.chance(configuration.hintDisorder), !hints.isEmpty {
            hints.append(hints[random.below(hints.count)])
            hints.swapAt(random.below(hints.count), random.below(hints.count))
        }
        guard !hints.isEmpty else { return }
        let own = agent.isUp ? hints.filter { agent.echoes.mayExplain($0) } : []
        let others = hints.filter { !own.contains($0) }
        if !others.isEmpty {
            schedule(
                .input(agent: agent.index, incarnation: agent.incarnation, .hints(others)),
                after: delay(0...2))
        }
        if !own.isEmpty { queue(.filter(own), agent) }
    }

    func reportOverflow(_ agent: SimulatedAgent) {
        guard agent.disk.watch.isRunning else { return }
        receive(random.chance(500) ? .rescan : .hints([.subtree(.root)]), at: agent)
    }
}
