// SPDX-License-Identifier: Apache-2.0

/// The segment files that were used last, open; at most `limit`.
struct OpenSegments {
    /// The one used last is at the end.
    private var files: [SegmentFile] = []

    static let limit = 64

    mutating func find(_ number: UInt32) -> SegmentFile? {
        guard let index = files.lastIndex(where: { $0.number == number }) else { return nil }
        let file = files.remove(at: index)
        files.append(file)
        return file
    }

    mutating func drop(_ number: UInt32) { files.removeAll { $0.number == number } }

    mutating func insert(_ file: SegmentFile) {
        files.removeAll { $0.number == file.number }
        if files.count >= Self.limit { files.removeFirst() }
        files.append(file)
    }
}
