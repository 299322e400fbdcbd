// SPDX-License-Identifier: Apache-2.0

package import RelayCore
import SystemPackage

extension SharedFolder {
    /// Those of the hints that may tell of more than the agent's own steps.
    package func news(in hints: [Hint], _ echoes: inout Echoes) -> [Hint] {
        // There, the entry that a name leads to may stand under another one.
        guard !fileSystem.foldsNames, !isClosed else { return hints }
        var directories = DirectoryCache(root: root)
        return echoes.news(in: hints) { Self.look(at: $0, &directories) }
    }

    private static func look(at path: RelativePath, _ directories: inout DirectoryCache) -> Echoes.Trace? {
        guard let name = path.name, !isOwn(path) else { return nil }
        do throws(Errno) {
            let parent = try directories.directory(at: path.parent)
            guard let status = try parent.statusIfPresent(name.bytes) else { return .nothing }
            return status.isMountRoot ? nil : .entry(status.fingerprint)
        } catch {
            return nil
        }
    }
}
