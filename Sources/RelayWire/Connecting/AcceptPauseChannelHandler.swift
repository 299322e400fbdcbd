// SPDX-License-Identifier: Apache-2.0

import Glibc
import NIOCore

/// Stops accepting for a second when the system has no descriptors or memory for another connection.
///
/// NIO's own handler for this keeps the socket registered, so that the event loop spins meanwhile.
final class AcceptPauseChannelHandler: ChannelInboundHandler {
    typealias InboundIn = any Channel

    private var isPaused = false

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // Other errors are those of single connections, which ended before they were accepted.
        guard let number = (error as? IOError)?.errnoCode,
            [EMFILE, ENFILE, ENOBUFS, ENOMEM].contains(number),
            !isPaused, let options = context.channel.syncOptions
        else { return }
        do {
            try options.setOption(.autoRead, value: false)
        } catch {
            return
        }
        isPaused = true
        context.eventLoop.assumeIsolated().scheduleTask(in: .seconds(1)) {
            self.isPaused = false
            try? options.setOption(.autoRead, value: true)
        }
    }
}
