// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
package import RelayCore

/// How reports are shown. The JSON form is the report itself with sorted keys, and is a contract: fields are
/// added, never changed. The table form is for people and may change.
package enum Rendering {
    case table
    case json

    /// The entries of a share, one a line.
    package func lines(_ entries: [EntryReport]) throws(ControlError) -> [String] {
        switch self {
        case .json: try json(entries)
        case .table: entries.isEmpty ? ["no entries"] : table(entries)
        }
    }

    /// What an agent says of itself.
    package func lines(_ report: AgentReport) throws(ControlError) -> [String] {
        switch self {
        case .json: try json(report)
        case .table: table(report)
        }
    }

    /// What a hub says of itself.
    package func lines(_ report: HubReport) throws(ControlError) -> [String] {
        switch self {
        case .json: try json(report)
        case .table: table(report)
        }
    }

    /// The devices of a hub, one a line.
    package func lines(_ devices: [DeviceReport]) throws(ControlError) -> [String] {
        switch self {
        case .json: try json(devices)
        case .table: devices.isEmpty ? ["no devices"] : table(devices)
        }
    }

    /// What came of giving a folder up.
    package func lines(_ report: DepartureReport) throws(ControlError) -> [String] {
        switch self {
        case .json: try json(report)
        case .table: text(report)
        }
    }

    /// What comparisons of disk, index and hub found.
    package func lines(_ reports: [VerificationReport]) throws(ControlError) -> [String] {
        switch self {
        case .json: try json(reports)
        case .table: reports.flatMap(text)
        }
    }

    /// What verifications of a hub's store found.
    package func lines(_ reports: [HubVerificationReport]) throws(ControlError) -> [String] {
        switch self {
        case .json: try json(reports)
        case .table: reports.flatMap(text)
        }
    }

    private func json(_ value: some Encodable) throws(ControlError) -> [String] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        do {
            return [String(decoding: try encoder.encode(value), as: UTF8.self)]
        } catch {
            throw .failed("cannot write the answer as JSON: \(error)")
        }
    }
}

/// A text that may hold anything, as people and terminals can bear it.
func shown(_ text: String) -> String { displayText(Array(text.utf8)) }
