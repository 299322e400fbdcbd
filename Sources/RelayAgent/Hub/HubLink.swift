// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Logging
import RelayCore
import RelayWire
import Synchronization

/// A folder's connections to its hub: dialled for ever, until the task is cancelled.
///
/// The control connection carries the engine's messages, the bulk connection contents. They live and die
/// together.
final class HubLink: Sendable {
    /// What the link is doing, for people.
    struct Status: Sendable {
        var isConnected = false
        /// Why there is no connection; nil before the first attempt ended.
        var reason: String?
        /// Whether somebody at the hub took the device's access back.
        var isRevoked = false
        /// Why the hub takes no changes, though there is a connection.
        var trouble: String?
    }

    /// What tells whether the engine can take more.
    struct Room: Sendable {
        /// Whether it can.
        let isThere: @Sendable () -> Bool
        /// Fires when it may have become so.
        let changed: Signal

        /// Returns when there is room, or after the longest time that the hub may be left unheard.
        func wait() async {
            guard !isThere() else { return }
            _ = await withDeadline(seconds: HubLink.longestSilence) { () -> Bool? in
                while !Task.isCancelled {
                    let generation = changed.generation
                    if isThere() { return true }
                    await changed.wait(after: generation)
                }
                return nil
            }
        }
    }

    private struct State {
        var status = Status()
        /// The queue of the newest connection.
        var newest: ControlQueue?
        /// The queue of the connection that the engine knows of.
        var current: ControlQueue?
        /// Questions whether everything was heard, until their pong comes.
        var questions: [UInt64: OneShot<Bool>] = [:]
        var lastQuestion: UInt64 = 0
        /// How far the folder is, as long as the hub has not been told.
        var untold: Revision?

        /// Tells the hub how far the folder is.
        mutating func tellApplied() {
            guard let revision = untold, let current else { return }
            untold = nil
            current.append(.applied(revision))
            Failpoint.appliedTold.reach()
        }
    }

    private let address: HubAddress
    private let exchange: BulkExchange
    private let provider: ContentProvider
    private let post: @Sendable (AgentInput) -> Void
    private let room: Room
    private let logger: Logger
    /// Questions about the hub's index.
    let audits = Audits()
    private let state = Mutex(State())

    /// A connection that lived for less is dialled anew with a growing delay.
    private static let settledAfter = Duration.seconds(2)
    /// How long the hub may be in the dark about how far the folder is.
    private static let appliedDelay = DispatchTimeInterval.seconds(1)
    /// How long the hub is left unheard, in seconds, while the folder takes in what came before.
    private static let longestSilence = 5.0
    /// How long to wait after a refusal, at the least.
    private static let refusalPause = Duration.seconds(5)

    /// `post` takes what the engine is to be told, as long as there is `room` for pages.
    init(
        address: HubAddress, exchange: BulkExchange, provider: ContentProvider, logger: Logger, room: Room,
        post: @escaping @Sendable (AgentInput) -> Void
    ) {
        self.address = address
        self.exchange = exchange
        self.provider = provider
        self.logger = logger
        self.room = room
        self.post = post
    }

    var status: Status { state.withLock { $0.status } }

    /// Sends the engine's message; it is dropped without a connection.
    ///
    /// The engine begins each connection with `subscribe`: what it says before is for the one before. How far
    /// the folder is, the hub is told a little later, once for all that is applied until then.
    func send(_ message: AgentMessage) {
        let isFirst = state.withLock { state in
            switch message {
            case .applied(let revision):
                defer { state.untold = revision }
                return state.untold == nil
            case .subscribe:
                // Of a connection that came and went before the engine could begin it, nothing is left.
                guard state.current !== state.newest else { return false }
                state.current = state.newest
                state.untold = nil
            default: break
            }
            state.current?.append(message)
            return false
        }
        guard isFirst else { return }
        DispatchQueue.global().asyncAfter(deadline: .now() + Self.appliedDelay) { [weak self] in
            self?.state.withLock { $0.tellApplied() }
        }
    }

