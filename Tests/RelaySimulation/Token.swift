// SPDX-License-Identifier: Apache-2.0

import RelayCore

/// What a simulated file or link holds: a number that stands for all of its bytes.
///
/// Every number is written by one user operation first, so that contents can be followed through the world.
struct Token: Hashable, Sendable {
    /// 0 is the empty content.
    var number: UInt32
    var sizeBytes: UInt32

    static let empty = Token(number: 0, sizeBytes: 0)

    /// The size that the token of a link has.
    static let linkBytes: UInt32 = 4

    /// Contents up to this size are one chunk and travel inside messages.
    static let inlineBytes: UInt32 = 1000

    var content: ContentID {
        let word = UInt64(number)
        return ContentID(Bytes32(mixed(word &+ 0xc0), word, UInt64(sizeBytes), 0xc0))
    }

    /// The token that a content id was made of.
    init(_ content: ContentID) {
        number = UInt32(truncatingIfNeeded: content.raw.second)
        sizeBytes = UInt32(truncatingIfNeeded: content.raw.third)
    }

    init(number: UInt32, sizeBytes: UInt32) {
        self.number = number
        self.sizeBytes = sizeBytes
    }

    /// The token of a link with this target.
    init(target: [UInt8]) {
        let digits = target.drop { $0 < 0x30 || $0 > 0x39 }
        number = digits.reduce(0) { $0 &* 10 &+ UInt32($1 &- 0x30) }
        sizeBytes = Self.linkBytes
    }

    /// The link target that stands for this token.
    var target: [UInt8] { Array("to \(number)".utf8) }

    private var isInline: Bool { sizeBytes <= Self.inlineBytes }

    var manifest: Manifest {
        if sizeBytes == 0 { return Manifest([]) }
        if isInline { return Manifest([chunk(0, sizeBytes)]) }
        let half = sizeBytes / 2
        return Manifest([chunk(0, half), chunk(1, sizeBytes - half)])
    }

    var inline: EncodedChunk? {
        guard isInline, sizeBytes > 0 else { return nil }
        let bytes = [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: number >> UInt32($0)) }
        return EncodedChunk(encoding: .zstd, sizeBytes: sizeBytes, bytes: bytes)
    }

    /// What reading the file gives.
    var description: ContentDescription {
        ContentDescription(
            content: content, sizeBytes: UInt64(sizeBytes), manifest: manifest, inline: inline)
    }

    /// What a hub that holds the content can put into a page.
    var offer: ContentOffer {
        ContentOffer(content: content, manifest: isInline ? nil : manifest, inline: inline)
    }

    private func chunk(_ index: UInt64, _ size: UInt32) -> ChunkReference {
        let id = ChunkID(Bytes32(mixed(UInt64(number) &+ 0xcc), UInt64(number), index, 0xcc))
        return ChunkReference(id: id, sizeBytes: size)
    }
}
