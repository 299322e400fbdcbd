// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Glibc
import RelayControl
import RelayCore
import RelayProgram

/// Uploads one thing after another and says what was done; a file's trouble does not stop the others.
struct Uploading {
    let session: Session
    private var lastFailure: ControlError?

    init(session: Session) { self.session = session }

    /// Uploads a file, or a directory with all that is in it.
    ///
    /// Throws only what makes going on pointless; other trouble is said at once and thrown by `finish`.
    mutating func upload(_ path: [UInt8], as target: RelativePath) async throws(ControlError) {
        var items: [LocalTree.Item] = []
        var fatal: ControlError?
        do {
            try await LocalTree.walk(path) { item in items.append(item) }
        } catch {
            note(error)
        }
        // What was named itself is missed; what lies somewhere beneath it is only told of.
        if items.count == 1, case .skipped(let path, let reason)? = items.first {
            note(.failed("cannot upload \(displayText(path)): it \(reason)"))
            return
        }
        for item in items where fatal == nil {
            do throws(ControlError) {
                try await upload(item, beneath: target)
            } catch {
                if case .unreachable = error { fatal = error } else { note(error) }
            }
            if Task.isCancelled { fatal = .failed("interrupted") }
        }
        if let fatal { throw fatal }
    }

    /// Uploads what comes on standard input.
    func uploadStandardInput(as target: RelativePath) async throws(ControlError) {
        try await session.client.upload(
            share: session.share, path: target, mode: PermissionBits(0o644), modified: nil, sizeBytes: nil,
            from: { () throws(ControlError) in try StandardInput.portion() })
        Terminal.print("uploaded \(target)")
    }

    /// Throws the exit code of the last failure, if there was one.
    func finish() throws {
        if let lastFailure { throw ExitCode(lastFailure.exitCode) }
    }

    private func upload(_ item: LocalTree.Item, beneath target: RelativePath) async throws(ControlError) {
        let (client, share) = (session.client, session.share)
        switch item {
        case .file(let path, let names):
            let name = RelativePath(target.components + names)
            let file = try LocalFile(path: path)
            try await client.upload(
                share: share, path: name, mode: file.mode, modified: file.modified, sizeBytes: file.sizeBytes,
                from: { () throws(ControlError) in try file.next() })
            Terminal.print("uploaded \(name) (\(humanSize(file.sizeBytes)))")
        case .directory(_, let names):
            let name = RelativePath(target.components + names)
            try await client.makeDirectory(share: share, path: name)
            Terminal.print("made \(name)/")
        case .skipped(let path, let reason):
            Terminal.complain("relay-ctl: skipped \(displayText(path)): it \(reason)")
        }
    }

    private mutating func note(_ error: ControlError) {
        Terminal.complain("relay-ctl: \(error.message)")
        lastFailure = error
    }
}
