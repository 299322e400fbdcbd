// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@Suite(.serialized, .busyLane) struct RelayingTests {
    @Test func `a hub that keeps nothing relays from the other agent`() throws {
        let setup = try Setup(storeLimit: "0")
        let a = try setup.agent("a")
        let b = try setup.agent("b")
        try a.shell("head -c 3000000 /dev/urandom > big; echo small > small")
        try setup.settle()
        #expect(try setup.differences() == "")
        #expect(try Shell.run("find hub -name '*.seg' -size +4k | wc -l", in: setup.directory) == "0\n")
        let result = try b.control("download", "big", "-o", setup.directory + "/copy")
        #expect(result.status == 0, "\(result.errors)")
        try Shell.run("cmp copy folder-a/big", in: setup.directory)
    }

    @Test func `S55 with nobody online that has it, download says whom it waits for, and it comes later`()
        throws
    {
        let setup = try Setup(storeLimit: "0")
        let a = try setup.agent("laptop")
        try a.shell("head -c 200000 /dev/urandom > rare")
        try a.wait()
        a.stop()
        let b = try setup.agent("b")
        let result = try b.control("download", "rare", "-o", setup.directory + "/copy", "--timeout", "1")
        #expect(result.status != 0)
        #expect(result.errors.contains("laptop"), "\(result.errors)")
        let control = try Programs.path("relay-ctl")
        let patient = try Shell.run(
            "timeout 6 \(control) --state \(b.state) download rare 2>&1 || true", in: setup.directory)
        #expect(patient.contains("waiting") && patient.contains("laptop"), "\(patient)")
        try a.start()
        try setup.settle()
        #expect(try setup.differences() == "")
    }

    @Test func `upload, list, status, delete and the shell do what they say`() throws {
        let setup = try Setup()
        let a = try setup.agent("a")
        let b = try setup.agent("b")
        try Shell.run("echo outside > file", in: setup.directory)
        #expect(try a.control("upload", "file", "--to", "in/side").status == 0)
        try setup.settle()
        #expect(b.read("in/side") == "outside\n")
        #expect(try b.control("list").output.contains("in/side"))
        #expect(try b.control("list", "--json").output.contains("\"in sync\""))
        #expect(try b.control("status").output.contains("in sync"))
        #expect(try b.control("delete", "in/side").status == 0)
        try setup.settle()
        #expect(a.read("in/side") == nil)
        #expect(try b.control("download", "not/there").status == 5)
        let control = try Programs.path("relay-ctl")
        try Shell.run(
            "printf 'UPLOAD@file\\nDOWNLOAD@file\\nDELETE@file\\n' | \(control) --state \(a.state) shell",
            in: setup.directory)
        try setup.settle()
        #expect(b.read("file") == nil)
    }

    @Test func `what was uploaded a moment ago is there for a download`() throws {
        let setup = try Setup()
        let a = try setup.agent("a")
        let control = try Programs.path("relay-ctl")
        try Shell.run(
            """
            for i in $(seq 100); do
                echo $i > f$i
                printf 'UPLOAD@f%d\\nDOWNLOAD@f%d\\n' $i $i
            done | \(control) --state \(a.state) shell
            """, in: setup.directory)
        for name in (1...10).map({ "g\($0)" }) {
            try Shell.run("echo \(name) > \(name)", in: setup.directory)
            #expect(try a.control("upload", name, "--to", "new-\(name)/\(name)").status == 0)
            let result = try a.control("download", "new-\(name)/\(name)", "-o", "-")
            #expect(result.status == 0 && result.output == "\(name)\n", "\(result.errors)")
            try Shell.run("echo again >> \(name)", in: setup.directory)
            #expect(try a.control("upload", name, "--to", "new-\(name)/\(name)").status == 0)
            let later = try a.control("download", "new-\(name)/\(name)", "-o", "-")
            #expect(later.status == 0 && later.output == "\(name)\nagain\n", "\(later.errors)")
        }
        try a.shell("echo 'left' > .relayignore")
        try a.wait()
        try a.shell("echo out > left")
        let refused = try a.control("download", "left")
        #expect(refused.status == 6 && refused.errors.contains(".relayignore"), "\(refused.errors)")
    }
}
