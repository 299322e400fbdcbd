// SPDX-License-Identifier: Apache-2.0

import Logging
import RelayCore
import RelayStorage
import RelayWire

// Devices that are members no more.

extension Share {
    /// Cuts off a device that is no member any more: its connections end, nothing is answered, and nobody
    /// waits for it. The registry and the roll say so already.
    func cutOff(_ device: DeviceID, _ refusal: Refusal) {
        session.inbox.put(.dismissed(device, refusal))
        exchange.dismiss(device, refusal)
    }

    /// A device gives its membership up. Returns what it is told.
    func leave(_ device: DeviceID, isForced: Bool) async -> Refusal {
        if !isForced, let refusal = await need(of: device) { return refusal }
        do throws(StateError) {
            try await membership.leave(device)
        } catch {
            logger.error("a device cannot leave", metadata: ["error": "\(error)"])
            return .failure(error)
        }
        logger.notice("device left", metadata: ["device": "\(device.short)"])
        cutOff(device, .left)
        return .left
    }

    /// Why the device is still needed; nil if it is not.
    private func need(of device: DeviceID) async -> Refusal? {
        let others = Set(roll.all.keys).subtracting([device])
        var (files, bytes, example) = (0, UInt64(0), "")
        var position = Revision.zero
        while let page = await session.holdings(of: device, without: others, after: position) {
            for file in page.files {
                if files == 0 { example = displayText(file.name.bytes) }
                files += 1
                bytes += file.sizeBytes
            }
            position = page.through
            await Task.yield()
        }
        guard files > 0 else { return nil }
        return Refusal(
            .needed,
            "nobody else has the contents of \(files == 1 ? "one file" : "\(files) files"), such as"
                + " \(example) (\(bytes) bytes in all), and the hub does not keep them")
    }
}
