// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import NIOCore
import NIOHTTP1
package import RelayCore

/// What is known of a content before its first byte.
package struct ContentHead: Hashable, Sendable {
    package var sizeBytes: UInt64
    package var mode: PermissionBits
    package var modified: Timestamp?

    package init(sizeBytes: UInt64, mode: PermissionBits, modified: Timestamp?) {
        self.sizeBytes = sizeBytes
        self.mode = mode
        self.modified = modified
    }
}

extension ControlClient {
    /// Streams the share's current content at this path, whether or not the folder has it: `open` is called
    /// once, then `take` with the bytes in order. Nothing is read further than `take` has returned, but for
    /// a few portions. Throws what they throw, and `failed` if the content breaks off.
    package func read(
        share: String?, path: RelativePath, timeoutSeconds: Double?,
        open: (ContentHead) async throws(ControlError) -> Void,
        take: ([UInt8]) async throws(ControlError) -> Void
    ) async throws(ControlError) {
        let query = Query(share: share, path: path, timeoutSeconds: timeoutSeconds)
        let response = try await send(request(.GET, APIContract.Route.content, query))
        let head = try Self.head(response.headers)
        try await open(head)
        var receivedBytes: UInt64 = 0
        do {
            for try await buffer in response.body {
                receivedBytes += UInt64(buffer.readableBytes)
                try await take(Array(buffer.readableBytesView))
            }
        } catch let error as ControlError {
            throw error
        } catch {
            throw .failed("\(path) broke off after \(receivedBytes) of \(head.sizeBytes) bytes")
        }
        guard receivedBytes == head.sizeBytes else {
            throw .failed("\(path) broke off after \(receivedBytes) of \(head.sizeBytes) bytes")
        }
    }

    /// Puts bytes into the share at this path. They are pulled from `source` (nil: the end) as fast as the
    /// agent takes them; an error of the source ends the upload and is thrown.
    package func upload(
        share: String?, path: RelativePath, mode: PermissionBits, modified: Timestamp?, sizeBytes: UInt64?,
        from source: @escaping @Sendable () async throws(ControlError) -> [UInt8]?
    ) async throws(ControlError) {
        let query = Query(share: share, path: path, mode: mode, modified: modified)
        var request = request(.PUT, APIContract.Route.content, query)
        let length = sizeBytes.flatMap { Int64(exactly: $0) }
        request.body = .stream(
            PulledBytes(source: source), length: length.map { .known($0) } ?? .unknown)
        let response = try await send(request)
        do {
            _ = try await response.body.collect(upTo: 1 << 20)
        } catch {
            throw mapped(error)
        }
    }

    private static func head(_ headers: HTTPHeaders) throws(ControlError) -> ContentHead {
        guard let text = headers.first(name: APIContract.Header.size), let size = UInt64(text) else {
            throw .failed("the answer lacks the header \(APIContract.Header.size)")
        }
        let mode = headers.first(name: APIContract.Header.mode).flatMap { PermissionBits(octalText: $0) }
        let modified = headers.first(name: APIContract.Header.modified).flatMap { Timestamp(decimalText: $0) }
        return ContentHead(sizeBytes: size, mode: mode ?? PermissionBits(0o644), modified: modified)
    }
}

/// Bytes that a closure gives, portion by portion.
private struct PulledBytes: AsyncSequence, Sendable {
    typealias Element = ByteBuffer

    let source: @Sendable () async throws(ControlError) -> [UInt8]?

    struct AsyncIterator: AsyncIteratorProtocol {
        let source: @Sendable () async throws(ControlError) -> [UInt8]?

        mutating func next() async throws -> ByteBuffer? {
            try await source().map { ByteBuffer(bytes: $0) }
        }
    }

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator(source: source) }
}
