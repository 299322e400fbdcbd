// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

/// One agent's control connection, numbered by the hub's runtime.
package struct SubscriberID: Hashable, Sendable, Comparable {
    package var number: UInt64
    package init(_ number: UInt64) { self.number = number }
    package static func < (left: SubscriberID, right: SubscriberID) -> Bool { left.number < right.number }
}

/// What the hub's engine is told. All inputs of one call are decided in one transaction.
package enum HubInput: Sendable {
    case subscribed(SubscriberID, DeviceID, Subscription)
    case unsubscribed(SubscriberID)
    case commit(SubscriberID, Batch)
    case applied(SubscriberID, Revision)
    /// The subscriber asks for a sign that it was sent all there is: `pong` follows the page that reaches the
    /// newest revision of that moment.
    case pinged(SubscriberID, UInt64)
    /// The subscriber's connection has room for more pages.
    case drained(SubscriberID)
}

/// What the hub's engine wants done, once its transaction is durable.
package enum HubEffect: Hashable, Sendable {
    case send(SubscriberID, HubMessage)
    /// A content was committed that the hub has not been offered whole; its author can be asked for it.
    case acquire(ContentID, sizeBytes: UInt64, from: DeviceID)
}
