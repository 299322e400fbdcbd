// SPDX-License-Identifier: Apache-2.0

import Foundation
import RelayCore
import Testing

@testable import RelayAgent

@Suite(.serialized) struct SyncingTests {
    @Test func `a file crosses, and so do its edits and its removal`() async throws {
        try await TestNetwork.run(["anna", "ben"]) { network, devices in
            let (anna, ben) = (devices[0], devices[1])
            try anna.write("hello.txt", "hello")
            try await network.settle()
            #expect(ben.text("hello.txt") == "hello")
            try ben.write("hello.txt", "hello, anna")
            try await network.settle()
            #expect(anna.text("hello.txt") == "hello, anna")
            try anna.remove("hello.txt")
            try await network.settle()
            #expect(try ben.tree().isEmpty)
        }
    }

    @Test func `directories, links, empty files, modes and odd names cross`() async throws {
        try await TestNetwork.run(["anna", "ben"]) { network, devices in
            let (anna, ben) = (devices[0], devices[1])
            try anna.makeDirectory("a/b/c")
            try anna.makeDirectory("empty")
            try anna.write("a/b/c/deep.txt", "deep")
            try anna.write("a/nothing", "")
            try anna.write("a/new\nline -rf \u{e9} e\u{301}", "odd")
            try anna.write("a/script", "#!/bin/sh\n")
            #expect(chmod(anna.path("a/script"), 0o755) == 0)
            #expect(symlink("../nowhere", anna.path("a/link")) == 0)
            try await network.settle()
            let tree = try anna.tree()
            #expect(tree.count == 9)
            #expect(try ben.tree() == tree)
        }
    }

    @Test func `a renamed directory is renamed, with what is in it`() async throws {
        try await TestNetwork.run(["anna", "ben"]) { network, devices in
            let (anna, ben) = (devices[0], devices[1])
            try anna.makeDirectory("old/sub")
            for number in 0..<20 { try anna.write("old/sub/\(number)", "file \(number)") }
            try await network.settle()
            var before = stat()
            #expect(stat(ben.path("old/sub/7"), &before) == 0)
            try anna.move("old", "new")
            try await network.settle()
            #expect(try ben.tree() == anna.tree())
            var after = stat()
            #expect(stat(ben.path("new/sub/7"), &after) == 0)
            #expect(before.st_ino == after.st_ino)
        }
    }

    @Test func `many small files cross`() async throws {
        try await TestNetwork.run(["anna", "ben"]) { network, devices in
            let (anna, ben) = (devices[0], devices[1])
            for directory in 0..<10 {
                try anna.makeDirectory("d\(directory)")
                for number in 0..<100 { try anna.write("d\(directory)/\(number)", "\(directory) \(number)") }
            }
            try await network.settle()
            let tree = try anna.tree()
            #expect(tree.count == 1010)
            #expect(try ben.tree() == tree)
        }
    }

    @Test func `both edit one file while apart: the first to come keeps the name`() async throws {
        try await TestNetwork.run(["anna", "ben"]) { network, devices in
            let (anna, ben) = (devices[0], devices[1])
            try anna.write("plan.txt", "base")
            try await network.settle()
            await ben.stop()
            try anna.write("plan.txt", "anna's")
            try await network.settle()
            try ben.write("plan.txt", "ben's")
            try await ben.start()
            try await network.settle()
            let tree = try anna.tree()
            #expect(tree.count == 2)
            #expect(try ben.tree() == tree)
            #expect(anna.text("plan.txt") == "anna's")
            let copy = try #require(tree.keys.first { $0 != "plan.txt" })
            #expect(copy.hasPrefix("plan (conflict ben "))
            #expect(ben.text(copy) == "ben's")
        }
    }

    @Test func `what both did while apart is merged`() async throws {
        try await TestNetwork.run(["anna", "ben"]) { network, devices in
            let (anna, ben) = (devices[0], devices[1])
            try anna.makeDirectory("docs")
            for name in ["one", "two", "three"] { try anna.write("docs/\(name)", name) }
            try await network.settle()
            await anna.stop()
            await ben.stop()
            try anna.move("docs", "papers")
            try anna.write("papers/four", "four")
            try ben.write("docs/one", "one, edited")
            try ben.remove("docs/two")
            try await anna.start()
            try await ben.start()
            try await network.settle()
            #expect(try anna.tree() == ben.tree())
            #expect(try anna.tree().keys.sorted() == ["papers", "papers/four", "papers/one", "papers/three"])
            #expect(anna.text("papers/one") == "one, edited")
        }
    }

    @Test func `two folders that are not empty become their union`() async throws {
        try await TestNetwork.run([]) { network, _ in
            let anna = try await network.join("anna") { folder in
                try Data("same".utf8).write(to: URL(fileURLWithPath: folder + "/same"))
                try Data("anna".utf8).write(to: URL(fileURLWithPath: folder + "/anna"))
                try Data("anna's".utf8).write(to: URL(fileURLWithPath: folder + "/differs"))
            }
            try await network.settle()
            let ben = try await network.join("ben") { folder in
                try Data("same".utf8).write(to: URL(fileURLWithPath: folder + "/same"))
                try Data("ben".utf8).write(to: URL(fileURLWithPath: folder + "/ben"))
                try Data("ben's".utf8).write(to: URL(fileURLWithPath: folder + "/differs"))
            }
            try await network.settle()
            let tree = try anna.tree()
            #expect(try ben.tree() == tree)
            #expect(tree.count == 5)
            #expect(anna.text("differs") == "anna's")
        }
    }

    @Test func `an agent works without a watcher, if slowly, and says so`() async throws {
        try await TestNetwork.run(["anna", "ben"], watching: false) { network, devices in
            let (anna, ben) = (devices[0], devices[1])
            try anna.write("a", "a")
            try await network.settle()
            #expect(ben.text("a") == "a")
            let report = try await anna.report()
            #expect(report.problems.contains { $0.reason.hasPrefix("changes are not noticed at once") })
        }
    }
}
