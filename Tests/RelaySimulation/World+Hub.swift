// SPDX-License-Identifier: Apache-2.0

import RelayCore

// The hub's runtime, its store, and the connections to it.

extension World {
    func startHub() {
        guard hub.engine == nil else { return }
        hub.incarnation += 1
        trace("hub starts at \(hub.index.head.revision)")
        hub.engine = HubEngine(index: hub.index, chain: simulatedChain) { [unowned self] content in
            hub.store.contains(content) ? Token(content).offer : nil
        }
    }

    func crashHub() {
        guard hub.engine != nil else { return }
        trace("hub crashes")
        hub.index.rollBack()
        hub.engine = nil
        hub.incarnation += 1
        hub.inbox = []
        hub.isProcessing = false
        for connection in hub.connections {
            connection.isOpenAtHub = false
            cut(connection)
        }
        hub.connections = []
        schedule(.startHub, after: delay(1...3000))
    }

    // Connections.

    func connect(_ agent: SimulatedAgent) {
        guard agent.isUp, agent.connection == nil else { return }
        guard hub.isUp, agent.offlineUntil <= now else {
            let again = max(agent.offlineUntil, now + Int64(delay(5...200)))
            schedule(.connect(agent: agent.index), at: again)
            return
        }
        connections += 1
        let connection = Connection(
            id: SubscriberID(connections), agent: agent.index, agentIncarnation: agent.incarnation,
            hubIncarnation: hub.incarnation)
        if random.chance(500) {
            for older in hub.connections where older.agent == agent.index { closeAtHub(older) }
        }
        agent.connection = connection
        hub.connections.append(connection)
        trace("\(agent.name) connects as \(connection.id.number)")
        receive(.connected, at: agent)
        retryStagings()
    }

    /// Ends a connection: of what is on its way, some arrives yet; the ends notice at different times.
    func cut(_ connection: Connection) {
        guard !connection.isCut else { return }
        trace("connection \(connection.id.number) of \(agents[connection.agent].name) is cut")
        connection.toHubCutoff = now + Int64(random.chance(500) ? 0 : delay(0...100))
        connection.toAgentCutoff = min(
            connection.toAgentCutoff, now + Int64(random.chance(500) ? 0 : delay(0...100)))
        schedule(.agentNotices(connection), after: delay(0...300))
        schedule(.hubNotices(connection), after: delay(0...3000))
    }

    func agentNotices(_ connection: Connection) {
        guard connection.isOpenAtAgent else { return }
        connection.isOpenAtAgent = false
        let agent = agents[connection.agent]
        guard agent.incarnation == connection.agentIncarnation, agent.connection === connection else {
            return
        }
        agent.connection = nil
        receive(.disconnected, at: agent)
        schedule(.connect(agent: agent.index), after: delay(1...500))
    }

    func hubNotices(_ connection: Connection) { closeAtHub(connection) }

    private func closeAtHub(_ connection: Connection) {
        guard connection.isOpenAtHub else { return }
        connection.isOpenAtHub = false
        hub.connections.removeAll { $0 === connection }
        receive(.unsubscribed(connection.id))
        // The agent of a connection that was still good learns of it.
        cut(connection)
    }

    func send(_ message: AgentMessage, _ agent: SimulatedAgent) {
        guard let connection = agent.connection else { return }
        connection.lastToHub = max(connection.lastToHub, now + Int64(delay(configuration.latency)))
        schedule(.toHub(connection, message), at: connection.lastToHub)
    }

    private func send(_ message: HubMessage, _ connection: Connection) {
        if case .changes = message { connection.pagesUnderWay += 1 }
        connection.lastToAgent = max(connection.lastToAgent, now + Int64(delay(configuration.latency)))
        schedule(.toAgent(connection, message), at: connection.lastToAgent)
    }

    func arrive(_ message: AgentMessage, atHubFrom connection: Connection) {
        guard connection.isOpenAtHub, now <= connection.toHubCutoff,
            connection.hubIncarnation == hub.incarnation
        else { return }
        let agent = agents[connection.agent]
        trace("hub < \(agent.name): \(describe(message))")
        switch message {
        case .subscribe(let subscription):
            receive(.subscribed(connection.id, agent.device, subscription))
        case .commit(let batch): receive(.commit(connection.id, completed(batch, connection)))
        case .offer(let offers):
            if offers.isEmpty { connection.kept = [:] }
            // What the hub has no room for it asks for when it is committed.
            for offer in offers where !random.chance(100) { connection.kept[offer.content] = offer }
        case .applied(let revision): receive(.applied(connection.id, revision))
        case .ping, .pong, .audit, .leave: break
        }
    }

