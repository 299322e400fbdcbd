// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Testing

/// Threads of their own for suites whose tests block while programs work: on the few threads that all tests
/// share they would hold up everybody else.
final class Lane: TaskExecutor, SuiteTrait, TestScoping {
    private let queue: DispatchQueue

    fileprivate init(_ name: String, isConcurrent: Bool = false) {
        queue = DispatchQueue(label: name, attributes: isConcurrent ? .concurrent : [])
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }

    @concurrent
    func provideScope(
        for test: Test, testCase: Test.Case?, performing body: @concurrent @Sendable () async throws -> Void
    ) async throws {
        try await withTaskExecutorPreference(self) { try await body() }
    }
}

extension Trait where Self == Lane {
    /// One test at a time.
    static var firstLane: Lane { Lanes.first }
    /// One test at a time, beside those of the other lanes.
    static var secondLane: Lane { Lanes.second }
    /// One more.
    static var thirdLane: Lane { Lanes.third }
    /// All tests at once: they do little but wait.
    static var patientLane: Lane { Lanes.patient }
}

private enum Lanes {
    static let first = Lane("first")
    static let second = Lane("second")
    static let third = Lane("third")
    static let patient = Lane("patient", isConcurrent: true)
}
