// SPDX-License-Identifier: Apache-2.0

import RelayContent
package import RelayCore
import SystemPackage

/// The staged file that an action places.
enum StagedFile {
    /// It places none.
    case none
    /// Staged before, under this name.
    case fetched([UInt8])
    /// What the action carried, under this name.
    case carried([UInt8])
    /// The action carried another content than it is to place.
    case wrong
    case failed(Errno)

    var name: [UInt8]? {
        switch self {
        case .fetched(let name), .carried(let name): name
        case .none, .wrong, .failed: nil
        }
    }
}

/// The staged files that the actions of one batch place, all of them on disk.
///
/// What actions carry is staged here, and placed by the very batch: what is not placed is gone again at the
/// end. These files have names of their own, apart from what fetchers stage at the same time or left
/// half-done.
struct BatchStage {
    /// One for each action.
    private(set) var files: [StagedFile] = []

    init(_ actions: [ApplyAction], in folder: SharedFolder) {
        files.reserveCapacity(actions.count)
        let isSynced = actions.count { $0.carried != nil } <= UnsyncedStage.singleFiles
        for action in actions {
            files.append(action.stagedFile(number: files.count, isSynced: isSynced, in: folder))
        }
        sync(isCarriedSynced: isSynced, in: folder)
    }

    private mutating func sync(isCarriedSynced: Bool, in folder: SharedFolder) {
        var fetched: [[UInt8]] = []
        var carried: [[UInt8]] = []
        for file in files {
            switch file {
            case .fetched(let name): fetched.append(name)
            case .carried(let name): if !isCarriedSynced { carried.append(name) }
            case .none, .wrong, .failed: break
            }
        }
        let failed = folder.unsynced.sync(fetched, and: carried, in: folder.stage)
        guard !failed.isEmpty else { return }
        for (index, file) in files.enumerated() {
            if let error = file.name.flatMap({ failed[$0] }) { files[index] = .failed(error) }
        }
    }

    /// The action has placed its file.
    mutating func wasPlaced(_ index: Int) { files[index] = .none }

    /// Removes what was carried and not placed.
    func discardRest(in folder: SharedFolder) {
        for case .carried(let name) in files { try? folder.stage.unlink(name) }
    }
}

extension ApplyAction {
    /// Stages what the action carries, under a name that no other action of the batch has.
    fileprivate func stagedFile(number: Int, isSynced: Bool, in folder: SharedFolder) -> StagedFile {
        guard case .placeFile(_, let payload, _) = step else { return .none }
        guard let carried else { return .fetched(StageName.bytes(node: node, content: payload.content)) }
        guard let bytes = carried.bytes(of: payload) else { return .wrong }
        let name = Array("carried-\(number)".utf8)
        do throws(Errno) {
            try folder.stageWhole(name, payload, bytes, isSynced: isSynced)
            return .carried(name)
        } catch {
            return .failed(error)
        }
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
