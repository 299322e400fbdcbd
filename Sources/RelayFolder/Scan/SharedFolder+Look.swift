// SPDX-License-Identifier: Apache-2.0

package import RelayCore
import SystemPackage

extension SharedFolder {
    /// What is at each of the paths; nil where that cannot be told.
    package func look(at paths: [RelativePath]) -> [Echoes.Trace?] {
        // Where names fold, the entry that a name leads to may stand under another one.
        guard !fileSystem.foldsNames, !isClosed else { return paths.map { _ in nil } }
        var directories = DirectoryCache(root: root)
        return paths.map { Self.look(at: $0, &directories) }
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
