// SPDX-License-Identifier: Apache-2.0

#if DEBUG
    import Glibc
    import RelayCore
    import Synchronization

    /// Has the program kill itself at a failpoint: `RELAY_FAILPOINT=NAME` or `NAME:N` for the N-th time that
    /// it is reached. With `RELAY_FAILPOINT_ACTION=stop` it stops itself (SIGSTOP) instead.
    enum FailpointSwitch {
        static func apply() {
            guard let text = Environment.text("RELAY_FAILPOINT") else { return }
            let parts = text.split(separator: ":")
            guard let name = parts.first, let failpoint = Failpoint(rawValue: String(name)) else {
                Terminal.complain("RELAY_FAILPOINT: there is no failpoint \(text)")
                exit(2)
            }
            let count = parts.count > 1 ? Int(parts[1]) ?? 1 : 1
            let action = Environment.text("RELAY_FAILPOINT_ACTION") == "stop" ? SIGSTOP : SIGKILL
            let reached = Mutex(0)
            Failpoint.handler = { found in
                guard found == failpoint else { return }
                let isDue = reached.withLock { reached in
                    reached += 1
                    return reached == count
                }
                // To this thread, which goes no further: a signal to the process may be another one's.
                if isDue { raise(action) }
            }
        }
    }
#endif
