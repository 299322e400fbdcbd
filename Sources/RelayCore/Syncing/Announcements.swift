// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

/// Contents that the hub was given ahead of the batches that will name them, over the present connection.
struct Announcements {
    /// Whether the hub takes them.
    var isOffered = false
    private var contents: [ContentID: Int] = [:]
    private var bytes = 0
    /// Those that are still to be sent.
    private var pending: [ContentOffer] = []

    var isEmpty: Bool { contents.isEmpty }

    func contains(_ content: ContentID) -> Bool { contents[content] != nil }

    /// Notes a content to be sent, if the hub keeps that much.
    mutating func add(_ offer: ContentOffer) {
        let size = offer.estimatedBytes
        guard isOffered, offer.inline != nil, contents[offer.content] == nil,
            bytes + size <= ContentOffer.limitAheadBytes
        else { return }
        contents[offer.content] = size
        bytes += size
        pending.append(offer)
    }

    /// A batch that names these contents is being sent: the hub keeps them no longer.
    mutating func use(_ offers: [ContentOffer]) {
        for offer in offers {
            if let size = contents.removeValue(forKey: offer.content) { bytes -= size }
        }
    }

    /// What is to be sent, in messages that keep to the limits.
    mutating func takeMessages() -> [AgentMessage] {
        guard !pending.isEmpty else { return [] }
        var messages: [AgentMessage] = []
        var (part, size) = ([ContentOffer](), 0)
        for offer in pending {
            if part.count == ContentOffer.limitOffered
                || size + offer.estimatedBytes > ContentOffer.limitOfferedBytes
            {
                messages.append(.offer(part))
                (part, size) = ([], 0)
            }
            part.append(offer)
            size += offer.estimatedBytes
        }
        pending = []
        return messages + [.offer(part)]
    }

    /// The hub keeps nothing any more.
    mutating func forgetAll() {
        contents = [:]
        pending = []
        bytes = 0
    }
}

extension AgentEngine {
    /// While a batch is on its way, what was read for the next ones goes ahead of them: the hub verifies it
    /// in the meantime, and a batch may name more contents than fit into one message.
    func announce(_ offer: ContentOffer) {
        guard isConnected, proposal != nil, candidates.count >= EngineLimits.announcing else { return }
        announcements.add(offer)
    }

    func sendAnnouncements() {
        guard isConnected, announcements.isOffered else { return }
        for message in announcements.takeMessages() { effects.append(.send(message)) }
        guard !announcements.isEmpty, proposal == nil, candidates.isEmpty, reading.isEmpty else { return }
        // What was announced and not proposed has changed since, or is gone.
        announcements.forgetAll()
        effects.append(.send(.offer([])))
    }
}