    /// Asks the hub for everything that it has to tell. True once that was posted; false if the connection is
    /// lost before, or there is none.
    func hearEverything() async -> Bool {
        let answer = OneShot<Bool>()
        let question: UInt64? = state.withLock { state in
            let number = state.lastQuestion + 1
            state.tellApplied()
            guard let queue = state.current, queue.append(.ping(number)) else { return nil }
            state.lastQuestion = number
            state.questions[number] = answer
            return number
        }
        guard let question else { return false }
        let isAnswered = await answer.wait() ?? false
        state.withLock { _ = $0.questions.removeValue(forKey: question) }
        return isAnswered
    }

    /// Dials until the task is cancelled.
    func run() async {
        var backoff = Backoff(first: .milliseconds(100), limit: .seconds(30))
        while !Task.isCancelled {
            let begin = ContinuousClock.now
            var isAdmitted = false
            var cause: WireError = .closed
            do throws(WireError) {
                let (control, bulk) = try await dial()
                isAdmitted = true
                state.withLock { $0.status = Status(isConnected: true, reason: nil) }
                logger.info("connected to the hub", metadata: ["hub": "\(address.text)"])
                cause = await serve(control, bulk)
            } catch {
                cause = error
            }
            if Task.isCancelled { break }
            report(cause)
            if isAdmitted, ContinuousClock.now - begin > Self.settledAfter {
                backoff.reset()
                continue
            }
            var delay = backoff.next()
            switch cause {
            case .refused, .wrongHub, .protocolViolation: delay = max(delay, Self.refusalPause)
            default: break
            }
            await pause(delay)
        }
        state.withLock { $0.status = Status() }
    }

    private func report(_ cause: WireError) {
        let reason = "\(cause)"
        let isNews = state.withLock { state in
            defer {
                state.status = Status(isConnected: false, reason: reason, isRevoked: cause.isRevocation)
            }
            return state.status.reason != reason
        }
        guard isNews else { return }
        logger.warning(
            "no connection to the hub", metadata: ["hub": "\(address.text)", "reason": "\(reason)"])
    }

    private func dial() async throws(WireError) -> (AgentControl, Bulk) {
        let (_, control) = try await Dialer.connectControl(
            host: address.host, port: address.port, identity: address.identity, hub: address.hub,
            hello: address.hello(.control))
        do throws(WireError) {
            let (_, bulk) = try await Dialer.connectBulk(
                host: address.host, port: address.port, identity: address.identity, hub: address.hub,
                hello: address.hello(.bulk))
            return (control, bulk)
        } catch {
            await control.close()
            throw error
        }
    }

    /// Serves both connections until one of them ends; says why it did.
    private func serve(_ control: AgentControl, _ bulk: Bulk) async -> WireError {
        let outbox = ControlQueue(control)
        let bulkOutbox = exchange.attach { bulk.receivedChunkBytes }
        let asks = AskQueue()
        state.withLock { $0.newest = outbox }
        post(.connected)
        let cause = await withTaskGroup(of: WireError?.self) { group in
            group.addTask { [self] in await readControl(control) }
            group.addTask { await outbox.run() }
            group.addTask { [self] in await readBulk(bulk, asks) }
            group.addTask { await Self.write(bulkOutbox, to: bulk) }
            group.addTask { [self] in
                await provider.serve(asks, on: bulk)
                return nil
            }
            var cause: WireError?
            if let first = await group.next() { cause = first }
            group.cancelAll()
            state.withLock { $0.tellApplied() }
            await control.close()
            await bulk.close()
            for await other in group where cause == nil { cause = other }
            return cause ?? .closed
        }
        outbox.finish()
        exchange.detach()
        let questions = state.withLock { state in
            state.status.isConnected = false
            state.status.trouble = nil
            state.newest = nil
            state.current = nil
            defer { state.questions = [:] }
            return Array(state.questions.values)
        }
        for question in questions { question.set(false) }
        audits.end()
        post(.disconnected)
        return cause
    }

