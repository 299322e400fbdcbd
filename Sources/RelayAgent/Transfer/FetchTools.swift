// SPDX-License-Identifier: Apache-2.0

import RelayCore
import RelayFolder

/// What every fetch of a folder works with.
struct FetchTools: Sendable {
    let folder: SharedFolder
    let exchange: BulkExchange
    /// Where files are read, hashed, written and synced.
    let pool: BlockingPool
    /// Bytes that may be asked for at the same time, over all contents.
    let window = Permits(TransferLimits.windowBytes)
    /// How much of what is on its way has come.
    let progress = TransferProgress()
}

/// Why a fetch ends without its content.
enum FetchStop: Error {
    case cancelled
    case problem(Problem)
    /// The hub cannot get it now.
    case unavailable

    static func badContent(_ content: ContentID) -> FetchStop {
        .problem(Problem(.other, "cannot fetch content \(content): the hub sent other bytes than asked for"))
    }
}
