// SPDX-License-Identifier: Apache-2.0

import Foundation
import RelayCore
import RelayFolder
import Synchronization
import Testing

@testable import RelayAgent

@Suite struct ReadingTests {
    @Test func `a file that was served to others is not kept open`() async throws {
        try await TestNetwork.run(["a", "b"], storeLimitBytes: 0) { network, devices in
            let (a, b) = (devices[0], devices[1])
            try a.write("f", noise(3_000_000, seed: 5))
            try await network.settle()
            #expect(b.bytes("f")?.count == 3_000_000)
            try a.remove("f")
            try await network.settle()
            var open = ["unknown"]
            for _ in 0..<1000 where !open.isEmpty {
                open = Self.openFiles(beneath: network.directory).filter { $0.contains("(deleted)") }
                await pause(.milliseconds(10))
            }
            #expect(open.filter { $0.hasSuffix("/f (deleted)") } == [])
        }
    }

    private static func openFiles(beneath directory: String) -> [String] {
        let numbers = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []
        return numbers.compactMap { number in
            let target = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(number)")
            return target.flatMap { $0.hasPrefix(directory) ? $0 : nil }
        }
    }

    @Test func `a small file is read while large ones are`() async throws {
        let directory = NSTemporaryDirectory() + "relay-reading-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let folder = try SharedFolder.open(directory, expecting: nil, create: true)
        defer { folder.close() }
        var requests: [ReadRequest] = []
        for (index, name) in ["large1", "large2", "large3", "small"].enumerated() {
            #expect(FileManager.default.createFile(atPath: "\(directory)/\(name)", contents: Data([1])))
            let path = RelativePath([try #require(EntryName(name))])
            let node = NodeID(high: 1, low: UInt64(index))
            requests.append(ReadRequest(node: node, path: path, isLarge: name != "small"))
        }
        let order = Mutex<[String]>([])
        let smallIsRead = DispatchSemaphore(value: 0)
        let readers = FileReaders(folder: folder) { results in
            for path in results.map({ "\($0.path)" }) {
                // A large file takes until the small one is read.
                if path != "small" { _ = smallIsRead.wait(timeout: .now() + 20) }
                order.withLock { $0.append(path) }
                smallIsRead.signal()
            }
        }
        readers.read(requests)
        let all = await withDeadline(seconds: 100) { () -> [String]? in
            while !Task.isCancelled {
                let done = order.withLock { $0 }
                if done.count == 4 { return done }
                await pause(.milliseconds(5))
            }
            return nil
        }
        #expect(all?.first == "small")
        #expect(all?.sorted() == ["large1", "large2", "large3", "small"])
    }
}
