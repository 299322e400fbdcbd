// SPDX-License-Identifier: Apache-2.0

import RelayContent
import RelayCore
import RelayStorage

extension SegmentStore {
    /// Reads a chunk as it was stored and compares its bytes with its name. Throws when it is not whole
    /// (`isDamaged`), or cannot be read at present.
    func readVerified(_ chunk: ChunkID, at location: ChunkLocation) throws(StateError) -> EncodedChunk {
        let found = try read(location, expecting: chunk)
        guard (try? ChunkCodec.decode(found, verifying: chunk)) != nil else {
            throw StateError(
                "cannot read chunk at \(location.offset) of segment \(filePath(location.segment)):"
                    + " its bytes are not the chunk's", isDamaged: true)
        }
        return found
    }
}
