// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

// Two states of one entry in words, as far as they differ.

extension Payload {
    /// What differs, as in `mode 0644 instead of 0600`; the own state is named first. Empty if nothing does.
    func differences(from other: Payload) -> [String] {
        switch (self, other) {
        case (.file(let own), .file(let other)): own.differences(from: other)
        case (.directory(let own), .directory(let other)):
            own == other ? [] : ["mode \(own.octalText) instead of \(other.octalText)"]
        case (.symlink(let own), .symlink(let other)):
            own == other ? [] : ["a link to \(displayText(own)) instead of \(displayText(other))"]
        default: ["a \(kind.text) instead of a \(other.kind.text)"]
        }
    }
}

extension FilePayload {
    fileprivate func differences(from other: FilePayload) -> [String] {
        var texts: [String] = []
        if content != other.content {
            texts.append("content \(content.shortText) instead of \(other.content.shortText)")
        }
        if sizeBytes != other.sizeBytes {
            texts.append("\(sizeBytes) bytes instead of \(other.sizeBytes)")
        }
        if mode != other.mode { texts.append("mode \(mode.octalText) instead of \(other.mode.octalText)") }
        if modified != other.modified {
            texts.append("modified at \(modified.decimalText) instead of \(other.modified.decimalText)")
        }
        return texts
    }
}

extension Fingerprint {
    /// What differs from what was found before.
    func differences(from other: Fingerprint) -> [String] {
        var texts: [String] = []
        if identity != other.identity { texts.append("another inode") }
        if sizeBytes != other.sizeBytes {
            texts.append("\(sizeBytes) bytes instead of \(other.sizeBytes)")
        }
        if mode != other.mode {
            texts.append("mode \(String(mode, radix: 8)) instead of \(String(other.mode, radix: 8))")
        }
        if modified != other.modified {
            texts.append("modified at \(modified.decimalText) instead of \(other.modified.decimalText)")
        }
        if changed != other.changed {
            texts.append("changed at \(changed.decimalText) instead of \(other.changed.decimalText)")
        }
        return texts
    }
}

extension NodeKind {
    /// The kind for people and reports.
    package var text: String {
        switch self {
        case .file: "file"
        case .directory: "directory"
        case .symlink: "symlink"
        }
    }
}

extension ContentID {
    /// Enough digits to tell contents apart.
    var shortText: String { String(hexadecimal(Array(bytes.prefix(6)))) }
}
