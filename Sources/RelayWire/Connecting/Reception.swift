// SPDX-License-Identifier: Apache-2.0

import RelayCore

/// What a hub does with one connection, from the first frame to the last.
struct Reception: Sendable {
    let admit: @Sendable (DeviceID, Hello) async -> Result<HelloAnswer, Refusal>
    let control: @Sendable (DeviceID, Hello, HubControl) async -> Void
    let bulk: @Sendable (DeviceID, Hello, Bulk) async -> Void

    /// Returns when the connection is gone.
    func serve(_ arrival: Arrival) async {
        let link = arrival.link
        await withTaskCancellationHandler {
            do throws(WireError) {
                let (peer, hello) = try await receiveHello(link)
                let answer = try await admission(link, peer, hello)
                try await link.send(frame(.helloAnswer, encodeMessage(answer.wire)))
                link.open(hello.role)
                arrival.place.admitted()
                switch hello.role {
                case .control: await control(peer, hello, HubControl(hubControl: link, peer: peer))
                case .bulk: await bulk(peer, hello, Bulk(bulk: link, peer: peer))
                }
            } catch {
                await refuse(link, error)
            }
        } onCancel: {
            link.hangUp(Refusal(.shuttingDown, "the hub is shutting down"))
        }
        await link.close()
    }

    private func receiveHello(_ link: Link) async throws(WireError) -> (DeviceID, Hello) {
        guard let frame = try await link.next() else { throw .closed }
        let wire = try decodeMessage(WireHello.self, frame.payload(of: .hello))
        guard let peer = await link.peer() else { throw .protocolViolation("no certificate") }
        return (peer, try Hello(wire: wire))
    }

    private func admission(
        _ link: Link, _ peer: DeviceID, _ hello: Hello
    ) async throws(WireError) -> HelloAnswer {
        switch await admit(peer, hello) {
        case .success(let answer): return answer
        case .failure(let refusal): throw .refused(refusal.reason, refusal.text)
        }
    }

    /// Tells the peer, if there is still somebody to tell.
    private func refuse(_ link: Link, _ error: WireError) async {
        let refusal: Refusal
        switch error {
        case .refused(let reason, let text): refusal = Refusal(reason, text)
        case .protocolViolation(let text): refusal = Refusal(.malformed, text)
        default: return
        }
        do throws(WireError) {
            try await link.send(frame(.refusal, encodeMessage(refusal.wire)))
        } catch {
            return
        }
    }

    private func frame(_ kind: FrameKind, _ payload: [UInt8]) throws(WireError) -> FrameWriter {
        var writer = FrameWriter()
        try writer.append(kind, payload, limitBytes: WireLimits.admissionFrameBytes)
        return writer
    }
}

/// A connection that was accepted, with its place among the others.
struct Arrival: Sendable {
    let link: Link
    let place: Turnstile.Place
}
