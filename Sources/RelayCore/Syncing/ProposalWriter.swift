// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only

/// A proposal that is being written, with what its order depends on. What was written last can be taken back.
struct ProposalWriter {
    private(set) var proposal: Proposal
    /// Nodes whose operations stand in the proposal.
    private(set) var written = GrowingSet<NodeID>()
    /// Nodes that gave up their place for a passing one.
    private(set) var vacated = GrowingSet<NodeID>()
    var passingPlaces = GrowingSet<Placement>()
    /// Nodes of those that still have to be placed where they are meant to be.
    var homeless: [NodeID] = []
    /// Nodes whose operations are being prepared.
    var visiting: Set<NodeID> = []
    /// How often a node was met whose operations are being prepared already.
    var circles = 0
    /// Nodes for the next proposal.
    var postponed: [NodeID] = []
    var isFull = false

    init(proposal: Proposal) { self.proposal = proposal }

    /// Writes the operation that a node was to get.
    mutating func write(_ operation: Operation, offer: ContentOffer?) {
        proposal.add(operation, offer: offer)
        _ = written.insert(operation.node)
    }

    /// Writes the operation by which a node gives up its place.
    mutating func writeVacating(_ operation: Operation, offer: ContentOffer?) {
        proposal.add(operation, offer: offer)
        _ = vacated.insert(operation.node)
    }

    /// What had been written at some moment.
    struct Mark {
        fileprivate var operations: Int
        fileprivate var written: Int
        fileprivate var vacated: Int
        fileprivate var passingPlaces: Int
        fileprivate var postponed: Int
        fileprivate var homeless: [NodeID]
        fileprivate var circles: Int
        fileprivate var isFull: Bool
    }

    var mark: Mark {
        Mark(
            operations: proposal.operations.count, written: written.count, vacated: vacated.count,
            passingPlaces: passingPlaces.count, postponed: postponed.count, homeless: homeless,
            circles: circles, isFull: isFull)
    }

    /// Takes back what was written since, between two nodes.
    mutating func takeBack(to mark: Mark) {
        proposal.takeBack(to: mark.operations)
        written.takeBack(to: mark.written)
        vacated.takeBack(to: mark.vacated)
        passingPlaces.takeBack(to: mark.passingPlaces)
        postponed.removeLast(postponed.count - mark.postponed)
        homeless = mark.homeless
        circles = mark.circles
        isFull = mark.isFull
    }
}

/// A set that can be taken back to what it was when it had fewer elements.
struct GrowingSet<Element: Hashable> {
    private var elements: Set<Element> = []
    private var order: [Element] = []

    var count: Int { order.count }

    func contains(_ element: Element) -> Bool { elements.contains(element) }

    /// False if it is there already.
    mutating func insert(_ element: Element) -> Bool {
        guard elements.insert(element).inserted else { return false }
        order.append(element)
        return true
    }

    mutating func takeBack(to count: Int) {
        while order.count > count, let last = order.popLast() { elements.remove(last) }
    }
}
