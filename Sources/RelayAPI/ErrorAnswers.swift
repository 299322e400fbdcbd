// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import Logging
import RelayCore

/// Makes every error an `ErrorAnswer` with the HTTP status that fits.
struct ErrorAnswers: RouterMiddleware {
    typealias Context = BasicRequestContext

    let logger: Logger

    @concurrent func handle(
        _ request: Request, context: Context,
        next: @concurrent (Request, Context) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch let error as ControlError {
            return try Self.response(error)
        } catch let error as HTTPError where error.status == .notFound {
            let line = "\(request.method.rawValue) \(request.uri.path)"
            return try Self.response(.notFound("no such route: \(displayText(Array(line.utf8)))"))
        } catch let error as any HTTPResponseError {
            return try Self.response(.usage(error.status.reasonPhrase), status: error.status)
        } catch is CancellationError {
            return try Self.response(.failed("the program is ending"), status: .serviceUnavailable)
        } catch {
            logger.error("a request failed", metadata: ["cause": "\(error)"])
            throw error
        }
    }

    private static func response(
        _ error: ControlError, status: HTTPResponse.Status? = nil
    ) throws -> Response {
        let code = error.code
        // The request's body may be unread; the client learns not to send another request behind it.
        return try JSONAnswer.response(
            ErrorAnswer(error: code.name, message: error.message),
            status: status ?? HTTPResponse.Status(code: code.status), headers: [.connection: "close"])
    }
}
