// SPDX-License-Identifier: Apache-2.0

import Glibc

/// The address under which agents reach a hub.
enum HubAddress {
    /// A host and port as in `HOST:PORT`, `[IPV6]:PORT` or a host alone; nil for anything else.
    static func parse(_ text: String, defaultPort: Int) -> (host: String, port: Int)? {
        var host = Substring(text)
        var port = defaultPort
        let isBareIPv6 = text.utf8.count(where: { $0 == 0x3a }) > 1 && !text.hasPrefix("[")
        if !isBareIPv6, let colon = host.lastIndex(of: ":"), !host[colon...].contains("]") {
            let digits = host[host.index(after: colon)...]
            guard let number = Int(digits), digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
                return nil
            }
            port = number
            host = host[..<colon]
        }
        if host.hasPrefix("[") {
            guard host.hasSuffix("]") else { return nil }
            host = host.dropFirst().dropLast()
        }
        guard !host.isEmpty, (1...65535).contains(port) else { return nil }
        return (String(host), port)
    }

    /// The host for join links when nobody names one: what the hub listens on, or if that is every address,
    /// the machine's first one that others can use, else its name.
    static func host(listeningOn host: String) -> String {
        guard ["", "0.0.0.0", "::", "*"].contains(host) else { return host }
        return firstAddress() ?? machineName()
    }

    private static func firstAddress() -> String? {
        var list: UnsafeMutablePointer<ifaddrs>?
        guard getifaddrs(&list) == 0 else { return nil }
        defer { freeifaddrs(list) }
        var sixth: String?
        var next = list
        while let entry = next?.pointee {
            next = entry.ifa_next
            let flags = Int32(bitPattern: entry.ifa_flags)
            guard let address = entry.ifa_addr, flags & Int32(IFF_UP) != 0,
                flags & Int32(IFF_LOOPBACK) == 0
            else { continue }
            let family = Int32(address.pointee.sa_family)
            guard family == AF_INET || family == AF_INET6, let text = text(of: address, family) else {
                continue
            }
            if family == AF_INET { return text }
            if sixth == nil, !text.hasPrefix("fe80") { sixth = text }
        }
        return sixth
    }

    private static func text(of address: UnsafeMutablePointer<sockaddr>, _ family: Int32) -> String? {
        let length = family == AF_INET ? MemoryLayout<sockaddr_in>.size : MemoryLayout<sockaddr_in6>.size
        var buffer = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        let result = getnameinfo(
            address, socklen_t(length), &buffer, socklen_t(buffer.count), nil, 0, NI_NUMERICHOST)
        guard result == 0 else { return nil }
        return String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    private static func machineName() -> String {
        var buffer = [CChar](repeating: 0, count: 256)
        guard gethostname(&buffer, buffer.count - 1) == 0 else { return "localhost" }
        let name = String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        return name.isEmpty ? "localhost" : name
    }
}
