// SPDX-License-Identifier: Apache-2.0

import Glibc
import RelayCore
import Testing

@testable import RelayFolder

/// The file that says what is left out is read as it stands, or not at all.
@Suite struct RulesTests {
    private let name = ".relayignore"

    private func text(_ reading: RulesReading) -> String? {
        guard case .content(let bytes, _, _) = reading else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test(arguments: places) func `a file is read with its fingerprint`(place: String) throws {
        let scratch = try Scratch(in: place)
        #expect(scratch.folder.readRules(isInsisting: false) == .missing)
        for rules in ["", "*.o\n"] {
            scratch.write(name, rules)
            let reading = scratch.folder.readRules(isInsisting: false)
            #expect(text(reading) == rules)
            guard case .content(_, let fingerprint, _) = reading else { continue }
            #expect(try scratch.fingerprint(name) == fingerprint)
        }
    }

    @Test(arguments: places) func `a file with a writer is busy, unless one insists`(place: String) throws {
        let scratch = try Scratch(in: place)
        scratch.write(name, "a\n")
        let writer = open(scratch.path + "/" + name, O_WRONLY | O_CLOEXEC | O_APPEND)
        #expect(scratch.folder.readRules(isInsisting: false) == .busy)
        #expect(text(scratch.folder.readRules(isInsisting: true)) == "a\n")
        close(writer)
        #expect(text(scratch.folder.readRules(isInsisting: false)) == "a\n")
    }

    @Test func `what is no file, or too large, is a problem`() throws {
        let scratch = try Scratch()
        func cause() -> Problem.Cause? {
            guard case .failed(let problem) = scratch.folder.readRules(isInsisting: false) else { return nil }
            return problem.cause
        }
        scratch.makeDirectory(name)
        #expect(cause() == .unsupported)
        #expect(rmdir(scratch.path + "/" + name) == 0)
        scratch.write("elsewhere", "*\n")
        #expect(symlink("elsewhere", scratch.path + "/" + name) == 0)
        #expect(cause() == .unsupported)
        #expect(unlink(scratch.path + "/" + name) == 0)
        writeBytes(
            scratch.path + "/" + name, [UInt8](repeating: 0x61, count: IgnoreRules.limitBytes + 1))
        #expect(cause() == .unsupported)
    }
}
