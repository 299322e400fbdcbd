// SPDX-License-Identifier: Apache-2.0

import Glibc
package import RelayCore

/// What the programs take from their environment.
package enum Environment {
    /// A variable's text; nil if it is unset or empty.
    package static func text(_ name: String) -> String? {
        guard let value = getenv(name) else { return nil }
        let text = String(cString: value)
        return text.isEmpty ? nil : text
    }

    /// The state directory of the user's agent: `$RELAY_STATE`, else `$XDG_STATE_HOME/relay/agent`, else
    /// `~/.local/state/relay/agent`.
    package static func agentState() throws(ControlError) -> String {
        if let state = text("RELAY_STATE") { return state }
        if let base = text("XDG_STATE_HOME"), base.hasPrefix("/") { return base + "/relay/agent" }
        guard let home = text("HOME") else {
            throw .usage("no place for the state: set --state DIR, RELAY_STATE or HOME")
        }
        return home + "/.local/state/relay/agent"
    }

    /// The name of this machine, without its domain.
    package static func hostName() -> String {
        var buffer = [CChar](repeating: 0, count: 256)
        guard gethostname(&buffer, buffer.count - 1) == 0 else { return "unnamed" }
        let bytes = buffer.prefix { $0 != 0 && $0 != 0x2e }.map(UInt8.init(bitPattern:))
        let name = String(decoding: bytes, as: UTF8.self)
        return name.isEmpty ? "unnamed" : name
    }

    /// The directory of the running executable.
    package static func executableDirectory() -> String? {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink("/proc/self/exe", &buffer, buffer.count)
        guard count > 0 else { return nil }
        let path = String(decoding: buffer.prefix(count).map(UInt8.init(bitPattern:)), as: UTF8.self)
        return path.lastIndex(of: "/").map { String(path[..<$0]) }
    }
}
