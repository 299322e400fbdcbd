// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Glibc
import RelayCore
import RelayProgram

/// Standard input as bytes.
enum StandardInput {
    private static let portionBytes = 256 << 10

    /// Waits for the next bytes; nil at the end.
    static func portion() throws(ControlError) -> [UInt8]? {
        var count = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: portionBytes) { buffer, initialized in
            repeat {
                count = read(STDIN_FILENO, buffer.baseAddress, portionBytes)
            } while count < 0 && errno == EINTR
            initialized = max(0, count)
        }
        guard count >= 0 else {
            throw .failed("cannot read standard input: \(String(cString: strerror(errno)))")
        }
        return count == 0 ? nil : bytes
    }
}

/// Standard input as lines, pulled one by one.
actor StandardInputLines {
    private var buffer: [UInt8] = []
    private var isAtEnd = false
    private let queue = DispatchQueue(label: "standard input")

    /// The longest line that is read as one.
    private static let limitBytes = 1 << 20

    /// The next line without its line feed; nil at the end. The last line need not have one.
    func next() async -> [UInt8]? {
        while true {
            if let end = buffer.firstIndex(of: 0x0a) {
                let line = Array(buffer[..<end])
                buffer.removeSubrange(...end)
                return line
            }
            if isAtEnd || buffer.count >= Self.limitBytes {
                defer { buffer = [] }
                return buffer.isEmpty ? nil : buffer
            }
            // A queue of its own: a blocked read must not occupy a thread that tasks run on.
            let portion = await withCheckedContinuation { continuation in
                queue.async { continuation.resume(returning: try? StandardInput.portion()) }
            }
            if let bytes = portion { buffer += bytes } else { isAtEnd = true }
        }
    }
}
