// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// Options that are written before the verb, as in `relay-ctl --state DIR status`.
enum LeadingOptions {
    /// The options that say which agent is meant; each takes a value.
    private static let known: Set<String> = ["--state", "--socket", "--share", "--log-level"]

    private static let verbs = Set(RelayCtl.configuration.subcommands.map { $0._commandName })

    /// The same arguments with those options behind the verb, where the verb's own parser finds them.
    static func movedBehindVerb(_ arguments: [String]) -> [String] {
        var options: [String] = []
        var rest = arguments[...]
        while let first = rest.first {
            let name = first.prefix { $0 != "=" }
            guard known.contains(String(name)) else { break }
            let count = name == first ? 2 : 1
            guard rest.count >= count else { break }
            options += rest.prefix(count)
            rest = rest.dropFirst(count)
        }
        guard let verb = rest.first, !verb.hasPrefix("-") else { return arguments }
        // What is no verb is for the parser to say, and not of the options behind it.
        guard verbs.contains(verb) else { return Array(rest) }
        return [verb] + options + rest.dropFirst()
    }
}
