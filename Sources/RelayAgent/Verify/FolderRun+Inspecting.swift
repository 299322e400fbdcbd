// SPDX-License-Identifier: Apache-2.0

import RelayContent
import RelayCore
import RelayFolder

/// What a look at one node on the disk found.
struct InspectionResult: Sendable {
    var differences: [Difference] = []
    var directories = 0
    var files = 0
    var bytes: UInt64 = 0
    var changing = 0
    var unreadable: [UnreadablePath] = []
}

extension FolderRun {
    /// Looks at a node on the disk; nil once the run is over.
    nonisolated func inspect(_ inspection: Inspection, _ pace: VerificationPace) async -> InspectionResult? {
        switch inspection {
        case .directory(let id, let path):
            let outcome = await pace.work { [parts] in
                await parts.lane.run { $0.scan([.directory(path)]).first?.outcome }
            }
            guard let outcome else { return nil }
            return await compare(outcome, with: id, at: path)
        case .file(let id, let path, let expected):
            let outcome = await read(id, path, expected, pace)
            let result = ReadResult(node: id, path: path, outcome: outcome)
            guard let verdict = await self.verdict(on: id, result, expecting: expected) else { return nil }
            return InspectionResult(verdict, of: path, sizeBytes: expected.sizeBytes)
        }
    }

    private nonisolated func compare(
        _ outcome: ScanOutcome?, with id: NodeID, at path: RelativePath
    ) async -> InspectionResult {
        var result = InspectionResult()
        switch outcome {
        case .directory(let identity, let entries, let hidden)?:
            result.unreadable = hidden.filter { $0.problem.cause != .hidden }.map {
                UnreadablePath(path: "\(path.appending($0.name))", reason: $0.problem.description)
            }
            let names = hidden.map(\.name)
            if let found = await differences(in: id, at: path, identity, entries, hidden: names) {
                result.differences = found
                result.directories = 1
            } else {
                result.changing = 1
            }
        case .failed(let problem)?:
            result.unreadable = [UnreadablePath(path: "\(path)", reason: problem.description)]
        // What it lies in tells that it is gone.
        case .absent?, .entry?, nil: break
        }
        return result
    }

    /// A file that is read at once; a larger one is read with rests between, if the pace has any.
    private static var portionBytes: Int { 1 << 20 }

    private nonisolated func read(
        _ id: NodeID, _ path: RelativePath, _ expected: Fingerprint, _ pace: VerificationPace
    ) async -> ReadOutcome {
        let folder = parts.folder
        guard pace.rests, expected.sizeBytes > UInt64(Self.portionBytes) else {
            return await pace.work { [parts] in
                await parts.pool.run { folder.read(ReadRequest(node: id, path: path)).outcome }
            }
        }
        do throws(Problem) {
            let source = try await parts.pool.run { () throws(Problem) in
                try folder.openSource(path, expecting: expected)
            }
            defer { source.close() }
            return try await read(source, expected, pace)
        } catch {
            // A file that is not as expected any more is changing.
            return error.cause == .other ? .busy : .failed(error)
        }
    }

    private nonisolated func read(
        _ source: SourceFile, _ expected: Fingerprint, _ pace: VerificationPace
    ) async throws(Problem) -> ReadOutcome {
        var builder = ContentBuilder()
        var offset: UInt64 = 0
        while offset < expected.sizeBytes {
            let (position, pool) = (offset, parts.pool)
            let portion = await pace.work { () -> Result<[UInt8], Problem> in
                do throws(Problem) {
                    return .success(
                        try await pool.run { () throws(Problem) in
                            try source.read(at: position, count: Self.portionBytes)
                        })
                } catch {
                    return .failure(error)
                }
            }
            let bytes = try portion.get()
            guard !bytes.isEmpty, !isOver else { return .busy }
            bytes.withUnsafeBytes { builder.append($0) }
            offset += UInt64(bytes.count)
        }
        return source.isUnchanged() ? .content(builder.finish(), expected, trusted: true) : .busy
    }
}

extension InspectionResult {
    fileprivate init(_ verdict: ContentVerdict, of path: RelativePath, sizeBytes: UInt64) {
        self.init()
        switch verdict {
        case .equal: files = 1
        case .different(let difference):
            files = 1
            differences = [difference]
        case .changing: changing = 1
        case .unreadable(let reason): unreadable = [UnreadablePath(path: "\(path)", reason: reason)]
        }
        if files > 0 { bytes = sizeBytes }
    }
}
