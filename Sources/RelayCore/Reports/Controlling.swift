// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

/// Why something that a person or script asked for was not done. Each case is one exit code.
package enum ControlError: Error, Hashable, Sendable {
    case failed(String)
    case usage(String)
    case notInSync(String)
    case notFound(String)
    case refused(String)
    case unreachable(String)
    case timedOut(String)

    /// The text for people.
    package var message: String {
        switch self {
        case .failed(let text), .usage(let text), .notInSync(let text), .notFound(let text),
            .refused(let text), .unreachable(let text), .timedOut(let text):
            text
        }
    }

    /// The exit code of DESIGN.md: 1, 2, 3, 5, 6, 7 or 8.
    package var exitCode: Int32 {
        switch self {
        case .failed: 1
        case .usage: 2
        case .notInSync: 3
        case .notFound: 5
        case .refused: 6
        case .unreachable: 7
        case .timedOut: 8
        }
    }
}

/// What a person or script can ask of a running agent.
///
/// `share` picks one of several folders; nil is the only one, or an error that lists them. Byte streams are
/// pulled: nothing is read further than the consumer asks.
package protocol AgentControlling: Sendable {
    func status() async -> AgentReport
    /// The entries at and beneath a path of the share, in the order of their paths.
    func list(share: String?, path: RelativePath) async throws(ControlError) -> [EntryReport]
    /// Somebody says that what the folder is held for is meant: it becomes the share's state.
    func confirm(share: String?) async throws(ControlError)
    /// Somebody says that what the folder is held for is not meant: the share's state comes back.
    func reject(share: String?) async throws(ControlError)
    /// Gives a folder up for good: it stays as it is on this machine, its `.relay` goes, and the hub is told.
    /// Nothing is deleted anywhere. `refused` if this device alone has contents of the share, and `isForced`
    /// does not say that it is to leave all the same.
    func leave(share: String?, isForced: Bool) async throws(ControlError) -> DepartureReport
    /// Returns when the folder is in sync with the hub; `timedOut` after so many seconds (nil: never). With 0
    /// it tells only what is known: `notInSync` if the folder is not.
    func wait(share: String?, timeoutSeconds: Double?) async throws(ControlError)
    /// Compares disk, index and hub, of all folders if none is named. What differs is observed and planned
    /// anew by the ordinary rules; nothing is removed for it.
    func verify(share: String?) async throws(ControlError) -> [VerificationReport]
    /// Waits until the folder holds the share's current content at this path, and returns the absolute path.
    ///
    /// Throws `notInSync` naming the devices that have it, if none of them is online and time ran out.
    func download(share: String?, path: RelativePath, timeoutSeconds: Double?) async throws(ControlError)
        -> String
    /// Brings the share's current content at this path and hands its bytes over in order, whether or not
    /// the folder has them. The sink is called at least once: for an empty file once with no bytes.
    func read(
        share: String?, path: RelativePath, timeoutSeconds: Double?,
        into sink: @Sendable (FilePayload, [UInt8]) async throws -> Void
    ) async throws(ControlError)
    /// Puts bytes into the folder at this path, replacing what is there, as a user's save would.
    func upload(
        share: String?, path: RelativePath, mode: PermissionBits, modified: Timestamp?,
        from source: @Sendable () async throws -> [UInt8]?
    ) async throws(ControlError)
    /// Makes an (empty) directory in the folder, and those above it.
    func makeDirectory(share: String?, path: RelativePath) async throws(ControlError)
    /// Removes a file, link or whole directory from the share.
    func delete(share: String?, path: RelativePath) async throws(ControlError)
}

/// What a person or script can ask of a running hub.
package protocol HubControlling: Sendable {
    func status() async -> HubReport
    /// A new join link. `address` is `HOST:PORT` as the agent should dial it; nil: the hub's own idea.
    /// A share that there is not is made if `creates` says so; `notFound` otherwise.
    func invite(share: String, address: String?, creates: Bool) async throws(ControlError) -> String
    /// Takes a device's access back, to all its shares if none is named: it is cut off at once and refused
    /// from then on, whatever link it brings. `device` is its name, or how its id begins.
    func revoke(device: String, share: String?) async throws(ControlError) -> AccessReport
    /// Gives a device its access again that was taken back.
    func readmit(device: String, share: String?) async throws(ControlError) -> AccessReport
    /// Reads all stored chunks, of all shares if none is named, and compares them with their names. What is
    /// damaged is brought anew from a device that has it.
    func verify(share: String?) async throws(ControlError) -> [HubVerificationReport]
}