    /// The batch with the contents that were offered ahead of it.
    private func completed(_ batch: Batch, _ connection: Connection) -> Batch {
        var batch = batch
        for (index, offer) in batch.offers.enumerated() where offer.inline == nil {
            if let kept = connection.kept.removeValue(forKey: offer.content) { batch.offers[index] = kept }
        }
        return batch
    }

    func arrive(_ message: HubMessage, atAgentOf connection: Connection) {
        if case .changes = message {
            connection.pagesUnderWay -= 1
            if connection.pagesUnderWay == 0, connection.isOpenAtHub { receive(.drained(connection.id)) }
        }
        let agent = agents[connection.agent]
        guard connection.isOpenAtAgent, now <= connection.toAgentCutoff,
            agent.incarnation == connection.agentIncarnation, agent.connection === connection
        else { return }
        receive(.message(message), at: agent)
    }

    // Deciding.

    func receive(_ input: HubInput) {
        guard hub.isUp else { return }
        hub.inbox.append(input)
        guard !hub.isProcessing else { return }
        hub.isProcessing = true
        schedule(.processHub(incarnation: hub.incarnation), after: delay(0...2))
    }

    func processHub() {
        guard let engine = hub.engine else { return }
        let inputs = hub.inbox
        hub.inbox = []
        hub.isProcessing = false
        do {
            let effects = try engine.receive(inputs)
            if isChaos, random.chance(configuration.hubCrashInCommit) {
                if random.chance(500) {
                    hub.index.commit()
                    keepOffers(of: inputs)
                }
                crashHub()
                return
            }
            hub.index.commit()
            keepOffers(of: inputs)
            for effect in effects { carryOut(effect) }
        } catch {
            fail("engine", "the hub failed: \(error)")
        }
    }

    private func carryOut(_ effect: HubEffect) {
        switch effect {
        case .send(let id, let message):
            guard let connection = hub.connections.first(where: { $0.id == id }) else { return }
            note(id.number)
            trace("hub > \(agents[connection.agent].name): \(describe(message))")
            for part in divided(message) { send(part, connection) }
        case .acquire(let content, _, _):
            schedule(.acquire(content: content, attempts: 0), after: delay(configuration.stageDelay))
        }
    }

    /// A page may come in several, as when it is too large for one.
    private func divided(_ message: HubMessage) -> [HubMessage] {
        guard case .changes(var page) = message, page.records.count > 1, random.chance(200) else {
            return [message]
        }
        let count = random.within(1...page.records.count - 1)
        guard let last = page.records.prefix(count).last?.revision,
            let chain = hub.index.chain(at: last)
        else { return [message] }
        let first = ChangePage(
            records: Array(page.records.prefix(count)), offers: page.offers,
            through: Cursor(epoch: hub.index.epoch, revision: last, chain: chain), reachesHead: false)
        page.records.removeFirst(count)
        if random.chance(500) { page.offers = [] }
        return [.changes(first), .changes(page)]
    }

    // Contents.

    private func keepOffers(of inputs: [HubInput]) {
        for input in inputs {
            guard case .commit(_, let batch) = input else { continue }
            for offer in batch.offers where offer.inline != nil { keep(offer.content) }
        }
    }

    private func keep(_ content: ContentID) {
        guard !hub.store.contains(content) else { return }
        switch configuration.store {
        case .nothing: return
        case .everything: hub.store.append(content)
        case .little:
            hub.store.append(content)
            guard hub.store.count > 3 else { return }
            // Forgets only what some machine has on its disk.
            let index = hub.store.firstIndex { content in isOnSomeDisk(Token(content)) }
            if let index { hub.store.remove(at: index) }
        }
        retryStagings()
    }

    func isOnSomeDisk(_ token: Token) -> Bool {
        agents.contains { agent in
            agent.disk.walk().contains {
                agent.disk.inodes[$0.inode].kind == .file && agent.disk.inodes[$0.inode].token == token
            }
        }
    }

    func acquire(_ content: ContentID, _ attempts: Int) {
        guard configuration.store != .nothing, !hub.store.contains(content), attempts < 20 else { return }
        if hub.isUp, isServed(content, except: nil) {
            keep(content)
        } else {
            schedule(.acquire(content: content, attempts: attempts + 1), after: delay(50...500))
        }
    }

    /// Something became available: waiting agents are told to ask again.
    private func retryStagings() {
        for agent in agents where agent.isUp && agent.connection != nil {
            schedule(
                .input(agent: agent.index, incarnation: agent.incarnation, .retryStaging),
                after: delay(configuration.latency))
        }
    }
}
