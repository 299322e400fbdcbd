// SPDX-License-Identifier: Apache-2.0

import RelayContent
import RelayCore
import RelayFolder

extension Measuring {
    /// Looking at, reading, staging and placing files.
    func folder() throws {
        let count = 2000
        let bytes = Samples.noise(4096)
        var builder = ContentBuilder()
        builder.append(bytes)
        let description = builder.finish()
        let payload = FilePayload(
            content: description.content, sizeBytes: 4096, mode: PermissionBits(0o644),
            modified: Timestamp(seconds: 1_700_000_000, nanoseconds: 5))
        let open = { () throws -> (Scratch, SharedFolder) in
            let scratch = try Scratch()
            return (scratch, try SharedFolder.open(scratch.path + "/share", expecting: nil, create: true))
        }
        try measure("folder: stage 4 KiB", .items(count, "file"), prepare: open) { state in
            try Self.stage(count, bytes, payload, in: state.1)
        }
        try measure("folder: place what is staged", .items(count, "file")) {
            () throws -> (Scratch, SharedFolder) in
            let (scratch, folder) = try open()
            try Self.stage(count, bytes, payload, in: folder)
            return (scratch, folder)
        } work: { state in
            try Self.place(count, payload, in: state.1)
        }
        let full = try open()
        try Self.stage(count, bytes, payload, in: full.1)
        try Self.place(count, payload, in: full.1)
        try measure("folder: look through a directory", .items(count, "entry")) {
            keep(full.1.scan([.directory(.root)]))
        }
        let requests = (0..<count).map { ScanRequest.entry(Self.path($0)) }
        try measure("folder: look at entries", .items(count, "entry")) { keep(full.1.scan(requests)) }
        try measure("folder: read and hash 4 KiB", .items(count, "file")) {
            for number in 0..<count {
                keep(full.1.read(ReadRequest(node: Nodes.id(number), path: Self.path(number))))
            }
        }
    }

    private static func path(_ number: Int) -> RelativePath {
        RelativePath([EntryName("file-\(number)") ?? .relayIgnore])
    }

    private static func stage(
        _ count: Int, _ bytes: [UInt8], _ payload: FilePayload, in folder: SharedFolder
    ) throws {
        for number in 0..<count {
            let file = try folder.stage(node: Nodes.id(number), content: payload.content, sizeBytes: 4096)
            try file.write(bytes, at: 0)
            try file.finish(payload)
        }
    }

    private static func place(_ count: Int, _ payload: FilePayload, in folder: SharedFolder) throws {
        var first = 0
        while first < count {
            let batch = first..<min(count, first + 256)
            let results = folder.apply(
                batch.map { number in
                    ApplyAction(
                        node: Nodes.id(number), step: .placeFile(path(number), payload, over: .nothing))
                })
            for result in results {
                guard case .done = result.outcome else {
                    throw BenchError(text: "a file was not placed: \(result.outcome)")
                }
            }
            first = batch.upperBound
        }
    }
}
