// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc
import RelayContent
import RelayCore
import Testing

@testable import RelayFolder

/// Where the essential tests run: a journaling file system and a memory one.
let places = ["/var/tmp", "/dev/shm"]

/// What must be found where something is placed; `Testing` has a type of the same name.
typealias Displacing = RelayCore.Expectation

/// A shared folder in a temporary directory of its own, with nothing but the test in it.
final class Scratch {
    /// Holds the folder, and is for what must stay outside it.
    let outer: String
    let path: String
    let folder: SharedFolder
    private var nextNode: UInt64 = 100

    init(in place: String = "/var/tmp") throws {
        var template = Array("\(place)/relay-folder-XXXXXX".utf8CString)
        let made = try #require(mkdtemp(&template))
        outer = String(cString: made)
        path = outer + "/share"
        folder = try SharedFolder.open(path, expecting: nil, create: true)
    }

    deinit {
        folder.close()
        removeTree(outer)
    }

    /// The folder again, on a file system without the abilities that are taken away.
    func folder(canExchange: Bool, canRefuseReplacement: Bool = true) -> SharedFolder {
        var fileSystem = folder.fileSystem
        fileSystem.canExchange = canExchange
        fileSystem.canRefuseReplacement = canRefuseReplacement
        return SharedFolder(
            path: path, record: folder.record, root: folder.root, stage: folder.stage, park: folder.park,
            marker: Descriptor(dup(folder.marker.number)), fileSystem: fileSystem)
    }

    // MARK: What a user does

    func write(_ name: String, _ text: String, mode: mode_t = 0o644) {
        writeBytes(path + "/" + name, Array(text.utf8), mode: mode)
    }

    /// As editors do: a new file takes the name.
    func replace(_ name: String, _ text: String) {
        write(name + ".new", text)
        #expect(rename(path + "/" + name + ".new", path + "/" + name) == 0)
    }

