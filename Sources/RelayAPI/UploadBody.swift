// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import NIOCore
import RelayCore

/// A request's body as portions that are pulled one by one; a body that ends early is an error, never a
/// short file.
actor UploadBody {
    private var iterator: RequestBody.AsyncIterator
    private let announcedBytes: UInt64?
    private var receivedBytes: UInt64 = 0

    init(_ request: Request) {
        iterator = request.body.makeAsyncIterator()
        announcedBytes = request.headers[.contentLength].flatMap { UInt64($0) }
    }

    /// The next portion; nil at the end. Called by one task at a time.
    func next() async throws -> [UInt8]? {
        var current = iterator
        defer { iterator = current }
        while let buffer = try await current.next(isolation: self) {
            guard buffer.readableBytes > 0 else { continue }
            receivedBytes += UInt64(buffer.readableBytes)
            return Array(buffer.readableBytesView)
        }
        if let announcedBytes, announcedBytes != receivedBytes {
            throw ControlError.failed(
                "the upload broke off after \(receivedBytes) of \(announcedBytes) bytes")
        }
        return nil
    }
}
