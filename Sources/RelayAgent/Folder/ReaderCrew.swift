// SPDX-License-Identifier: Apache-2.0

import Dispatch
import RelayCore
import RelayFolder
import Synchronization

/// A few threads that read files, first come, first served, and hand results over in portions: one hop serves
/// many small files, and a single file does not wait.
final class ReaderCrew: Sendable {
    private struct State {
        var requests: [ReadRequest] = []
        var taken = 0
        /// The queues that nobody works on.
        var idle: [DispatchQueue]
        var isStopped = false
    }
    /// How many files are read at the same time.
    private static let width = 2
    private static let portionFiles = 64
    private static let portionBytes = 4 << 20
    private static let portionTime = Duration.milliseconds(5)

    private let folder: SharedFolder
    private let post: @Sendable ([ReadResult]) -> Void
    private let state: Mutex<State>

    init(label: String, folder: SharedFolder, post: @escaping @Sendable ([ReadResult]) -> Void) {
        self.folder = folder
        self.post = post
        // Serial queues have threads of their own, however busy the others are.
        let queues = (0..<Self.width).map { DispatchQueue(label: "\(label).\($0)", qos: .userInitiated) }
        state = Mutex(State(idle: queues))
    }

    func read(_ requests: [ReadRequest]) {
        let starting = state.withLock { state in
            state.requests.append(contentsOf: requests)
            let count = min(state.idle.count, state.requests.count - state.taken)
            defer { state.idle.removeLast(count) }
            return Array(state.idle.suffix(count))
        }
        for queue in starting { queue.async { self.work(on: queue) } }
    }

    /// No more files are begun.
    func stop() { state.withLock { $0.isStopped = true } }

    private func work(on queue: DispatchQueue) {
        var results: [ReadResult] = []
        var bytes = 0
        var begin = ContinuousClock.now
        var reader = FileReader(of: folder)
        func flush() {
            if !results.isEmpty { post(results) }
            results = []
            reader = FileReader(of: folder)
            bytes = 0
            begin = .now
        }
        while let request = next(on: queue) {
            let result = reader.read(request)
            Failpoint.fileRead.reach()
            if case .content(let description, _, _) = result.outcome { bytes += description.inlineBytes }
            results.append(result)
            if results.count >= Self.portionFiles || bytes >= Self.portionBytes
                || ContinuousClock.now - begin > Self.portionTime
            {
                flush()
            }
        }
        flush()
    }

    private func next(on queue: DispatchQueue) -> ReadRequest? {
        state.withLock { state in
            guard !state.isStopped, state.taken < state.requests.count else {
                state.idle.append(queue)
                if state.taken == state.requests.count {
                    state.requests = []
                    state.taken = 0
                }
                return nil
            }
            defer { state.taken += 1 }
            let request = state.requests[state.taken]
            // It may be long, and what was taken stays here until all is.
            state.requests[state.taken].former = nil
            return request
        }
    }
}

extension ContentDescription {
    /// What the description takes in memory beyond its fixed size, roughly.
    fileprivate var inlineBytes: Int { (inline?.bytes.count ?? 0) + manifest.chunks.count * 40 }
}
