// SPDX-License-Identifier: Apache-2.0

/// A source of numbers that one seed determines (SplitMix64).
package struct SeededRandom: RandomNumberGenerator, Sendable {
    private(set) var state: UInt64

    package init(seed: UInt64) {
        state = seed &* 0x9e37_79b9_7f4a_7c15 &+ 0x1234_5678_9abc_def1
        _ = next()
        _ = next()
    }

    package mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        return mixed(state)
    }

    /// A number from 0 up to, not including, the bound; 0 for a bound below 1.
    mutating func below(_ bound: Int) -> Int {
        bound <= 1 ? 0 : Int(next() >> 33) % bound
    }

    /// A number of the range, both ends included.
    mutating func within(_ range: ClosedRange<Int>) -> Int {
        range.lowerBound + below(range.upperBound - range.lowerBound + 1)
    }

    /// True so many times in a thousand.
    mutating func chance(_ perMille: Int) -> Bool { below(1000) < perMille }

    /// Nil for an empty array.
    mutating func pick<Element>(_ elements: [Element]) -> Element? {
        elements.isEmpty ? nil : elements[below(elements.count)]
    }

    /// An index of `weights`, each as likely as its weight says.
    mutating func index(weights: [Int]) -> Int {
        var rest = below(weights.reduce(0, +))
        for (index, weight) in weights.enumerated() {
            if rest < weight { return index }
            rest -= weight
        }
        return 0
    }

    /// Another source that goes its own way.
    mutating func split() -> SeededRandom { SeededRandom(seed: next()) }
}

/// A well mixed function of 64 bits (the finaliser of SplitMix64).
func mixed(_ value: UInt64) -> UInt64 {
    var z = value
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
}
