// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import NIOCore
import RelayCore

/// The answer that streams a content: its head is known with the first portion, and the rest is pulled as
/// fast as the client reads.
struct ContentAnswer: Sendable {
    let agent: any AgentControlling
    let share: String?
    let path: RelativePath
    let timeoutSeconds: Double?

    func response(to request: Request) async throws -> Response {
        let reading = Reading(self)
        guard let first = try await untilDisconnected(request, { try await reading.portions.next() }) else {
            throw ControlError.failed("the agent gave no content for \(path)")
        }
        let size = first.payload.sizeBytes
        let body = ResponseBody(contentLength: Int(clamping: size)) { writer in
            var writtenBytes: UInt64 = 0
            var portion: Portion? = first
            while let next = portion {
                writtenBytes += UInt64(next.bytes.count)
                if !next.bytes.isEmpty { try await writer.write(ByteBuffer(bytes: next.bytes)) }
                portion = try await reading.portions.next()
            }
            // An end that is too early closes the connection, by which the client knows.
            guard writtenBytes == size else { throw ControlError.failed("the content broke off") }
            try await writer.finish(nil)
        }
        return Response(status: .ok, headers: try Self.headers(first.payload), body: body)
    }

    private static func headers(_ payload: FilePayload) throws -> HTTPFields {
        var headers: HTTPFields = [.contentType: "application/octet-stream", .connection: "close"]
        let own = [
            (APIContract.Header.size, "\(payload.sizeBytes)"),
            (APIContract.Header.mode, payload.mode.octalText),
            (APIContract.Header.modified, payload.modified.decimalText),
            (APIContract.Header.content, payload.content.description),
        ]
        for (name, value) in own {
            guard let field = HTTPField.Name(name) else { continue }
            headers[field] = value
        }
        return headers
    }
}

/// Some bytes of a content, and the payload that they belong to.
private struct Portion: Sendable {
    var payload: FilePayload
    var bytes: [UInt8]
}

/// One reading of a content by the agent, which goes on until all is taken or nobody holds this any more.
private final class Reading: Sendable {
    let portions: Handoff<Portion>
    private let task: Task<Void, Never>

    /// The reading outlives the route's function, which returns before its body is written; so it is a task
    /// of its own, bound to the life of this object instead of to a scope.
    init(_ wish: ContentAnswer) {
        let portions = Handoff<Portion>()
        self.portions = portions
        task = Task {
            do throws(ControlError) {
                try await wish.agent.read(
                    share: wish.share, path: wish.path, timeoutSeconds: wish.timeoutSeconds
                ) { payload, bytes in
                    try await portions.send(Portion(payload: payload, bytes: bytes))
                }
                portions.end()
            } catch {
                portions.end(error)
            }
        }
    }

    deinit { task.cancel() }
}
