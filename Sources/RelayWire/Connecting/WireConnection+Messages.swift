// SPDX-License-Identifier: Apache-2.0

import RelayCore

extension WireConnection where Inbound == HubMessage, Outbound == AgentMessage {
    convenience init(agentControl link: Link, peer: DeviceID) {
        self.init(
            link: link, peer: peer,
            decode: { frame throws(WireError) in
                try HubMessage(wire: decodeMessage(WireHubMessage.self, frame.payload(of: .control)))
            },
            encode: { message, writer throws(WireError) in
                try writer.append(
                    .control, encodeMessage(message.wire), limitBytes: WireLimits.controlFrameBytes)
            })
    }
}

extension WireConnection where Inbound == AgentMessage, Outbound == HubMessage {
    convenience init(hubControl link: Link, peer: DeviceID) {
        self.init(
            link: link, peer: peer,
            decode: { frame throws(WireError) in
                try AgentMessage(wire: decodeMessage(WireAgentMessage.self, frame.payload(of: .control)))
            },
            encode: { message, writer throws(WireError) in
                if case .goodbye(let reason, let text) = message {
                    return try writer.append(
                        .goodbye, encodeMessage(Refusal(reason, text).wire),
                        limitBytes: WireLimits.admissionFrameBytes)
                }
                guard let wire = message.wire else { return }
                try writer.append(.control, encodeMessage(wire), limitBytes: WireLimits.controlFrameBytes)
            })
    }
}

extension WireConnection where Inbound == BulkMessage, Outbound == BulkMessage {
    convenience init(bulk link: Link, peer: DeviceID) {
        self.init(
            link: link, peer: peer,
            decode: { frame throws(WireError) in
                if case .chunk(let request, let index, let chunk) = frame {
                    return .chunk(request: request, index: index, chunk)
                }
                return try BulkMessage(wire: decodeMessage(WireBulkMessage.self, frame.payload(of: .bulk)))
            },
            encode: { message, writer throws(WireError) in
                if case .chunk(let request, let index, let chunk) = message {
                    return try writer.append(request: request, index: index, chunk)
                }
                guard let wire = message.wire else { return }
                try writer.append(.bulk, encodeMessage(wire), limitBytes: WireLimits.bulkFrameBytes)
            })
    }
}

extension Frame {
    /// The payload of a frame of this kind; throws for any other.
    func payload(of kind: FrameKind) throws(WireError) -> [UInt8] {
        guard case .message(kind, let payload) = self else { throw .protocolViolation("frame out of place") }
        return payload
    }
}
