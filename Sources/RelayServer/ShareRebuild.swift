// SPDX-License-Identifier: Apache-2.0

import RelayCore
import RelayStorage

/// Makes the index of a share anew in a data directory on which no hub runs.
package struct ShareRebuild {
    private let directory: DataDirectory
    private let share: ShareRecord

    /// What was made.
    package struct Outcome: Sendable {
        /// Stored chunks that were found again, and their bytes.
        package var chunks: Int
        package var bytes: UInt64
        /// The names that the old files have now.
        package var setAside: [String]
    }

    /// Finds the share of this name.
    package init(share name: String, dataDirectory: String) throws(HubError) {
        guard Hub.hasRun(in: dataDirectory) else {
            throw .dataDirectory(
                "cannot use data directory \(dataDirectory): no hub has kept its state there")
        }
        directory = try DataDirectory(dataDirectory)
        do throws(StateError) {
            let registry = try HubRegistry(path: directory.registry, mustExist: true)
            defer { registry.close() }
            guard let found = try registry.share(named: name) else {
                let names = try registry.shares().map { displayText(Array($0.name.utf8)) }
                throw StateError(
                    "there is no share \(displayText(Array(name.utf8))) on this hub (there is:"
                        + " \(names.joined(separator: ", ")))")
            }
            share = found
        } catch {
            throw .noShare(error.description)
        }
    }

    /// Makes the index anew. One that can be used is left alone unless that is forced.
    package func run(isForced: Bool) throws(HubError) -> Outcome {
        let path = directory.share(share.id)
        if !isForced, isUsable(path) {
            throw .notNeeded(
                "cannot make the index of the share \(displayText(Array(share.name.utf8))) anew: it can be"
                    + " used as it is, and its history would be lost; --force does it")
        }
        do throws(StateError) {
            let rebuild = IndexRebuild(index: OpenShare.index(in: path), segments: path + "/segments")
            let outcome = try rebuild.run { .random() }
            return Outcome(chunks: outcome.chunks, bytes: outcome.bytes, setAside: outcome.setAside)
        } catch {
            throw .state(error.description)
        }
    }

    private func isUsable(_ path: String) -> Bool {
        guard let open = try? OpenShare(directory: path, isNew: false, limitBytes: nil) else { return false }
        defer { open.index.close() }
        return (try? open.transaction { try open.index.check() }) != nil
    }
}
