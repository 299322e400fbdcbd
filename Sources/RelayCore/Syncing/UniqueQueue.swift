// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

/// A first-in, first-out queue in which each element stands at most once.
///
/// Its order depends on the insertions alone, never on hash seeds, so that a run can be repeated.
struct UniqueQueue<Element: Hashable> {
    private var order: [Element] = []
    private var start = 0
    private var members: Set<Element> = []

    var isEmpty: Bool { members.isEmpty }
    var count: Int { members.count }

    func contains(_ element: Element) -> Bool { members.contains(element) }

    /// Appends the element; false if it waits already.
    @discardableResult
    mutating func insert(_ element: Element) -> Bool {
        guard members.insert(element).inserted else { return false }
        order.append(element)
        return true
    }

    mutating func remove(_ element: Element) {
        guard members.remove(element) != nil else { return }
        if members.isEmpty { reset() }
        // The place in `order` goes when it is reached, unless the element was inserted again: then the
        // earlier place counts.
    }

    mutating func popFirst() -> Element? {
        while start < order.count {
            let element = order[start]
            start += 1
            if members.remove(element) != nil {
                compact()
                return element
            }
        }
        reset()
        return nil
    }

    /// All elements, in order; the queue is empty afterwards.
    mutating func popAll() -> [Element] {
        var result: [Element] = []
        while let element = popFirst() { result.append(element) }
        return result
    }

    /// Gives back room that was needed once.
    mutating func shrink() {
        order = Array(order.dropFirst(start))
        start = 0
        members.shrink()
    }

    private mutating func compact() {
        if members.isEmpty {
            reset()
        } else if start > 1024, start * 2 > order.count {
            order.removeFirst(start)
            start = 0
        }
    }

    private mutating func reset() {
        order.removeAll(keepingCapacity: order.count < 4096)
        start = 0
    }
}
