// SPDX-License-Identifier: Apache-2.0

import RelayContent
package import RelayCore
import SystemPackage

/// The staged files of contents that the actions of one batch carry.
///
/// Each is placed by the very batch that stages it: what is not placed is gone again at the end. The files
/// have names of their own, apart from what fetchers stage at the same time or left half-done.
struct CarriedStage {
    /// Why contents could not be staged, by the names of their staged files.
    private(set) var failed: [[UInt8]: Errno] = [:]
    private var names: Set<[UInt8]> = []

    /// Stages what the actions carry; what is another content than the action names is left out.
    init(_ actions: [ApplyAction], in folder: SharedFolder) {
        let count = actions.count { $0.carried != nil }
        for action in actions {
            guard let (name, payload, bytes) = action.carriedFile() else { continue }
            do throws(Errno) {
                try folder.stageWhole(name, payload, bytes, isSynced: count <= UnsyncedStage.singleFiles)
                names.insert(name)
            } catch {
                failed[name] = error
            }
        }
    }

    /// The staged file was placed.
    mutating func wasPlaced(_ action: ApplyAction) {
        if action.carried != nil, let name = action.stagedName { names.remove(name) }
    }

    /// Removes what was not placed.
    func discardRest(in folder: SharedFolder) {
        for name in names {
            folder.unsynced.forget(name)
            try? folder.stage.unlink(name)
        }
    }
}

extension ApplyAction {
    /// The staged file that the step places.
    var stagedName: [UInt8]? {
        guard case .placeFile(_, let payload, _) = step else { return nil }
        let name = StageName.bytes(node: node, content: payload.content)
        return carried == nil ? name : name + Array("-carried".utf8)
    }

    /// What the action carries, verified; nil if that is nothing, or another content than it is to be.
    fileprivate func carriedFile() -> (name: [UInt8], FilePayload, bytes: [UInt8])? {
        guard let carried, let name = stagedName, case .placeFile(_, let payload, _) = step,
            let bytes = carried.bytes(of: payload)
        else { return nil }
        return (name, payload, bytes)
    }
}

extension CarriedContent {
    /// The bytes, if they are the payload's content.
    package func bytes(of payload: FilePayload) -> [UInt8]? {
        var bytes: [UInt8] = []
        var chunks: [ChunkReference] = []
        if case .chunk(let chunk) = self {
            guard UInt64(chunk.sizeBytes) == payload.sizeBytes, let decoded = try? ChunkCodec.decode(chunk)
            else { return nil }
            bytes = decoded
            chunks = [ChunkReference(id: Hashing.chunkID(of: bytes), sizeBytes: chunk.sizeBytes)]
        }
        guard UInt64(bytes.count) == payload.sizeBytes,
            Hashing.contentID(of: Manifest(chunks)) == payload.content
        else { return nil }
        return bytes
    }
}
