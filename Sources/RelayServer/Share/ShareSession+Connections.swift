// SPDX-License-Identifier: Apache-2.0

import Logging
import RelayCore
import RelayWire

// Devices come and go.

extension ShareSession {
    /// A device connected; its older connection counts no more.
    func join(_ link: ControlLink, _ group: inout Group) {
        // It may have been dismissed after it was admitted.
        if let refusal = roll.dismissal(of: link.device) { return link.cut(refusal) }
        if let older = controls[link.device] {
            links[older.id] = nil
            subscribed.remove(older.id)
            held?.drop(older.id)
            group.inputs.append(.unsubscribed(older.id))
            older.end(.superseded)
        } else {
            logger.info("device connected", metadata: ["device": "\(link.device.short)"])
        }
        links[link.id] = link
        controls[link.device] = link
    }

    /// A connection is gone.
    func leave(_ id: SubscriberID, _ device: DeviceID, _ group: inout Group) {
        guard links.removeValue(forKey: id) != nil else { return }
        subscribed.remove(id)
        held?.drop(id)
        group.inputs.append(.unsubscribed(id))
        guard controls[device]?.id == id else { return }
        controls[device] = nil
        if applied.isUnsaved(device) { group.mustSaveApplied = true }
        logger.info("device disconnected", metadata: ["device": "\(device.short)"])
    }

    /// A device is no member any more; all its connections are cut off.
    func dismiss(_ device: DeviceID, _ refusal: Refusal, _ group: inout Group) {
        for link in links.values.filter({ $0.device == device }) {
            leave(link.id, device, &group)
            link.cut(refusal)
        }
        applied.leaveUnsaved(device)
        guard roll.all[device] == nil else { return }
        applied.remove(device)
        group.mustSaveApplied = true
    }
}
