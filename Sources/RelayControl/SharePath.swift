// SPDX-License-Identifier: Apache-2.0

package import RelayCore

extension RelativePath {
    /// A name as a person types it: `./` before it and slashes behind it or doubled are taken off.
    ///
    /// Throws `usage` for what is no path beneath the share's root: `..`, an absolute path, an empty name.
    package init(typed bytes: [UInt8]) throws(ControlError) {
        let path = try RelativePath(typedOrRoot: bytes)
        guard !path.isRoot else { throw .usage("a name is missing") }
        self = path
    }

    /// Like `init(typed:)`; `.`, `/` and the empty text are the share's root.
    package init(typedOrRoot bytes: [UInt8]) throws(ControlError) {
        guard bytes.first != 0x2f || bytes.allSatisfy({ $0 == 0x2f }) else {
            throw .usage("\(displayText(bytes)) is not a name in the share: it is absolute")
        }
        let parts = bytes.split(separator: 0x2f).filter { Array($0) != [0x2e] }
        guard !parts.contains(where: { Array($0) == [0x2e, 0x2e] }) else {
            throw .usage("\(displayText(bytes)) is not a name in the share: it has ..")
        }
        guard let path = RelativePath(bytes: Array(parts.joined(separator: [0x2f]))) else {
            throw .usage("\(displayText(bytes)) is not a name in the share: a part is too long, or has a NUL")
        }
        self = path
    }
}
