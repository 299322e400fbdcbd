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
        return try withUnsafeTemporaryAllocation(byteCount: bufferBytes, alignment: 8) {
            buffer throws(Errno) in
            while true {
                let count = try Kernel.retrying {
                    relay_getdents64(number, buffer.baseAddress, UInt64(buffer.count))
                }
                if count == 0 { return names }
                try append(UnsafeRawBufferPointer(rebasing: buffer[..<Int(count)]), to: &names)
            }
        }
    }

    private static func append(_ records: UnsafeRawBufferPointer, to names: inout [EntryName]) throws(Errno) {
        var start = 0
        while start < records.count {
            guard records.count - start > nameOffset else { throw .ioError }
            let length = Int(records[start + lengthOffset]) | Int(records[start + lengthOffset + 1]) << 8
            guard length > nameOffset, length <= records.count - start else { throw .ioError }
            let padded = UnsafeRawBufferPointer(rebasing: records[(start + nameOffset)..<(start + length)])
            let bytes = padded[..<(padded.firstIndex(of: 0) ?? padded.count)]
            if let name = EntryName(Array(bytes)) {
                names.append(name)
            } else if !(bytes.allSatisfy { $0 == 0x2e } && bytes.count <= 2) {
                throw .ioError
            }
            start += length
        }
    }
}
