// SPDX-License-Identifier: Apache-2.0

import RelayCore
import RelayFolder

/// Reads and hashes changed files, large ones apart from small ones: a save does not wait until gigabytes are
/// read.
final class FileReaders: Sendable {
    private let small: ReaderCrew
    private let large: ReaderCrew

    init(folder: SharedFolder, post: @escaping @Sendable ([ReadResult]) -> Void) {
        small = ReaderCrew(label: "relay.read", folder: folder, post: post)
        large = ReaderCrew(label: "relay.read.large", folder: folder, post: post)
    }

    func read(_ requests: [ReadRequest]) {
        small.read(requests.filter { !$0.isLarge })
        large.read(requests.filter(\.isLarge))
    }

    /// No more files are begun.
    func stop() {
        small.stop()
        large.stop()
    }
}