    func makeDirectory(_ name: String) { #expect(mkdir(path + "/" + name, 0o755) == 0) }

    func text(_ name: String) -> String? {
        bytes(at: path + "/" + name).map { String(decoding: $0, as: UTF8.self) }
    }

    func exists(_ name: String) -> Bool {
        var status = stat()
        return lstat(path + "/" + name, &status) == 0
    }

    func mode(_ name: String) -> UInt32 {
        var status = stat()
        #expect(lstat(path + "/" + name, &status) == 0)
        return UInt32(status.st_mode) & 0o7777
    }

    // MARK: What the agent does

    func entry(_ name: String) throws -> FoundEntry? {
        let outcome = folder.scan([.entry(relative(name))])[0].outcome
        guard case .entry(_, let found) = outcome else {
            Issue.record("looking at \(name): \(outcome)")
            return nil
        }
        return found
    }

    func fingerprint(_ name: String) throws -> Fingerprint { try #require(try entry(name)).fingerprint }

    /// The names in the folder's root, as the agent sees them.
    func names(_ path: RelativePath = .root) throws -> [String] {
        guard case .directory(_, let entries, _) = folder.scan([.directory(path)])[0].outcome else {
            return []
        }
        return entries.map(\.name.description)
    }

    /// Stages a text under a new node, and says how to place it.
    func staged(_ text: String, mode: UInt32 = 0o640) throws -> (NodeID, FilePayload) {
        nextNode += 1
        let node = NodeID(high: 1, low: nextNode)
        let bytes = Array(text.utf8)
        let payload = FilePayload(
            content: contentID(bytes), sizeBytes: UInt64(bytes.count), mode: PermissionBits(mode),
            modified: Timestamp(seconds: 1_700_000_000, nanoseconds: 123_456_789))
        let file = try folder.stage(node: node, content: payload.content, sizeBytes: payload.sizeBytes)
        try file.write(bytes, at: 0)
        try file.finish(payload)
        return (node, payload)
    }

    func place(
        _ text: String, at name: String, over expectation: Displacing, in other: SharedFolder? = nil
    ) throws -> ApplyOutcome {
        let (node, payload) = try staged(text)
        return apply(.placeFile(relative(name), payload, over: expectation), node: node, in: other)
    }

    func apply(
        _ step: ApplyStep, node: NodeID = NodeID(high: 9, low: 9), in other: SharedFolder? = nil
    ) -> ApplyOutcome {
        (other ?? folder).apply([ApplyAction(node: node, step: step)])[0].outcome
    }

    func read(_ name: String, isInsisting: Bool = false) -> ReadOutcome {
        folder.read(
            ReadRequest(node: NodeID(high: 9, low: 9), path: relative(name), isInsisting: isInsisting)
        ).outcome
    }

    /// What waits in `.relay/park` and `.relay/stage`.
    func residue() throws -> [String] {
        try (folder.park.names() + folder.stage.names()).map(\.description).sorted()
    }
}

let conflict = entryName("f (conflict box 2026-11-23).txt")

func relative(_ name: String) -> RelativePath { RelativePath(bytes: Array(name.utf8)) ?? .root }

func contentID(_ bytes: [UInt8]) -> ContentID {
    var builder = ContentBuilder()
    builder.append(bytes)
    return builder.finish().content
}

func contentID(_ text: String) -> ContentID { contentID(Array(text.utf8)) }

func writeBytes(_ path: String, _ bytes: [UInt8], mode: mode_t = 0o644) {
    let file = open(path, O_WRONLY | O_CLOEXEC | O_CREAT | O_TRUNC, mode)
    #expect(file >= 0, "\(path)")
    #expect(write(file, bytes, bytes.count) == bytes.count)
    fchmod(file, mode)
    close(file)
}

func bytes(at path: String) -> [UInt8]? {
    let file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
    guard file >= 0 else { return nil }
    defer { close(file) }
    var result: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while true {
        let count = read(file, &buffer, buffer.count)
        if count <= 0 { return count < 0 ? nil : result }
        result += buffer[..<count]
    }
}

/// Removes a directory and all in it. No program is run: between fork and exec it would hold the files that
/// other tests have open.
func removeTree(_ path: String) {
    let number = open(path, O_RDONLY | O_CLOEXEC | O_DIRECTORY | O_CLOEXEC)
    guard number >= 0 else { return }
    empty(Directory(Descriptor(number), isReadable: true))
    rmdir(path)
}

private func empty(_ directory: Directory) {
    for name in (try? directory.names()) ?? [] {
        if (try? directory.status(name.bytes).kind) == .directory {
            if let child = try? directory.directory(at: RelativePath([name])) { empty(child) }
            try? Kernel.removeDirectory(directory.descriptor, name.bytes)
        } else {
            try? directory.unlink(name.bytes)
        }
    }
}

/// Gives the folder's own files to a user who is nobody.
func giveAway(_ scratch: Scratch) {
    for path in [scratch.outer]
        + ["", "/.relay", "/.relay/root", "/.relay/stage", "/.relay/park"].map({ scratch.path + $0 })
    {
        #expect(chown(path, 65_534, 65_534) == 0)
    }
}

/// Sets a file's time of modification, as `touch -r` does.
func touch(_ path: String, _ time: Timestamp) {
    let times = [
        timespec(tv_sec: 0, tv_nsec: (1 << 30) - 2),
        timespec(tv_sec: Int(time.seconds), tv_nsec: Int(time.nanoseconds)),
    ]
    #expect(utimensat(AT_FDCWD, path, times, 0) == 0)
}

extension ApplyOutcome {
    var doneFingerprint: Fingerprint? {
        switch self {
        case .done(let fingerprint): fingerprint
        case .doneKeeping(let fingerprint, _, _), .movedUnwritten(let fingerprint): fingerprint
        default: nil
        }
    }

    var kept: EntryName? {
        if case .doneKeeping(_, let name, _) = self { name } else { nil }
    }
}

extension ReadOutcome {
    var content: ContentDescription? {
        if case .content(let content, _, _) = self { content } else { nil }
    }

    var isBusy: Bool {
        if case .busy = self { true } else { false }
    }
}

func entryName(_ text: String) -> EntryName { EntryName(text) ?? .relayDirectory }
