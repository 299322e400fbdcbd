// SPDX-License-Identifier: Apache-2.0

/// Rows of text in aligned columns, for people.
package struct Table: Sendable {
    /// One column: its title and on which side its cells lie.
    package struct Column: Sendable {
        package var title: String
        package var isNumber: Bool
        package init(_ title: String, isNumber: Bool = false) {
            self.title = title
            self.isNumber = isNumber
        }
    }

    private let columns: [Column]
    private var rows: [[String]] = []

    package init(_ columns: [Column]) { self.columns = columns }

    /// Adds one row; a cell that is missing is empty.
    package mutating func add(_ cells: [String]) { rows.append(cells) }

    /// A title line and one line a row, two blanks between columns, no blanks at the ends of lines.
    package var lines: [String] {
        let all = [columns.map(\.title)] + rows
        let widths = columns.indices.map { column in
            all.map { $0.indices.contains(column) ? displayWidth($0[column]) : 0 }.max() ?? 0
        }
        return all.map { row in
            var line = ""
            for (column, width) in widths.enumerated() {
                let cell = row.indices.contains(column) ? row[column] : ""
                let padding = String(repeating: " ", count: width - displayWidth(cell))
                line += columns[column].isNumber ? padding + cell : cell + padding
                line += "  "
            }
            while line.hasSuffix(" ") { line.removeLast() }
            return line
        }
    }
}

/// How many columns of a terminal a text takes: two for wide East Asian characters and emoji, none for marks
/// that combine with the character before them.
func displayWidth(_ text: String) -> Int {
    text.unicodeScalars.reduce(0) { width, scalar in
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .enclosingMark, .format: return width
        default: return width + (isWide(scalar) ? 2 : 1)
        }
    }
}

private func isWide(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x1100...0x115f, 0x2e80...0x303e, 0x3041...0x33ff, 0x3400...0x4dbf, 0x4e00...0x9fff,
        0xa000...0xa4cf, 0xac00...0xd7a3, 0xf900...0xfaff, 0xfe30...0xfe4f, 0xff00...0xff60,
        0xffe0...0xffe6, 0x1f300...0x1f64f, 0x1f900...0x1f9ff, 0x20000...0x3fffd:
        true
    default: false
    }
}
