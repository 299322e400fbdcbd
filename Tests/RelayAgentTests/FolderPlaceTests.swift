// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import RelayAgent

@Suite struct FolderPlaceTests {
    @Test func `a path lies within itself and its ancestors`() {
        #expect(FolderPlace.isWithin("/a/b", "/a/b"))
        #expect(FolderPlace.isWithin("/a/b", "/a"))
        #expect(FolderPlace.isWithin("/a/b", "/"))
        #expect(!FolderPlace.isWithin("/a/bc", "/a/b"))
        #expect(!FolderPlace.isWithin("/a", "/a/b"))
    }
}
