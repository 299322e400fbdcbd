// SPDX-License-Identifier: Apache-2.0

import RelayControl
import RelayCore
import Testing

@Suite struct SharePathTests {
    @Test(arguments: [
        ("a", "a"), ("./a/b/", "a/b"), ("a//b", "a/b"), ("a/./b", "a/b"), ("...", "..."),
    ])
    func `a typed name becomes a path of the share`(text: String, expected: String) throws {
        #expect(try RelativePath(typed: Array(text.utf8)).bytes == Array(expected.utf8))
    }

    @Test(arguments: ["", ".", "/", "/etc/passwd", "..", "a/../b", String(repeating: "x", count: 256)])
    func `what is no name in the share is refused`(text: String) {
        #expect(throws: ControlError.self) { try RelativePath(typed: Array(text.utf8)) }
    }

    @Test(arguments: ["", ".", "./", "/"])
    func `the root can be meant`(text: String) throws {
        #expect(try RelativePath(typedOrRoot: Array(text.utf8)) == .root)
    }
}
