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
        let begin = ContinuousClock.now
        let writing = try a.shell(
            """
            exec bash -c 'exec 9>>log; last=${EPOCHREALTIME/./}; pauses=0
            for i in $(seq 120); do
                \(line); sleep 0.1
                now=${EPOCHREALTIME/./}; (( now - last < 350000 )) || (( ++pauses )); last=$now
            done
            echo $pauses'
            """)
        let seconds = (ContinuousClock.now - begin).components.seconds
        let pauses = try #require(Int(writing.trimmingCharacters(in: .whitespacesAndNewlines)))
        try setup.settle()
        // The file itself, three at once, one each five seconds, the last; and where a busy machine had the
        // writer pause.
        #expect(try revision(b) - before <= 6 + Int(seconds) / 5 + pauses)
        #expect(try b.shell("wc -l < log; tail -1 log") == "120\n120\n")
        #expect(try setup.differences() == "")
        // Once it rests, the next save is quick again, as those of other files always are.
        try a.write("other", "x")
        try within(3) { b.read("other") == "x" }
    }
}
