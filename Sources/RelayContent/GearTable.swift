// SPDX-License-Identifier: Apache-2.0

/// The 256 random words of the gear hash, one for each value of a byte.
///
/// They are the first 256 outputs of splitmix64 (Steele, Lea, Flood: "Fast Splittable Pseudorandom Number
/// Generators", OOPSLA 2014) from `seed`. They are part of the format: agents that cut alike share chunks.
enum GearTable {
    /// The ASCII bytes of `relaygea`.
    static let seed: UInt64 = 0x7265_6c61_7967_6561

    static let words: [UInt64] = {
        var state = seed
        return (0..<256).map { _ in
            state &+= 0x9e37_79b9_7f4a_7c15
            var word = state
            word = (word ^ (word >> 30)) &* 0xbf58_476d_1ce4_e5b9
            word = (word ^ (word >> 27)) &* 0x94d0_49bb_1331_11eb
            return word ^ (word >> 31)
        }
    }()
}