    private func readControl(_ control: AgentControl) async -> WireError? {
        control.receiveDirectly { [weak self] message in
            // What is logged may have to wait for whoever reads the log, and pages may for room.
            switch message {
            case .trouble: return false
            case .changes: return self.map { $0.room.isThere() && $0.take(message) } ?? false
            default: return self?.take(message) ?? false
            }
        }
        do throws(WireError) {
            while let messages = try await control.nextBatch() {
                for message in messages {
                    if case .goodbye(let reason, let text) = message { return .refused(reason, text) }
                    if case .changes = message { await room.wait() }
                    _ = take(message)
                }
            }
            return .lost("the hub closed the connection")
        } catch {
            return error
        }
    }

    /// False for the hub's goodbye.
    private func take(_ message: HubMessage) -> Bool {
        switch message {
        case .goodbye: return false
        case .pong(let number): state.withLock { $0.questions[number] }?.set(true)
        case .ping(let number): send(.pong(number))
        case .trouble(let text): note(trouble: text)
        case .audited(let number, let page): audits.answer(number, page)
        case .welcome(let welcome):
            audits.begin(welcome)
            post(.message(message))
        case .changes, .committed: post(.message(message))
        }
        return true
    }

    private func note(trouble: String?) {
        let isNews = state.withLock { state in
            defer { state.status.trouble = trouble }
            return state.status.trouble != trouble
        }
        guard isNews else { return }
        if let trouble {
            logger.warning("the hub takes no changes for now", metadata: ["reason": "\(trouble)"])
        } else {
            logger.info("the hub takes changes again")
        }
    }

    private func readBulk(_ bulk: Bulk, _ asks: AskQueue) async -> WireError? {
        do throws(WireError) {
            while let messages = try await bulk.nextBatch() {
                for message in messages { await take(message, asks) }
            }
            return .lost("the hub closed the connection")
        } catch {
            return error
        }
    }

    private func take(_ message: BulkMessage, _ asks: AskQueue) async {
        switch message {
        case .wantManifest(let request, let content, let known):
            _ = await asks.add(.manifest(request: request, content, known: known))
        case .wantChunks(let request, let content, let wants):
            if !wants.isEmpty { _ = await asks.add(.chunks(request: request, content, wants[...])) }
        case .cancel(let request): asks.cancel(request)
        case .manifest(let request, let first, let total, let chunks):
            await exchange.receive(.manifest(request: request, first: first, total: total, chunks: chunks))
        case .manifestCopy(let request, let first, let total, let start, let count):
            await exchange.receive(
                .manifestCopy(request: request, first: first, total: total, start: start, count: count))
        case .chunk(let request, let index, let chunk):
            await exchange.receive(.chunk(request: request, index: index, chunk, isDelta: false))
        case .chunkDelta(let request, let index, let delta):
            await exchange.receive(.chunk(request: request, index: index, delta, isDelta: true))
        case .unavailable(let request, let index, let reason):
            await exchange.receive(.unavailable(request: request, index: index, reason))
        case .waiting(let request, let devices):
            await exchange.receive(.waiting(request: request, devices: devices))
        }
    }

    /// Sends what the queue gets, all that waits at once.
    private static func write<Inbound, Outbound>(
        _ queue: AsyncQueue<Outbound>, to connection: WireConnection<Inbound, Outbound>
    ) async -> WireError? {
        do throws(WireError) {
            while let messages = await queue.takeAll() { try await connection.send(messages) }
            return nil
        } catch {
            return error
        }
    }
}

extension WireError {
    fileprivate var isRevocation: Bool {
        if case .refused(.revoked, _) = self { true } else { false }
    }
}
