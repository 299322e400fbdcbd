// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

// Upper bounds of encoded sizes, by which batches and pages are kept within a control frame.

extension Payload {
    package var estimatedBytes: Int {
        switch self {
        case .file: 80
        case .directory: 16
        case .symlink(let target): 16 + target.count
        }
    }
}

extension NodeRecord {
    package var estimatedBytes: Int {
        guard let state else { return 96 }
        return 160 + state.placement.name.bytes.count + state.payload.estimatedBytes
    }
}

extension ContentOffer {
    package var estimatedBytes: Int {
        64 + (manifest?.chunks.count ?? 0) * 48 + (inline?.bytes.count ?? 0)
    }
}

extension Operation {
    package var estimatedBytes: Int {
        switch self {
        case .create(_, let placement, let payload, _):
            96 + placement.name.bytes.count + payload.estimatedBytes
        case .place(_, let placement, _): 72 + placement.name.bytes.count
        case .change(_, let payload, _): 48 + payload.estimatedBytes
        case .remove: 56
        }
    }
}

extension ChangePage {
    /// About how long the page is, in bytes.
    package var estimatedBytes: Int {
        records.reduce(64) { $0 + $1.estimatedBytes } + offers.reduce(0) { $0 + $1.estimatedBytes }
    }
}
