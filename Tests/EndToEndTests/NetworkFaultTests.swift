// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// Networks between the real programs that are slow, fall silent, or cut.
@Suite(.serialized, .patientLane) struct NetworkFaultTests {
    @Test func `S54 a device with a slow uplink is not taken for dead`() throws {
        let setup = try Setup()
        let proxy = try ThrottledProxy(to: setup.address)
        defer { proxy.close() }
        let a = try setup.agent("a", through: proxy)
        let b = try setup.agent("b")
        try a.write("one", "1\n")
        try setup.settle()
        proxy.limit(bytesPerSecond: 60_000)
        try a.shell("mkdir m; for i in $(seq 8); do head -c 350000 /dev/urandom > m/$i; done")
        // 2.8 MB take 47 seconds; a small save in between does not wait for them.
        try within(20, "b hears of the files") {
            FileManager.default.fileExists(atPath: b.folder + "/m")
        }
        try a.write("quick", "now\n")
        try within(10, "a small save goes ahead") { b.read("quick") == "now\n" }
        try within(100, "all arrive") { try b.shell("ls m | wc -l") == "8\n" }
        try setup.settle()
        #expect(try setup.differences() == "")
        #expect(setup.hub?.errors.contains("does not answer") == false)
    }

    @Test func `S51 a network that swallows everything is noticed by both ends in a minute`() throws {
        let setup = try Setup()
        let proxy = try ThrottledProxy(to: setup.address)
        defer { proxy.close() }
        let a = try setup.agent("a", through: proxy)
        let b = try setup.agent("b")
        try a.write("one", "1\n")
        try setup.settle()
        proxy.setSilent(true)
        let begin = Date()
        try a.write("two", "2\n")
        try within(60, "the agent is offline") {
            let asked = Date()
            defer { #expect(Date().timeIntervalSince(asked) < 2, "status answers soon throughout") }
            return try a.control("status").output.contains("offline")
        }
        try within(60 - Date().timeIntervalSince(begin), "the hub sees that the device is gone") {
            try setup.hubStatus().output.split(separator: "\n").contains {
                $0.contains(" a ") && $0.contains(" no ")
            }
        }
        let stopping = Date()
        a.stop()
        #expect(Date().timeIntervalSince(stopping) < 2)
        try a.start()
        proxy.setSilent(false)
        try within(60, "the change arrives") { b.read("two") == "2\n" }
        try setup.settle()
        #expect(try setup.differences() == "")
    }

    @Test func `S50 cuts at any moment lose nothing`() throws {
        let setup = try Setup()
        let proxy = try ThrottledProxy(to: setup.address)
        defer { proxy.close() }
        let a = try setup.agent("a", through: proxy)
        let b = try setup.agent("b", through: proxy)
        try setup.settle()
        let end = Date(timeIntervalSinceNow: 15)
        var round = 0
        while Date() < end {
            round += 1
            for agent in [a, b] {
                try agent.shell(
                    """
                    mkdir -p \(agent.name)/\(round % 5); echo \(round) > \(agent.name)/\(round % 5)/\(round)
                    head -c $((RANDOM * 20)) /dev/urandom > \(agent.name)/large
                    [ \(round % 7) != 3 ] || mv \(agent.name)/\(round % 5) \(agent.name)/moved\(round)
                    """)
            }
            // Nothing is waited for: the cuts are to come at any moment of what is under way.
            usleep(UInt32.random(in: 50_000...300_000))
            proxy.cut()
        }
        try setup.settle(seconds: 100)
        #expect(try setup.differences() == "")
        #expect(try a.conflictCopies() == [])
        #expect(
            try a.shell("find . -path ./.relay -prune -o -type f -name '[0-9]*' -print | wc -l")
                == "\(2 * round)\n")
    }

    @Test func `a hub that turns everybody away is waited for`() throws {
        let setup = try Setup()
        let proxy = try ThrottledProxy(to: setup.address)
        defer { proxy.close() }
        let a = try setup.agent("a", through: proxy)
        let b = try setup.agent("b")
        try setup.settle()
        proxy.setRefusing(true)
        proxy.cut()
        try a.write("one", "1\n")
        try within(10, "the agent is offline") { try a.control("status").output.contains("offline") }
        proxy.setRefusing(false)
        try within(40, "the change arrives") { b.read("one") == "1\n" }
    }
}
