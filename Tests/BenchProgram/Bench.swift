// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Measures the hot inner parts, one line each: `relay-bench [PART-OF-A-NAME]`.
@main
enum Bench {
    static func main() {
        let measuring = Measuring(filter: CommandLine.arguments.dropFirst().first ?? "")
        do {
            try measuring.contents()
            try measuring.planner()
            try measuring.storage()
            try measuring.engines()
            try measuring.folder()
        } catch {
            print("relay-bench: \(error)")
            exit(1)
        }
    }
}
