// SPDX-License-Identifier: Apache-2.0

import Glibc
import NIOCore
import NIOPosix
import NIOSSL

/// What an error of the network or of TLS means for a connection that exists.
func connectionError(_ error: any Error, peerName: String, isOpen: Bool) -> WireError {
    switch error {
    case let error as WireError: error
    case NIOSSLError.uncleanShutdown: .lost("connection to \(peerName) lost: it was cut")
    case is NIOSSLCloseTimedOutError: .closed
    case let error as IOError: .lost("connection to \(peerName) lost: \(systemText(error.errnoCode))")
    default:
        isOpen
            ? .lost("connection to \(peerName) lost: \(error)")
            : .lost("cannot agree on TLS with \(peerName): \(error)")
    }
}

/// Why no address of a hub could be connected to.
func dialingError(_ error: any Error, hubName: String) -> WireError {
    .unreachable("cannot reach hub \(hubName): \(dialingCause(error))")
}

private func dialingCause(_ error: any Error) -> String {
    switch error {
    case let error as NIOConnectionError:
        if let last = error.connectionErrors.last { return dialingCause(last.error) }
        return "host name not found"
    case ChannelError.connectTimeout: return "no answer in time"
    case let error as IOError: return systemText(error.errnoCode)
    case is SocketAddressError: return "host name not found"
    default: return "\(error)"
    }
}

/// Why a hub cannot listen.
func listeningError(_ error: any Error, name: String) -> WireError {
    let cause =
        switch error {
        case let error as IOError where error.errnoCode == EADDRINUSE:
            "another program listens there; end it, or choose another port with --listen"
        case let error as IOError where error.errnoCode == EADDRNOTAVAIL:
            "this machine has no such address; --listen 0.0.0.0 takes all it has"
        case let error as IOError where error.errnoCode == EACCES:
            "only root may listen there; choose a port from 1024 on with --listen"
        case let error as IOError: systemText(error.errnoCode)
        case is SocketAddressError, is SocketAddressError.UnknownHost:
            "there is no host of that name; --listen takes an address of this machine and a port"
        default: "\(error)"
        }
    return .cannotListen("cannot listen on \(name): \(cause)")
}

/// The system's words for an error number, lower-case.
func systemText(_ number: CInt) -> String {
    var buffer = [CChar](repeating: 0, count: 256)
    guard strerror_r(number, &buffer, buffer.count) == 0 else { return "error \(number)" }
    let text = buffer.withUnsafeBufferPointer { characters in
        characters.baseAddress.map { String(cString: $0) } ?? ""
    }
    return text.prefix(1).lowercased() + text.dropFirst()
}

/// `HOST:PORT`, with brackets around IPv6 addresses.
func addressText(_ host: String, _ port: Int) -> String {
    host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
}
