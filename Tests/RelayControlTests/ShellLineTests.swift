// SPDX-License-Identifier: Apache-2.0

import RelayControl
import RelayCore
import Testing

@Suite struct ShellLineTests {
    private func words(_ text: String) throws(ControlError) -> [String]? {
        guard case .words(let words) = try ShellLine(parsing: Array(text.utf8)) else { return nil }
        return words.map { String(decoding: $0, as: UTF8.self) }
    }

    @Test(arguments: ["", "   ", "\t\r", "# a comment", "  # another"])
    func `empty lines and comments are blank`(text: String) throws {
        #expect(try ShellLine(parsing: Array(text.utf8)) == .blank)
    }

    @Test(arguments: [
        ("UPLOAD@a.txt", ShellLine.ClassicVerb.upload, "a.txt"),
        ("DOWNLOAD@photos/my cat.jpg\r", .download, "photos/my cat.jpg"),
        ("  DELETE@it's \"quoted\"  ", .delete, "it's \"quoted\""),
        ("upload@a@b", .upload, "a@b"),
        ("Delete@#1", .delete, "#1"),
    ])
    func `a classic line takes its name as it is`(
        text: String, verb: ShellLine.ClassicVerb, name: String
    ) throws {
        #expect(try ShellLine(parsing: Array(text.utf8)) == .classic(verb, name: Array(name.utf8)))
    }

    @Test func `a classic name is bytes`() throws {
        let line = Array("UPLOAD@".utf8) + [0xff, 0x01, 0xfe]
        #expect(try ShellLine(parsing: line) == .classic(.upload, name: [0xff, 0x01, 0xfe]))
    }

    @Test func `a classic line without a name is refused`() {
        #expect(throws: ControlError.usage("UPLOAD@ lacks a name")) {
            try ShellLine(parsing: Array("UPLOAD@".utf8))
        }
    }

    @Test(arguments: [
        ("upload a b", ["upload", "a", "b"]),
        ("  list\t'my photos'  ", ["list", "my photos"]),
        ("delete \"a \\\"b\\\" \\n\"", ["delete", "a \"b\" \\n"]),
        ("delete a\\ b\\'c", ["delete", "a b'c"]),
        ("upload 'it'\"'\"'s'", ["upload", "it's"]),
        ("upload '' --to x", ["upload", "", "--to", "x"]),
        ("UPLOAD a", ["UPLOAD", "a"]),
    ])
    func `words are split as a shell does`(text: String, expected: [String]) throws {
        #expect(try words(text) == expected)
    }

    @Test(arguments: ["upload 'a", "upload \"a", "upload a\\", "upload \"a\\"])
    func `an open quote is refused`(text: String) {
        #expect(throws: ControlError.self) { try words(text) }
    }
}
