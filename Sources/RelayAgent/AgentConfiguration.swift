// SPDX-License-Identifier: Apache-2.0

/// How an agent is set up. Everything is validated before it gets here.
package struct AgentConfiguration: Sendable {
    /// Where the agent keeps its own state; made if it is missing. Never in a shared folder.
    package var stateDirectory: String
    /// The device's name, for people and for conflict copies' names.
    package var deviceName: String
    /// The path of `relay-watch`.
    package var watchExecutable: String
    /// How often the whole folder is looked through, whatever the watcher says.
    package var rescanInterval: Duration
    /// How often that is while there is no watcher.
    package var unwatchedRescanInterval: Duration
    /// How long after a comparison of disk, index and hub the next begins in the background; nil: none does.
    package var verificationInterval: Duration?
    /// How long to wait before a folder that halted is tried again.
    package var retryInterval: Duration

    package init(
        stateDirectory: String, deviceName: String, watchExecutable: String,
        rescanInterval: Duration = .seconds(3600), unwatchedRescanInterval: Duration = .seconds(30),
        verificationInterval: Duration? = .seconds(7 * 86400), retryInterval: Duration = .seconds(2)
    ) {
        self.stateDirectory = stateDirectory
        self.deviceName = deviceName
        self.watchExecutable = watchExecutable
        self.rescanInterval = rescanInterval
        self.unwatchedRescanInterval = unwatchedRescanInterval
        self.verificationInterval = verificationInterval
        self.retryInterval = retryInterval
    }
}
