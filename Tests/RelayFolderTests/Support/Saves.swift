// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc
import Synchronization

/// Somebody who saves `f.txt` again and again by exchange, and looks at what each save has superseded.
final class Saves: Sendable {
    private let path: String
    private let outer: String
    private let count: Int
    private let superseded = Mutex<Set<String>>([])
    private let saved = Mutex<[String]>([])
    private let isOver = Atomic<Bool>(false)

    init(path: String, outer: String, count: Int) {
        self.path = path
        self.outer = outer
        self.count = count
    }

    var isDone: Bool { isOver.load(ordering: .acquiring) }
    var tokens: [String] { saved.withLock { $0 } }

    /// What the user wrote, and did not replace.
    func unsuperseded() -> Set<String> {
        let superseded = superseded.withLock { $0 }
        return Set(tokens).subtracting(superseded)
    }

    func run() {
        for index in 0..<count {
            let token = "save \(index)"
            let draft = outer + "/draft"
            writeBytes(draft, Array(token.utf8))
            if relay_renameat2(AT_FDCWD, draft, AT_FDCWD, path + "/f.txt", RELAY_RENAME_EXCHANGE) == 0 {
                let out = bytes(at: draft).map { String(decoding: $0, as: UTF8.self) } ?? ""
                superseded.withLock { _ = $0.insert(out) }
            } else if relay_renameat2(AT_FDCWD, draft, AT_FDCWD, path + "/f.txt", RELAY_RENAME_NOREPLACE) != 0
            {
                continue
            }
            saved.withLock { $0.append(token) }
        }
        isOver.store(true, ordering: .releasing)
    }
}
