// SPDX-License-Identifier: Apache-2.0

package import RelayCore

/// What a shared folder's root is known by: a random marker inside it, and its inode.
package struct RootRecord: Codable, Hashable, Sendable {
    /// Sixteen random bytes as lower-case hexadecimal digits, kept in `.relay/root`.
    package let marker: String
    package let device: UInt64
    package let inode: UInt64
    private let bornSeconds: Int64
    private let bornNanoseconds: UInt32

    /// The root's birth time; zero where the file system has none.
    package var born: Timestamp { Timestamp(seconds: bornSeconds, nanoseconds: bornNanoseconds) }

    package var identity: FileIdentity { FileIdentity(device: device, inode: inode, born: born) }

    /// The record as it would be on a file system without birth times.
    var withoutBirthTime: RootRecord {
        RootRecord(marker: marker, identity: FileIdentity(device: device, inode: inode, born: .zero))
    }

    package init(marker: String, identity: FileIdentity) {
        self.marker = marker
        device = identity.device
        inode = identity.inode
        bornSeconds = identity.born.seconds
        bornNanoseconds = identity.born.nanoseconds
    }

    /// Whether both are of one directory, though its disk may have got another device number, as after a
    /// restart or when it was plugged in again. Where directories have no birth time, that cannot be told.
    package func isSameRoot(as other: RootRecord) -> Bool {
        marker == other.marker && isSameDirectory(as: other.identity)
    }

    func isSameDirectory(as other: FileIdentity) -> Bool {
        identity == other || inode == other.inode && born == other.born && born != .zero
    }

    /// The record as text: `relay-root-1 MARKER DEVICE INODE BORN-SECONDS BORN-NANOSECONDS`.
    package var encoded: [UInt8] {
        Array("\(Self.heading) \(marker) \(device) \(inode) \(bornSeconds) \(bornNanoseconds)".utf8)
    }

    /// Nil for anything but what `encoded` gives.
    package init?(encoded: some Collection<UInt8>) {
        let text = String(decoding: encoded, as: UTF8.self)
        let words = text.split(separator: " ", omittingEmptySubsequences: false)
        guard words.count == 6, words[0] == Self.heading, RootMarker.isValid(words[1]),
            let device = UInt64(words[2]), let inode = UInt64(words[3]),
            let seconds = Int64(words[4]), let nanoseconds = UInt32(words[5])
        else { return nil }
        self.init(
            marker: String(words[1]),
            identity: FileIdentity(
                device: device, inode: inode, born: Timestamp(seconds: seconds, nanoseconds: nanoseconds)))
    }

    private static let heading = "relay-root-1"
}

/// The text of `.relay/root`.
enum RootMarker {
    static let digits = 32
    static let fileName = Array("root".utf8)
    /// What the names begin with under which a marker is in the making.
    static let draftPrefix = Array("root.".utf8)

    static func random() -> String {
        var source = SystemRandomNumberGenerator()
        return hexadecimal((0..<digits / 2).map { _ in UInt8.random(in: 0...255, using: &source) })
    }

    static func isValid(_ text: some StringProtocol) -> Bool {
        text.utf8.count == digits
            && text.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
    }

    static func fileContent(_ marker: String) -> [UInt8] { Array((marker + "\n").utf8) }

    /// Nil if the file's bytes are not a marker.
    static func parse(_ content: [UInt8]) -> String? {
        guard content.count == digits + 1, content.last == 0x0a else { return nil }
        let text = String(decoding: content.dropLast(), as: UTF8.self)
        return isValid(text) ? text : nil
    }
}
