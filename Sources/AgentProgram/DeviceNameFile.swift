// SPDX-License-Identifier: Apache-2.0

import Glibc
import RelayCore

/// The machine's name as it was last given, kept in the state directory so that a restart need not repeat it.
struct DeviceNameFile {
    /// The longest name, in bytes.
    private static let limitBytes = 64

    private let path: String

    init(stateDirectory: String) { path = stateDirectory + "/name" }

    /// A name that can stand in the name of a conflict copy; nil stays nil.
    static func checked(_ name: String?) throws(ControlError) -> String? {
        guard let name else { return nil }
        let bytes = Array(name.utf8)
        guard !bytes.isEmpty, bytes.count <= limitBytes, !bytes.contains(0x2f), displayText(bytes) == name
        else {
            throw .usage(
                "not a name for a machine: 1 to \(limitBytes) bytes without / and control characters")
        }
        return name
    }

    /// The name that was given last; nil if there is none that can be used.
    func read() -> String? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var buffer = [UInt8](repeating: 0, count: Self.limitBytes)
        let count = Glibc.read(descriptor, &buffer, buffer.count)
        guard count > 0, let text = String(validating: buffer.prefix(count), as: UTF8.self) else {
            return nil
        }
        return try? Self.checked(text)
    }

    /// Remembers a name.
    func write(_ name: String) throws(ControlError) {
        guard read() != name else { return }
        let draft = path + ".new"
        let descriptor = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw failure() }
        defer { close(descriptor) }
        let bytes = Array(name.utf8)
        let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
        guard count == bytes.count, fsync(descriptor) == 0 else { throw failure() }
        Failpoint.nameDrafted.reach()
        guard rename(draft, path) == 0 else { throw failure() }
    }

    private func failure() -> ControlError {
        .failed("cannot write \(path): \(String(cString: strerror(errno)))")
    }
}
