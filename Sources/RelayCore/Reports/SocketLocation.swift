// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

/// Where the REST API of an agent or a hub listens, told from its state directory.
///
/// The socket is `<state directory>/api.sock`. If that is too long for a socket's address, the socket lies
/// under a short path derived from the directory, and `api.sock` is a symbolic link with that path as its
/// target; so a client needs the state directory alone.
package enum SocketLocation {
    /// The name of the socket, or of the link to it, in the state directory.
    package static let name = "api.sock"

    /// The longest path that is used as the address of a Unix socket, in bytes: Linux takes 107, SwiftNIO
    /// 103.
    package static let limitBytes = 103

    /// What the directory that a socket is born in adds to the socket's path (see `birthplace`).
    private static let birthSuffix = ".d/s"

    /// The socket's path in the state directory; nil if it is too long for an address.
    package static func direct(stateDirectory: String) -> String? { fitting(stateDirectory + "/" + name) }

    /// The socket's path in a directory of short name; nil if even that is too long for an address.
    package static func short(stateDirectory: String, runtimeDirectory: String) -> String? {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325  // FNV-1a, 64 bits
        for byte in stateDirectory.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
        let digits = String(hash, radix: 16)
        return fitting("\(runtimeDirectory)/\(digits).sock")
    }

    /// Where a socket is made before it gets its name: in a directory that only its owner can enter, so that
    /// nobody else can connect before its mode is set.
    package static func birthplace(of socket: String) -> String { socket + birthSuffix }

    private static func fitting(_ socket: String) -> String? {
        birthplace(of: socket).utf8.count <= limitBytes ? socket : nil
    }
}
