// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// Threads of their own for suites whose tests block while programs work: on the few threads that all tests
/// share they would hold up everybody else.
final class Lane: TaskExecutor, SuiteTrait, TestScoping {
    private let queue = OperationQueue()

    /// So many tests run in it at a time.
    fileprivate init(_ name: String, width: Int) {
        queue.name = name
        queue.maxConcurrentOperationCount = width
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.addOperation { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }

    @concurrent
    func provideScope(
        for test: Test, testCase: Test.Case?, performing body: @concurrent @Sendable () async throws -> Void
    ) async throws {
        try await withTaskExecutorPreference(self) { try await body() }
    }
}

extension Trait where Self == Lane {
    /// For what keeps processors busy: three tests at a time, of whatever suites.
    static var busyLane: Lane { Lanes.busy }
    /// All tests at once: they do little but wait.
    static var patientLane: Lane { Lanes.patient }
}

private enum Lanes {
    static let busy = Lane("busy", width: 3)
    static let patient = Lane("patient", width: 64)
}
