// SPDX-License-Identifier: Apache-2.0

internal import RelayCore
internal import Synchronization

/// A folder's `relay-watch`, started and read by this process.
///
/// A thread of its own reads the records and waits for the end of the program, which ends with this
/// process even if that is killed, since its standard input closes then.
package final class WatchProcess: Sendable {
    private enum State {
        case idle
        case running(WatchChild)
        case stopped
    }

    private let executable: String
    private let folder: String
    private let state = Mutex(State.idle)

    /// - Parameters:
    ///   - executable: the path of `relay-watch`.
    ///   - folder: the path of the folder's root.
    package init(executable: String, folder: String) {
        self.executable = executable
        self.folder = folder
    }

    deinit { stop() }

    /// What became of an event that was given to somebody.
    package enum Receipt: Sendable {
        case taken
        /// It is to be given again a little later.
        case full
        /// Nobody wants any more.
        case refused
    }

    /// Starts the program, and gives what it tells until `ended`. Call once.
    ///
    /// Events wait for the reader; when very many do, the program waits as well, and tells of an overflow
    /// in the end. A reader that stops reading ends the program.
    package func events() -> AsyncStream<WatchEvent> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: WatchEvent.self, bufferingPolicy: .bufferingOldest(Self.limitWaitingEvents))
        continuation.onTermination = { [weak self] _ in self?.stop() }
        start { event in
            switch continuation.yield(event) {
            case .enqueued: break
            case .dropped:
                // Nothing comes after the end, for which alone nobody waits.
                guard case .ended = event else { return .full }
            default: return .refused
            }
            if case .ended = event { continuation.finish() }
            return .taken
        }
        return stream
    }

    /// Starts the program, and gives what it tells until `ended`, on a thread of its own. Call once.
    package func start(_ give: @escaping @Sendable (WatchEvent) -> Receipt) {
        do throws(WatchStartError) {
            let child = try state.withLock { state throws(WatchStartError) in
                guard case .idle = state else { throw WatchStartError("it was started before or stopped") }
                let child = try WatchChild(executable: executable, folder: folder)
                state = .running(child)
                return child
            }
            try WatchReader(child: child, give: give).start()
        } catch {
            _ = give(.ended("cannot start \(executable): \(error)"))
        }
    }

    /// Ends the program, soon: by closing its standard input, and if it does not go, by signals.
    package func stop() {
        let child = state.withLock { state -> WatchChild? in
            defer { state = .stopped }
            if case .running(let child) = state { return child }
            return nil
        }
        child?.requestEnd()
    }

    private static let limitWaitingEvents = 4096
}
