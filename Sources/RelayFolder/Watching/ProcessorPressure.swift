// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Whether programs on this machine have to wait for a processor, as the kernel tells it ("pressure stall
/// information", since Linux 4.20).
///
/// Where they do, what a program does next may be late by far more than it takes: nothing follows from its
/// doing nothing for some milliseconds.
package final class ProcessorPressure: Sendable {
    private struct State {
        var isHigh = false
        var readAt: ContinuousClock.Instant?
    }

    private let path: String
    private let state = Mutex(State())

    /// The share of the last ten seconds, in percent, in which somebody waited.
    private static let highPercent = 20.0
    private static let validFor = Duration.seconds(1)

    package init(path: String = "/proc/pressure/cpu") { self.path = path }

    /// Read at most once a second. False where the kernel does not tell.
    package var isHigh: Bool {
        state.withLock { state in
            let now = ContinuousClock.now
            if let readAt = state.readAt, now - readAt < Self.validFor { return state.isHigh }
            state.isHigh = (Self.percent(in: Kernel.text(ofFile: path)) ?? 0) >= Self.highPercent
            state.readAt = now
            return state.isHigh
        }
    }

    /// The average of ten seconds in the line `some avg10=0.00 avg60=…`.
    private static func percent(in text: String) -> Double? {
        let lines = text.split(separator: "\n")
        guard let line = lines.first(where: { $0.hasPrefix("some ") }) else { return nil }
        let fields = line.split(separator: " ")
        return fields.first { $0.hasPrefix("avg10=") }.flatMap { Double($0.dropFirst(6)) }
    }
}
