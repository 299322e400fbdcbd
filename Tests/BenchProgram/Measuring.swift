// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Runs pieces of work again and again, and says what one of them takes.
///
/// Of several runs the fastest counts: what others do on the machine only ever makes a run slower.
struct Measuring {
    /// Only benchmarks whose names contain this.
    var filter = ""
    private static let runs = 5

    /// What a result is told in.
    enum Unit {
        /// Work on so many bytes: told in MiB a second.
        case bytes(Int)
        /// Work on so many things: told in microseconds for each.
        case items(Int, String)
    }

    /// Measures `work`; `prepare` makes what each run starts from, and is not measured.
    func measure<State>(
        _ name: String, _ unit: Unit, prepare: () throws -> State, work: (inout State) throws -> Void
    ) throws {
        guard filter.isEmpty || name.contains(filter) else { return }
        var best = Duration.seconds(1_000_000)
        for _ in 0..<Self.runs {
            var state = try prepare()
            let start = ContinuousClock.now
            try work(&state)
            best = min(best, ContinuousClock.now - start)
        }
        let seconds = Double(best.components.seconds) + Double(best.components.attoseconds) * 1e-18
        let label = name + String(repeating: " ", count: max(1, 44 - name.count))
        switch unit {
        case .bytes(let count): print(label + "\(Int(Double(count) / seconds / 1_048_576)) MiB/s")
        case .items(let count, let item):
            let nanoseconds = Int(seconds * 1e9 / Double(count))
            print(label + "\(nanoseconds / 1000).\(padded(nanoseconds % 1000)) us per \(item)")
        }
    }

    func measure(_ name: String, _ unit: Unit, work: () throws -> Void) throws {
        try measure(name, unit, prepare: {}, work: { _ in try work() })
    }

    private func padded(_ number: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: 3 - digits.count) + digits
    }
}

/// A directory for one run, removed with all in it when it is not used any more.
final class Scratch {
    let path: String

    init() throws {
        var template = Array("/var/tmp/relay-bench-XXXXXX".utf8CString)
        guard let made = mkdtemp(&template) else {
            throw BenchError(text: "cannot make a directory in /var/tmp")
        }
        path = String(cString: made)
    }

    deinit { Scratch.remove(path) }

    private static func remove(_ path: String) {
        guard let stream = opendir(path) else {
            unlink(path)
            return
        }
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != "." && name != ".." { remove(path + "/" + name) }
        }
        closedir(stream)
        rmdir(path)
    }
}

struct BenchError: Error { var text: String }
