// SPDX-License-Identifier: Apache-2.0

/// Bytes that look random and are the same in each run.
func randomBytes(_ count: Int, seed: UInt64) -> [UInt8] {
    var state = seed &* 0x9e37_79b9_7f4a_7c15 | 1
    var result: [UInt8] = []
    result.reserveCapacity(count + 8)
    while result.count < count {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        withUnsafeBytes(of: state.littleEndian) { result.append(contentsOf: $0) }
    }
    result.removeLast(result.count - count)
    return result
}

/// Lines of text that compress well.
func textBytes(_ count: Int) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(count + 64)
    var line = 0
    while result.count < count {
        result.append(contentsOf: "line \(line): the quick brown fox jumps over the lazy dog\n".utf8)
        line += 1
    }
    result.removeLast(result.count - count)
    return result
}
