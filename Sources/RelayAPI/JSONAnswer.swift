// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import HTTPTypes
import Hummingbird
import NIOCore
import RelayCore

/// JSON in and out: keys are sorted, so that equal answers are equal bytes.
enum JSONAnswer {
    /// The largest body of a request that is read as JSON.
    private static let limitBytes = 64 << 10

    static func response(
        _ value: some Encodable, status: HTTPResponse.Status = .ok, headers: HTTPFields = [:]
    ) throws -> Response {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        var headers = headers
        headers[.contentType] = "application/json"
        let body = try encoder.encode(value)
        return Response(
            status: status, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: body)))
    }

    static func body<Value: Decodable>(_ type: Value.Type, of request: Request) async throws -> Value {
        var request = request
        let bytes: ByteBuffer
        do {
            bytes = try await request.collectBody(upTo: limitBytes)
        } catch is NIOTooManyBytesError {
            throw ControlError.usage("the request's body is longer than \(limitBytes) bytes")
        }
        do {
            return try JSONDecoder().decode(type, from: Data(bytes.readableBytesView))
        } catch {
            throw ControlError.usage("the request's body is not the JSON that is expected here")
        }
    }
}
