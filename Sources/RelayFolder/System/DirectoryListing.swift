// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc
import RelayCore
import SystemPackage

/// Reads the names in a directory with `getdents64`.
enum DirectoryListing {
    private static let bufferBytes = 64 << 10
    /// Where the length of a record and its name are in `struct linux_dirent64`.
    private static let lengthOffset = 16
    private static let nameOffset = 19

    /// All names but `.` and `..`, in no order; throws unless the directory was read to its end.
    ///
    /// The descriptor must have been opened for reading; its position is moved.
    static func names(in directory: borrowing Descriptor) throws(Errno) -> [EntryName] {
        try Kernel.check(lseek(directory.number, 0, SEEK_SET))
        let number = directory.number
        var names: [EntryName] = []
        var buffer = [UInt8](repeating: 0, count: bufferBytes)
        while true {
            let count = try Kernel.retrying {
                buffer.withUnsafeMutableBytes { raw in
                    relay_getdents64(number, raw.baseAddress, UInt64(raw.count))
                }
            }
            if count == 0 { return names }
            try append(buffer[..<count], to: &names)
        }
    }

    private static func append(_ records: ArraySlice<UInt8>, to names: inout [EntryName]) throws(Errno) {
        var rest = records
        while !rest.isEmpty {
            guard rest.count > nameOffset else { throw .ioError }
            let start = rest.startIndex
            let length = Int(rest[start + lengthOffset]) | Int(rest[start + lengthOffset + 1]) << 8
            guard length > nameOffset, length <= rest.count else { throw .ioError }
            let bytes = rest[(start + nameOffset)..<(start + length)].prefix { $0 != 0 }
            if let name = EntryName(Array(bytes)) {
                names.append(name)
            } else if !(bytes.allSatisfy { $0 == 0x2e } && bytes.count <= 2) {
                throw .ioError
            }
            rest = rest.dropFirst(length)
        }
    }
}
