// SPDX-License-Identifier: Apache-2.0

/// Commands that run a program as somebody else, or with less: they become the program, which keeps their
/// process.
enum Wrapper {
    /// Somebody who may do nothing special.
    static let nobody = [
        "/usr/bin/setpriv", "--reuid=\(nobodyID)", "--regid=\(nobodyID)", "--clear-groups", "--",
    ]
    static let nobodyID = 65534

    /// With a limit of its own for `max_inotify_watches` or the like.
    static func inotify(_ name: String, _ limit: Int) -> [String] {
        [
            "/usr/bin/unshare", "--user", "--map-root-user", "/bin/bash", "-c",
            "echo \(limit) > /proc/sys/user/\(name) && exec \"$0\" \"$@\"",
        ]
    }

    /// With so many descriptors at most.
    static func descriptors(_ limit: Int) -> [String] {
        ["/bin/bash", "-c", "ulimit -n \(limit) && exec \"$0\" \"$@\""]
    }
}
