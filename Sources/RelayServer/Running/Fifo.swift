// SPDX-License-Identifier: Apache-2.0

/// A first-in, first-out queue whose ends both cost constant time.
struct Fifo<Element> {
    private var elements: [Element?] = []
    private var start = 0

    var isEmpty: Bool { start == elements.count }
    var count: Int { elements.count - start }
    var first: Element? { isEmpty ? nil : elements[start] }

    mutating func append(_ element: Element) { elements.append(element) }

    mutating func popFirst() -> Element? {
        guard !isEmpty else { return nil }
        let element = elements[start]
        elements[start] = nil
        start += 1
        if start == elements.count {
            elements.removeAll(keepingCapacity: elements.count < 1024)
            start = 0
        } else if start > 256, start * 2 > elements.count {
            elements.removeFirst(start)
            start = 0
        }
        return element
    }

    /// All elements, in order; the queue is empty afterwards.
    mutating func popAll() -> [Element] {
        defer {
            elements = []
            start = 0
        }
        return elements[start...].compactMap(\.self)
    }
}
