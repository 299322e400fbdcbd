// SPDX-License-Identifier: Apache-2.0

import Foundation

/// A source file of the project, as lines.
struct SourceFile {
    /// Its path from the project's directory.
    let path: String
    let lines: [String]

    /// The directory in `Sources` or `Tests` that it is in.
    var room: String { path.split(separator: "/").dropFirst().first.map(String.init) ?? "" }
    var isGenerated: Bool { path.hasSuffix(".pb.swift") }

    /// Where a rule is broken, for people.
    func place(_ index: Int, _ text: String) -> String { "\(path):\(index + 1): \(text)" }
}

/// The project's Swift files, read from the directory that these tests were compiled in.
enum SourceTree {
    static let sources = files(in: "Sources")
    static let all = sources + files(in: "Tests")

    /// A file of the project by its path from the project's directory.
    static func text(_ path: String) -> String? {
        try? String(contentsOf: root.appending(path: path), encoding: .utf8)
    }

    private static let root = URL(filePath: #filePath, directoryHint: .notDirectory)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    private static func files(in directory: String) -> [SourceFile] {
        let start = root.appending(path: directory).resolvingSymlinksInPath()
        guard let walk = FileManager.default.enumerator(atPath: start.path) else { return [] }
        return walk.compactMap { $0 as? String }.filter { $0.hasSuffix(".swift") }.sorted().compactMap {
            path in
            guard let text = try? String(contentsOf: start.appending(path: path), encoding: .utf8) else {
                return nil
            }
            return SourceFile(path: "\(directory)/\(path)", lines: text.components(separatedBy: "\n"))
        }
    }
}
