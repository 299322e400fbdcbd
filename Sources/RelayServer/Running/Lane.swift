// SPDX-License-Identifier: Apache-2.0

import Dispatch

/// A line of work that may block, away from the threads that tasks share. It is an actor's executor: what the
/// actor does is done here, in the order in which it was asked for.
final class Lane: SerialExecutor {
    private let queue: DispatchQueue

    init(label: String) { queue = DispatchQueue(label: label) }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { job.runSynchronously(on: self.asUnownedSerialExecutor()) }
    }

    /// Does blocking work in the line and returns its result.
    func run<T: Sendable, Failure: Error>(
        _ body: @escaping @Sendable () throws(Failure) -> T
    ) async throws(Failure) -> T {
        let result: Result<T, Failure> = await withCheckedContinuation { continuation in
            queue.async {
                do throws(Failure) {
                    continuation.resume(returning: .success(try body()))
                } catch {
                    continuation.resume(returning: .failure(error))
                }
            }
        }
        return try result.get()
    }
}

/// Several lanes for blocking work that needs no order.
struct LanePool: Sendable {
    private let lanes: [Lane]

    init(label: String, count: Int) { lanes = (0..<max(1, count)).map { Lane(label: "\(label).\($0)") } }

    /// The lane for whoever has this number; the same number always gets the same lane.
    func lane(_ number: UInt64) -> Lane { lanes[Int(number % UInt64(lanes.count))] }
}
