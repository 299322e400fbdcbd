// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import RelayControl
import RelayCore
import RelayProgram

/// `relay-server revoke`: a device is a member no more.
struct Revoke: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Take a device's access back: it is cut off at once, and refused from then on.",
        discussion: """
            What the device has stays on its disk, and nothing of the share is deleted. Join links of the \
            shares that nobody has used yet are void afterwards, since the device may know one of them.

            Examples:
              relay-server revoke laptop
              relay-server revoke 3f9a0c --share photos
            """)

    @Argument(help: "The device's name, or how its id begins (relay-server devices lists both).")
    var device: String

    @OptionGroup var place: DataOptions

    @Option(help: ArgumentHelp("The share that it is about (default: all of the device).", valueName: "name"))
    var share: String?

    func run() async throws {
        let (device, share) = (device, share)
        let report = try await place.withClient { try await $0.revoke(device: device, share: share) }
        Terminal.print(
            "\(report.title) is no device of \(report.shares.joined(separator: ", ")) any more: it is cut"
                + " off, and refused from now on")
        if report.voidLinks > 0 {
            let links = report.voidLinks == 1 ? "1 join link" : "\(report.voidLinks) join links"
            Terminal.print(
                "\(links) that nobody had used will not work: relay-server invite makes new ones")
        }
    }
}

/// `relay-server readmit`: a device is a member again.
struct Readmit: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Give a device its access again that was revoked.",
        discussion: """
            The device goes on where it was, once it has tried again: within a minute.

            Example:
              relay-server readmit laptop
            """)

    @Argument(help: "The device's name, or how its id begins (relay-server devices lists both).")
    var device: String

    @OptionGroup var place: DataOptions

    @Option(
        help: ArgumentHelp("The share that it is about (default: all that were revoked).", valueName: "name"))
    var share: String?

    func run() async throws {
        let (device, share) = (device, share)
        let report = try await place.withClient { try await $0.readmit(device: device, share: share) }
        Terminal.print("\(report.title) is a device of \(report.shares.joined(separator: ", ")) again")
    }
}

extension AccessReport {
    /// The device for people.
    fileprivate var title: String { "\(device) (\(deviceID.prefix(12)))" }
}
