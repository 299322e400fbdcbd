// SPDX-License-Identifier: Apache-2.0

import RelayCore
import RelayFolder
import Synchronization

/// Carries out the engine's stage requests, many at the same time.
///
/// What is done for one staged file is done in the order in which it was asked for: a file that is not wanted
/// any more is gone before it is staged again.
final class ContentFetcher: Sendable {
    private struct Key: Hashable {
        var node: NodeID
        var content: ContentID
    }

    /// The latest work on one staged file.
    private struct Work {
        var number: UInt64
        var task: Task<Void, Never>
        /// Whether it stages (and not unstages).
        var isStaging: Bool
        /// The devices that the hub waits for; nil while nothing is waited for.
        var waitingFor: [String]?
        /// Whether the engine waits for no answer: it was told that the content is not to be had now.
        var isAnswered = false
    }

    private struct State {
        var works: [Key: Work] = [:]
        var lastNumber: UInt64 = 0
        var waiting = 0
        var isStopped = false
    }

    private let tools: FetchTools
    /// How much of the contents that are on their way has come.
    var progress: TransferProgress { tools.progress }
    private let places = Permits(TransferLimits.contents)
    private let post: @Sendable (AgentInput) -> Void
    private let state = Mutex(State())

    /// `post` takes the answers.
    init(tools: FetchTools, post: @escaping @Sendable (AgentInput) -> Void) {
        self.tools = tools
        self.post = post
    }

    /// Begins to stage a content. The answer is posted; after one that names devices that are waited for,
    /// another follows when they came.
    func stage(_ request: StageRequest) {
        let key = Key(node: request.node, content: request.payload.content)
        let waitingFor: [String]?? = state.withLock { state in
            guard let work = state.works[key], work.isStaging else {
                begin(key, isStaging: true, in: &state) { [self] number in
                    await stage(request, key, number)
                }
                return nil
            }
            // The work that waits, or that has just gone on, answers this request too.
            state.works[key]?.isAnswered = work.waitingFor != nil
            return .some(work.waitingFor)
        }
        if case .some(.some(let devices)) = waitingFor {
            post(.staged(node: key.node, content: key.content, .unavailable(waitingFor: devices)))
        }
    }

    /// Removes a staged or half-staged file; nothing is posted.
    func unstage(node: NodeID, content: ContentID) {
        let key = Key(node: node, content: content)
        state.withLock { state in
            state.works[key]?.task.cancel()
            begin(key, isStaging: false, in: &state) { [self] number in
                let folder = tools.folder
                await tools.pool.run { folder.unstage(node: node, content: content) }
                end(key, number)
            }
        }
    }

    /// Stages a content for a reader of its own; nil when it is cancelled. `onWaiting` is told the devices
    /// that the hub waits for.
    func fetch(
        _ request: StageRequest, onWaiting: @escaping @Sendable ([String]?) async -> Void
    ) async -> StageOutcome? {
        await StageJob(request: request, tools: tools, places: places, onWaiting: onWaiting).run()
    }

    /// The devices that the hub waits for to get a node's content; nil if it does not.
    func devices(waitedForBy node: NodeID) -> [String]? {
        state.withLock { state in
            state.works.first { $0.key.node == node && $0.value.waitingFor != nil }?.value.waitingFor
        }
    }

    /// Ends all work.
    func stop() async {
        let tasks = state.withLock { state in
            state.isStopped = true
            return state.works.values.map(\.task)
        }
        for task in tasks { task.cancel() }
        for task in tasks { await task.value }
    }

    // The work is cancelled piece by piece, by the engine's word, and all of it by `stop`: hence tasks that
    // are no children of a group.
    private func begin(
        _ key: Key, isStaging: Bool, in state: inout State,
        _ body: @escaping @Sendable (UInt64) async -> Void
    ) {
        guard !state.isStopped else { return }
        state.lastNumber += 1
        let number = state.lastNumber
        let before = state.works[key]
        if before?.waitingFor != nil { state.waiting -= 1 }
        let task = Task {
            await before?.task.value
            await body(number)
        }
        state.works[key] = Work(number: number, task: task, isStaging: isStaging)
    }

    /// False if the work is not the latest on its file any more.
    @discardableResult
    private func end(_ key: Key, _ number: UInt64) -> Bool {
        state.withLock { state in
            guard let work = state.works[key], work.number == number else { return false }
            if work.waitingFor != nil { state.waiting -= 1 }
            state.works[key] = nil
            return true
        }
    }

    private func stage(_ request: StageRequest, _ key: Key, _ number: UInt64) async {
        let job = StageJob(request: request, tools: tools, places: places) { [self] devices in
            wait(key, number, for: devices)
        }
        let outcome = await job.run()
        let wasTold = state.withLock { state in
            state.works[key]?.number == number && state.works[key]?.isAnswered == true
        }
        end(key, number)
        guard let outcome, !Task.isCancelled else {
            // Ended by too many that wait; the engine was told so. Or it is not wanted any more.
            return
        }
        if wasTold, case .failed = outcome {
            // The engine asks again by itself.
            return
        }
        post(.staged(node: key.node, content: key.content, outcome))
    }

    /// The hub has to wait for devices: the engine is told, and the request stays open if there is room.
    /// Nil: it waits no more.
    private func wait(_ key: Key, _ number: UInt64, for devices: [String]?) {
        let mustTell = state.withLock { state in
            guard var work = state.works[key], work.number == number else { return false }
            state.waiting += (devices == nil ? 0 : 1) - (work.waitingFor == nil ? 0 : 1)
            work.waitingFor = devices
            if devices != nil { work.isAnswered = true }
            if state.waiting > TransferLimits.waitingContents {
                work.task.cancel()
                work.isStaging = false
            }
            state.works[key] = work
            return devices != nil
        }
        guard mustTell, let devices else { return }
        post(.staged(node: key.node, content: key.content, .unavailable(waitingFor: devices)))
    }
}
