// SPDX-License-Identifier: Apache-2.0

import Testing

/// The table of scenarios says what is so.
@Suite struct ScenarioTableTests {
    /// A row: what is expected, how far that is shown, by what, and what is missing.
    private struct Row {
        let id: String
        let state: String
        let shown: [String]
        let missing: String
    }

    private static let states: Set<String> = ["shown", "partly", "open"]

    private func rows() throws -> [Row] {
        let text = try #require(SourceTree.text("Tests/SCENARIOS.md"))
        return text.split(separator: "\n").filter { $0.hasPrefix("| S") && !$0.hasPrefix("| S |") }.map {
            let cells = $0.split(separator: "|", omittingEmptySubsequences: false).dropFirst().dropLast()
                .map { $0.trimmed }
            let quoted = (cells.dropFirst(3).first ?? "").split(
                separator: "`", omittingEmptySubsequences: false)
            return Row(
                id: cells[0], state: cells.dropFirst(2).first ?? "",
                shown: quoted.enumerated().filter { $0.offset % 2 == 1 }.map { String($0.element) },
                missing: cells.count == 5 ? cells[4] : "")
        }
    }

    /// The display names of all tests.
    private let names = Set(
        SourceTree.all.filter { $0.path.hasPrefix("Tests/") }.flatMap(\.lines).compactMap { line in
            line.firstRange(of: "func `").flatMap { start in
                line[start.upperBound...].firstIndex(of: "`").map { String(line[start.upperBound..<$0]) }
            }
        })

    @Test func `each scenario has its row`() throws {
        let expected = (1...72).map { "S" + ($0 < 10 ? "0" : "") + "\($0)" }
        #expect(try rows().map(\.id) == expected)
    }

    @Test func `a row is shown by tests that there are, or says what is missing`() throws {
        for row in try rows() {
            #expect(Self.states.contains(row.state), "\(row.id) is “\(row.state)”")
            #expect(row.shown.isEmpty == (row.state == "open"), "\(row.id)")
            #expect(row.missing.isEmpty == (row.state == "shown"), "\(row.id)")
            for name in row.shown {
                let isThere = name.hasSuffix(".sh") ? SourceTree.text(name) != nil : names.contains(name)
                #expect(isThere, "\(row.id): there is no \(name)")
            }
        }
    }

    @Test func `a test that names a scenario is in its row`() throws {
        let rows = try rows()
        for name in names {
            for id in scenarios(of: name) {
                let row = rows.first { $0.id == id }
                #expect(row?.shown.contains(name) == true, "\(id) lacks \(name)")
            }
        }
    }

    /// The ids that a test's name begins with.
    private func scenarios(of name: String) -> [String] {
        name.split(separator: " ").map { $0.hasSuffix(",") ? String($0.dropLast()) : String($0) }.prefix {
            $0.count == 3 && $0.hasPrefix("S") && $0.dropFirst().allSatisfy(\.isNumber)
        }
    }
}

extension Substring {
    fileprivate var trimmed: String {
        String(drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
    }
}
