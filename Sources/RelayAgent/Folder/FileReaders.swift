// SPDX-License-Identifier: Apache-2.0

import RelayCore
import RelayFolder
import Synchronization

/// Reads and hashes changed files on a few threads, and hands results over in portions: one hop serves many
/// small files, and a single file does not wait.
final class FileReaders: Sendable {
    private struct State {
        var requests: [ReadRequest] = []
        var taken = 0
        var working = 0
        var isStopped = false
    }
    /// How many files are read at the same time.
    private static let width = 2
    private static let portionFiles = 64
    private static let portionBytes = 4 << 20
    private static let portionTime = Duration.milliseconds(5)

    private let folder: SharedFolder
    private let pool = BlockingPool(label: "relay.read", width: FileReaders.width)
    private let post: @Sendable ([ReadResult]) -> Void
    private let state = Mutex(State())

    init(folder: SharedFolder, post: @escaping @Sendable ([ReadResult]) -> Void) {
        self.folder = folder
        self.post = post
    }

    func read(_ requests: [ReadRequest]) {
        let starting = state.withLock { state in
            state.requests.append(contentsOf: requests)
            let waiting = state.requests.count - state.taken
            let starting = min(Self.width - state.working, waiting)
            state.working += starting
            return starting
        }
        for _ in 0..<starting { pool.submit { self.work() } }
    }

    /// No more files are begun.
    func stop() { state.withLock { $0.isStopped = true } }

    private func work() {
        var results: [ReadResult] = []
        var bytes = 0
        var begin = ContinuousClock.now
        func flush() {
            if !results.isEmpty { post(results) }
            results = []
            bytes = 0
            begin = .now
        }
        while let request = next() {
            let result = folder.read(request)
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

    private func next() -> ReadRequest? {
        state.withLock { state in
            guard !state.isStopped, state.taken < state.requests.count else {
                state.working -= 1
                if state.taken == state.requests.count {
                    state.requests = []
                    state.taken = 0
                }
                return nil
            }
            defer { state.taken += 1 }
            return state.requests[state.taken]
        }
    }
}

extension ContentDescription {
    /// What the description takes in memory beyond its fixed size, roughly.
    fileprivate var inlineBytes: Int { (inline?.bytes.count ?? 0) + manifest.chunks.count * 40 }
}
