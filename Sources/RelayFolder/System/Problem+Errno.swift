// SPDX-License-Identifier: Apache-2.0

import RelayCore
import SystemPackage

extension Problem {
    /// `cannot <verb> <path>: <cause>`
    init(_ error: Errno, cannot verb: String, _ path: RelativePath) {
        self.init(Cause(error), "cannot \(verb) \(path): \(error.causeText)")
    }

    static func closed(cannot verb: String, _ path: RelativePath) -> Problem {
        Problem(.other, "cannot \(verb) \(path): the folder was closed")
    }
}

extension Problem.Cause {
    init(_ error: Errno) {
        self =
            switch error {
            case .permissionDenied, .notPermitted: .permission
            case .noSpace, .diskQuotaExceeded: .noSpace
            case .readOnlyFileSystem: .readOnly
            case .ioError: .inputOutput
            case .tooManyOpenFiles, .tooManyOpenFilesInSystem: .tooManyOpen
            case .fileNameTooLong: .nameTooLong
            case .invalidArgument, .notSupported, .noFunction: .unsupported
            case .improperLink: .hidden
            default: .other
            }
    }
}

extension Errno {
    /// The cause for people.
    var causeText: String {
        switch self {
        case .permissionDenied: "permission denied"
        case .notPermitted: "not permitted (immutable, append-only or owned by somebody else)"
        case .noSpace: "disk full"
        case .diskQuotaExceeded: "disk quota used up"
        case .readOnlyFileSystem: "the file system is read-only"
        case .ioError: "the disk reports an error"
        case .tooManyOpenFiles, .tooManyOpenFilesInSystem: "too many open files"
        case .fileNameTooLong: "the file system does not take names that long"
        case .invalidArgument, .notSupported: "the file system does not support it"
        case .improperLink: "another file system is mounted over it"
        case .tooManySymbolicLinkLevels: "a symbolic link is in the way"
        default: "\(self)".lowercased()
        }
    }

    /// Whether it says that the path does not lead to anything: a component is missing, is a link or is not
    /// a directory.
    var isAbsence: Bool {
        self == .noSuchFileOrDirectory || self == .notDirectory || self == .tooManySymbolicLinkLevels
    }
}
