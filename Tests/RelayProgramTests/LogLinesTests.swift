// SPDX-License-Identifier: Apache-2.0

import Glibc
import Logging
import Testing

@testable import RelayProgram

@Suite struct LogLinesTests {
    private let time = timespec(tv_sec: 1_700_000_000, tv_nsec: 7_000_000)

    @Test func `an event is one line with its facts in order`() {
        let line = LogLines.line(
            level: .info, message: "joined", metadata: ["share": "docs", "device": "desk 2", "empty": ""],
            at: time)
        #expect(line == "2023-11-14T22:13:20.007Z info joined device=\"desk 2\" empty=\"\" share=docs")
    }

    @Test func `nothing can forge a line`() {
        let line = LogLines.line(
            level: .error, message: "cannot read", metadata: ["path": "a\n2023 info fine\u{1b}[2J\u{202e}"],
            at: time)
        #expect(
            line
                == "2023-11-14T22:13:20.007Z error cannot read "
                + #"path="a\x0a2023 info fine\x1b[2J\xe2\x80\xae""#)
    }
}
