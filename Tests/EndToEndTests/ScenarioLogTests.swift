// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@Suite(.serialized, .patientLane) struct ScenarioLogTests {
    private func revision(_ agent: Agent) throws -> Int {
        let status = try agent.control("status", "--json").output
        let reports = try JSONSerialization.jsonObject(with: Data(status.utf8)) as? [String: Any]
        let folders = reports?["folders"] as? [[String: Any]]
        return try #require(folders?.first?["revision"] as? Int)
    }

    @Test(arguments: ["echo $i >> log", "echo $i >&9"])
    func `S12 a log that is appended to all the time makes few versions`(_ line: String) throws {
        let setup = try Setup()
        let a = try setup.agent("a")
        let b = try setup.agent("b")
        try setup.settle()
        let before = try revision(b)
        try a.shell("exec 9>>log; for i in $(seq 120); do \(line); sleep 0.1; done")
        try setup.settle()
        // Three at once, one each five seconds, the last; and the file itself.
        #expect(try revision(b) - before <= 8)
        #expect(try b.shell("wc -l < log; tail -1 log") == "120\n120\n")
        #expect(try setup.differences() == "")
        // Once it rests, the next save is quick again, as those of other files always are.
        try a.write("other", "x")
        try within(3) { b.read("other") == "x" }
    }
}
