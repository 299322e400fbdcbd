// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Glibc
import RelayCore

/// A connection that speaks no HTTP of its own accord.
struct RawSocket {
    let descriptor: Int32

    init(_ path: String) throws {
        descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard result == 0 else { throw ControlError.failed("cannot connect to \(path)") }
    }

    func write(_ text: String) {
        let bytes = Array(text.utf8)
        _ = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
    }

    /// Everything that comes until the other side closes; read on a thread that no task needs.
    func readAll() async -> String {
        await withCheckedContinuation { continuation in
            DispatchQueue(label: "raw socket").async { continuation.resume(returning: readToEnd()) }
        }
    }

    /// The first bytes that come.
    func readSome() async -> String {
        await withCheckedContinuation { continuation in
            DispatchQueue(label: "raw socket").async {
                var buffer = [UInt8](repeating: 0, count: 256)
                let count = read(descriptor, &buffer, buffer.count)
                continuation.resume(returning: String(decoding: buffer.prefix(max(0, count)), as: UTF8.self))
            }
        }
    }

    private func readToEnd() -> String {
        var result: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = read(descriptor, &buffer, buffer.count)
            guard count > 0 else { return String(decoding: result, as: UTF8.self) }
            result += buffer.prefix(count)
        }
    }

    func close() { _ = Glibc.close(descriptor) }
}
