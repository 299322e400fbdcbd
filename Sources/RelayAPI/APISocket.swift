// SPDX-License-Identifier: Apache-2.0

import Glibc
import RelayCore

/// The socket of one state directory, claimed by this process: nobody else serves the same state.
///
/// The claim is a lock on `api.lock` in the state directory, which the kernel drops with the process; what a
/// dead process left behind is therefore replaced without a question.
final class APISocket: Sendable {
    /// The socket's final path.
    let path: String
    /// Where the socket is made, in a directory that only we can enter; `publish` gives it its name.
    let birthplace: String
    /// The link in the state directory that leads to a socket elsewhere; nil if the socket is there itself.
    private let link: String?
    private let lock: Int32

    /// Claims the socket of a state directory, which must exist.
    static func claim(stateDirectory: String) throws(ControlError) -> APISocket {
        guard let state = resolved(stateDirectory) else {
            throw .failed("cannot open the state directory \(stateDirectory): \(errnoText())")
        }
        let lock = try takeLock(state)
        do {
            return try place(state, lock: lock)
        } catch {
            Glibc.close(lock)
            throw error
        }
    }

    private init(path: String, link: String?, lock: Int32) {
        self.path = path
        self.birthplace = SocketLocation.birthplace(of: path)
        self.link = link
        self.lock = lock
    }

    /// Gives the bound socket its mode and its name, replacing what a dead process left there.
    func publish() throws(ControlError) {
        guard chmod(birthplace, 0o600) == 0, rename(birthplace, path) == 0 else {
            throw .failed("cannot place the socket \(path): \(errnoText())")
        }
        rmdir(Self.directory(of: birthplace))
        guard let link else { return }
        let fresh = link + ".new"
        unlink(fresh)
        guard symlink(path, fresh) == 0, rename(fresh, link) == 0 else {
            throw .failed("cannot place the link \(link): \(errnoText())")
        }
    }

    /// Takes the names away and drops the claim.
    func withdraw() {
        if let link { unlink(link) }
        unlink(path)
        unlink(birthplace)
        rmdir(Self.directory(of: birthplace))
        Glibc.close(lock)
    }
}

extension APISocket {
    private static func takeLock(_ state: String) throws(ControlError) -> Int32 {
        let name = state + "/api.lock"
        let descriptor = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw .failed("cannot open \(name): \(errnoText())") }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let isTaken = errno == EWOULDBLOCK
            let cause = errnoText()
            Glibc.close(descriptor)
            throw isTaken
                ? .refused("another process serves the state directory \(state) already")
                : .failed("cannot lock \(name): \(cause)")
        }
        return descriptor
    }

    private static func place(_ state: String, lock: Int32) throws(ControlError) -> APISocket {
        if let path = SocketLocation.direct(stateDirectory: state) {
            let socket = APISocket(path: path, link: nil, lock: lock)
            try makePrivate(directory(of: socket.birthplace))
            return socket
        }
        for base in runtimeDirectories() {
            guard let path = SocketLocation.short(stateDirectory: state, runtimeDirectory: base) else {
                continue
            }
            let socket = APISocket(path: path, link: state + "/" + SocketLocation.name, lock: lock)
            try makePrivate(base)
            try makePrivate(directory(of: socket.birthplace))
            return socket
        }
        throw .failed("cannot place a socket for \(state): no runtime directory has a path short enough")
    }

    /// Where sockets lie whose state directories have long paths, the best first.
    private static func runtimeDirectories() -> [String] {
        var result: [String] = []
        if let text = getenv("XDG_RUNTIME_DIR") {
            let base = String(cString: text)
            if base.hasPrefix("/"), access(base, W_OK) == 0 { result.append(base + "/relay") }
        }
        result.append("/tmp/relay-\(getuid())")
        return result
    }

    /// Makes a directory that only we can enter, or makes sure that the one there is such a directory: only
    /// its owner may give it an owner and a mode.
    private static func makePrivate(_ path: String) throws(ControlError) {
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else {
            throw .failed("cannot make the directory \(path): \(errnoText())")
        }
        let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard descriptor >= 0 else { throw .failed("cannot open the directory \(path): \(errnoText())") }
        defer { Glibc.close(descriptor) }
        guard fchown(descriptor, getuid(), getgid()) == 0, fchmod(descriptor, 0o700) == 0 else {
            throw .refused("cannot use the directory \(path): \(errnoText())")
        }
    }

    private static func resolved(_ path: String) -> String? {
        guard let text = realpath(path, nil) else { return nil }
        defer { free(text) }
        return String(cString: text)
    }

    private static func directory(of path: String) -> String {
        String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
    }
}

private func errnoText() -> String { String(cString: strerror(errno)) }
