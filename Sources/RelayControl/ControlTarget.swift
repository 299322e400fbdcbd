// SPDX-License-Identifier: Apache-2.0

import Glibc
import RelayCore

/// A running agent or hub to talk to: its socket, and what to say if nobody answers there.
package struct ControlTarget: Hashable, Sendable {
    /// The path of the Unix socket.
    package var socket: String
    /// The text for people when nobody listens.
    package var absence: String

    /// The agent with this state directory.
    package static func agent(stateDirectory: String) -> ControlTarget {
        ControlTarget(
            socket: socket(in: stateDirectory),
            absence: "no agent is running for the state \(stateDirectory): start it with relay-agent FOLDER")
    }

    /// The hub with this data directory.
    package static func hub(dataDirectory: String) -> ControlTarget {
        ControlTarget(
            socket: socket(in: dataDirectory),
            absence: "no hub is running for the data \(dataDirectory): start it with relay-server")
    }

    /// Whatever listens on this socket.
    package static func socket(_ path: String) -> ControlTarget {
        ControlTarget(socket: path, absence: "nothing listens on the socket \(path)")
    }

    /// The socket of a state directory: `api.sock` in it, or where the link of that name leads.
    private static func socket(in directory: String) -> String {
        let path = directory + "/" + SocketLocation.name
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink(path, &buffer, buffer.count)
        if count > 0 {
            return String(decoding: buffer.prefix(count).map(UInt8.init(bitPattern:)), as: UTF8.self)
        }
        guard path.utf8.count > SocketLocation.limitBytes, let text = realpath(directory, nil) else {
            return path
        }
        defer { free(text) }
        return String(cString: text) + "/" + SocketLocation.name
    }
}
