// SPDX-License-Identifier: Apache-2.0

import RelayCore

extension Cursor {
    /// Epoch, revision and chain value, most significant bytes first.
    var stored: [UInt8] {
        var result = epoch.bytes
        result.append(bigEndian: revision.number)
        chain.raw.append(to: &result)
        return result
    }

    /// Nil for what `stored` never is.
    init?(stored bytes: [UInt8]) {
        guard bytes.count == 56, let epoch = Epoch(bytes: bytes[..<16]),
            let revision = Revision(stored: bytes[16..<24]), let chain = ChainValue(bytes: bytes[24...])
        else { return nil }
        self.init(epoch: epoch, revision: revision, chain: chain)
    }
}

extension Revision {
    /// Most significant byte first.
    var stored: [UInt8] {
        var result: [UInt8] = []
        result.append(bigEndian: number)
        return result
    }

    /// Nil for what `stored` never is.
    init?(stored bytes: some Collection<UInt8>) {
        guard bytes.count == 8 else { return nil }
        self.init(bytes.withBytes { $0.word(0) })
    }
}

extension SQLStatement {
    /// A chunk list in its encoded form.
    func manifest(_ column: Int32) throws(StateError) -> Manifest {
        guard let bytes = blob(column) else { return Manifest([]) }
        guard let manifest = Manifest(encoded: bytes) else { throw damaged(column) }
        return manifest
    }
}
