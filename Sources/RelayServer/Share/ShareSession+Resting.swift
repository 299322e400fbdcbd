// SPDX-License-Identifier: Apache-2.0

import RelayStorage

// A share that nobody uses holds little memory.

extension ShareSession {
    /// For how long nobody uses a share that is at rest.
    private static var restDelay: Duration { .seconds(10) }
    /// After so long threads have ended that were needed no more: pieces that they held back are free.
    private static var secondDelay: Duration { .seconds(20) }

    /// Gives memory back each time when the share was used and is not any more, until the task is cancelled.
    nonisolated func runRests() async {
        while !(await uses.take(limitBytes: .max)).isEmpty {
            var isResting = false
            while !isResting, !Task.isCancelled {
                // Nobody tells that nothing happens.
                try? await Task.sleep(for: Self.restDelay)
                isResting = await rest()
            }
            // Nobody tells that threads have ended.
            try? await Task.sleep(for: Self.secondDelay)
            await restOn()
        }
    }

    /// To be called whenever the index is used.
    func noteUse() {
        isUsed = true
        guard isResting else { return }
        isResting = false
        uses.put(())
    }

    /// False if the index was used since the last call.
    private func rest() -> Bool {
        guard !isUsed else {
            isUsed = false
            return false
        }
        isResting = true
        restOn()
        return true
    }

    private func restOn() {
        guard isResting else { return }
        shelf = ManifestShelf()
        opened?.segments.releaseMemory()
        opened?.index.releaseMemory()
    }
}
