// SPDX-License-Identifier: Apache-2.0

import RelayCore

extension Rendering {
    func table(_ reports: [DeviceReport]) -> [String] {
        var table = Table([
            .init("SHARE"), .init("DEVICE"), .init("ID"), .init("STATE"), .init("APPLIED", isNumber: true),
        ])
        for device in reports {
            table.add([
                shown(device.share), shown(device.name), String(device.deviceID.prefix(shortIDDigits)),
                device.state.rawValue, device.appliedRevision.map { "\($0)" } ?? "-",
            ])
        }
        return table.lines
    }

    func table(_ report: HubReport) -> [String] {
        let id = report.hubID.prefix(shortIDDigits)
        let head = "hub \(id) (version \(report.version)) on \(shown(report.listen))"
        guard !report.shares.isEmpty else { return [head, "no shares"] }
        var shares = Table([
            .init("SHARE"), .init("REVISION", isNumber: true), .init("STORED", isNumber: true),
            .init("LIMIT", isNumber: true), .init("DEVICES", isNumber: true),
        ])
        var devices = Table([
            .init("SHARE"), .init("DEVICE"), .init("ID"), .init("ONLINE"), .init("APPLIED", isNumber: true),
        ])
        for share in report.shares {
            shares.add([
                shown(share.name), "\(share.revision)", humanSize(share.storedBytes),
                share.storeLimitBytes.map(humanSize) ?? "none", "\(share.devices.count)",
            ])
            for device in share.devices {
                devices.add([
                    shown(share.name), shown(device.name), String(device.deviceID.prefix(shortIDDigits)),
                    device.isOnline ? "yes" : "no", "\(device.appliedRevision)",
                ])
            }
        }
        let hasDevices = report.shares.contains { !$0.devices.isEmpty }
        let troubles = report.shares.compactMap { share in
            share.trouble.map { "\(shown(share.name)): \(shown($0))" }
        }
        let damages = report.shares.flatMap { share in
            share.damage.map { ["", "\(shown(share.name)):"] + text($0) } ?? []
        }
        return [head, ""] + shares.lines + (troubles.isEmpty ? [] : [""] + troubles) + damages
            + (hasDevices ? [""] + devices.lines : [])
    }
}
