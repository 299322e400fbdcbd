// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

/// What the REST API and its client agree on besides the reports: paths, parameters, headers, small bodies.
/// The API's description for people and tools is `openapi.yaml` beside the server.
package enum APIContract {
    /// The paths of the API.
    package enum Route {
        package static let status = "/v1/status"
        package static let list = "/v1/list"
        package static let wait = "/v1/wait"
        package static let download = "/v1/download"
        package static let content = "/v1/content"
        package static let directory = "/v1/directory"
        package static let verify = "/v1/verify"
        package static let confirmation = "/v1/confirmation"
        package static let rejection = "/v1/rejection"
        package static let departure = "/v1/departure"
        package static let invites = "/v1/invites"
        package static let revocations = "/v1/revocations"
        package static let readmissions = "/v1/readmissions"
    }

    /// The names of query parameters.
    package enum Parameter {
        package static let share = "share"
        package static let path = "path"
        package static let timeout = "timeout"
        package static let mode = "mode"
        package static let modified = "modified"
        package static let force = "force"
    }

    /// The names of response headers that describe a content.
    package enum Header {
        /// The size in bytes, decimal.
        package static let size = "Relay-Size"
        /// Permission bits in octal, as `0644`.
        package static let mode = "Relay-Mode"
        /// Seconds since 1970 with nine decimals.
        package static let modified = "Relay-Modified"
        /// The content's id in hexadecimal.
        package static let content = "Relay-Content"
    }

    /// The longest wait that can be asked for, in seconds (about 30 years).
    package static let limitTimeoutSeconds: Double = 1e9
}

/// The body of every answer that is an error.
package struct ErrorAnswer: Codable, Hashable, Sendable {
    /// One of `failed`, `usage`, `notInSync`, `notFound`, `refused`, `unreachable`, `timedOut`.
    package var error: String
    /// For people.
    package var message: String
    package init(error: String, message: String) {
        self.error = error
        self.message = message
    }
}

/// The answer to `POST /v1/download`.
package struct DownloadAnswer: Codable, Hashable, Sendable {
    /// The absolute path of the file in the folder.
    package var path: String
    package init(path: String) { self.path = path }
}

/// The body of `POST /v1/invites`.
package struct InviteRequest: Codable, Hashable, Sendable {
    package var share: String
    /// `HOST:PORT` as the agent should dial it; nil: the hub's own idea.
    package var address: String?
    /// Whether a share that there is not is made; nil is no.
    package var create: Bool?
    package init(share: String, address: String?, create: Bool? = nil) {
        self.share = share
        self.address = address
        self.create = create
    }
}

/// The body of `POST /v1/revocations` and of `POST /v1/readmissions`.
package struct AccessRequest: Codable, Hashable, Sendable {
    /// A device's name, or how its id begins.
    package var device: String
    /// Nil: all shares of the device.
    package var share: String?
    package init(device: String, share: String?) {
        self.device = device
        self.share = share
    }
}

/// The answer to `POST /v1/invites`.
package struct InviteAnswer: Codable, Hashable, Sendable {
    package var link: String
    package init(link: String) { self.link = link }
}

extension ControlError {
    /// The case as the API spells it, and the HTTP status that it is sent with.
    package var code: (name: String, status: Int) {
        switch self {
        case .failed: ("failed", 500)
        case .usage: ("usage", 400)
        case .notInSync: ("notInSync", 409)
        case .notFound: ("notFound", 404)
        case .refused: ("refused", 403)
        case .unreachable: ("unreachable", 503)
        case .timedOut: ("timedOut", 504)
        }
    }

    /// What an answer stands for; `failed` for a name that is not known here.
    package init(_ answer: ErrorAnswer) {
        switch answer.error {
        case "usage": self = .usage(answer.message)
        case "notInSync": self = .notInSync(answer.message)
        case "notFound": self = .notFound(answer.message)
        case "refused": self = .refused(answer.message)
        case "unreachable": self = .unreachable(answer.message)
        case "timedOut": self = .timedOut(answer.message)
        default: self = .failed(answer.message)
        }
    }
}
