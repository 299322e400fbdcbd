// SPDX-License-Identifier: Apache-2.0

import RelayCore
import Testing

/// What the API says to requests that its own client would never send.
@Suite struct RequestTests {
    @Test(arguments: [
        ("GET /v1/nothing", 404, "notFound"),
        ("GET /v1/list?pfad=x", 400, "usage"),
        ("GET /v1/list?path=%2", 400, "usage"),
        ("GET /v1/list?path=a%2F%2Fb", 400, "usage"),
        ("GET /v1/list?path=..", 400, "usage"),
        ("GET /v1/list?path=a&path=b", 400, "usage"),
        ("GET /v1/list?share=%ff", 400, "usage"),
        ("GET /v1/list?share=", 400, "usage"),
        ("GET /v1/content", 400, "usage"),
        ("DELETE /v1/content?path=", 400, "usage"),
        ("PUT /v1/content?path=x&mode=1777", 400, "usage"),
        ("PUT /v1/content?path=x&modified=now", 400, "usage"),
        ("POST /v1/wait?timeout=-1", 400, "usage"),
        ("POST /v1/wait?timeout=nan", 400, "usage"),
        ("POST /v1/wait?timeout=inf", 400, "usage"),
        ("GET /v1/wait", 404, "notFound"),
        ("GET /v1/download?path=x", 404, "notFound"),
        ("POST /v1/invites", 404, "notFound"),
    ])
    func `a request that cannot be is refused with its reason`(
        line: String, status: Int, name: String
    ) async throws {
        try await withAgentAPI { _, _, state in
            let socket = try RawSocket(state + "/api.sock")
            defer { socket.close() }
            socket.write("\(line) HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
            let answer = await socket.readAll()
            #expect(answer.hasPrefix("HTTP/1.1 \(status) "))
            #expect(answer.contains("{\"error\":\"\(name)\",\"message\":\""))
        }
    }

    @Test func `answers are JSON with sorted keys`() async throws {
        try await withAgentAPI { _, _, state in
            let socket = try RawSocket(state + "/api.sock")
            defer { socket.close() }
            socket.write("GET /v1/status HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
            let answer = await socket.readAll().lowercased()
            #expect(answer.contains("content-type: application/json"))
            #expect(
                answer.hasSuffix(
                    #""share":"docs","state":"in sync","verification":{"differences":0,"isrunning":false},"#
                        + #""watchoverflows":0}],"version":"0.1.0"}"#))
        }
    }
}
