// SPDX-License-Identifier: Apache-2.0

import RelayCore

/// One machine: its disk, its agent's replica and, while the agent runs, its engine.
final class SimulatedAgent {
    typealias Engine = AgentEngine<MemoryReplica>

    enum LaneJob {
        case rules(isInsisting: Bool)
        case scan([ScanRequest], ReadingWishes, [ScanResult])
        case apply([ApplyAction], [ApplyResult])
        case filter([Hint])
    }

    let index: Int
    let device: DeviceID
    let name: String
    let disk: SimulatedDisk
    let folder: SimulatedFolder
    var replica = MemoryReplica()
    var engine: Engine?
    /// Counts the agent's starts and ends, so that what belongs to an earlier run is recognised.
    var incarnation = 0
    var connection: Connection?
    var offlineUntil: Int64 = 0
    var inbox: [AgentInput] = []
    var isProcessing = false
    var lane: [LaneJob] = []
    var echoes = Echoes()
    var isLaneBusy = false
    var lastCompletion: Int64 = 0
    var wakeGeneration = 0
    /// Stage requests under way, by ticket.
    var stages: [Int: StageRequest] = [:]
    var isStagingBroken = false
    /// Whether a power cut took writes from its disk that its engine has not looked for yet.
    var mayHaveLostWrites = false
    var isPumping = false

    var isUp: Bool { engine != nil }

    init(index: Int, configuration: Configuration, random: inout SeededRandom) {
        self.index = index
        device = DeviceID(Bytes32(UInt64(index) + 1, 1, 1, 1))
        name = ["amber", "birch", "coral", "dune"][index]
        let skew = configuration.skewSeconds
        disk = SimulatedDisk(
            skewSeconds: Int64(random.within(-skew...skew)), granularity: configuration.granularity,
            foldsNames: configuration.foldsNames && index == configuration.agents - 1)
        folder = SimulatedFolder(
            disk: disk, trustMargin: configuration.granularity, seesWriters: configuration.seesWriters)
    }
}

/// The hub: an index that survives and an engine that need not.
final class SimulatedHub {
    let index: MemoryShareIndex
    var engine: HubEngine<MemoryShareIndex>?
    var incarnation = 0
    var connections: [Connection] = []
    var inbox: [HubInput] = []
    var isProcessing = false
    /// Contents that the hub holds, oldest first.
    var store: [ContentID] = []
    var isUp: Bool { engine != nil }

    init(epoch: Epoch) { index = MemoryShareIndex(epoch: epoch) }
}
