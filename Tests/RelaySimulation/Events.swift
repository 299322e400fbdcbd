// SPDX-License-Identifier: Apache-2.0

import RelayCore

/// What can happen next in a world. Those of an agent that has crashed since, or of a connection that was
/// closed, come to nothing.
enum Event {
    case userStep(script: Int)
    case userBegins
    case fault
    case pump(agent: Int)
    case overflow(agent: Int)
    /// Inputs that reach the agent's engine, if it is still the same one.
    case input(agent: Int, incarnation: Int, AgentInput)
    case process(agent: Int, incarnation: Int)
    case tick(agent: Int, incarnation: Int, generation: Int)
    case lane(agent: Int, incarnation: Int)
    case readEnds(agent: Int, incarnation: Int, SimulatedFolder.Reading)
    case stageEnds(agent: Int, incarnation: Int, ticket: Int)
    case toHub(Connection, AgentMessage)
    case toAgent(Connection, HubMessage)
    case agentNotices(Connection)
    case hubNotices(Connection)
    case connect(agent: Int)
    case start(agent: Int)
    case startHub
    case processHub(incarnation: Int)
    case acquire(content: ContentID, attempts: Int)

    /// Whether the event is something under way, not merely a timer.
    var isMaterial: Bool {
        switch self {
        case .tick, .fault, .acquire: false
        default: true
        }
    }
}

/// One connection of an agent to the hub. Messages arrive in order; a cut loses what is on its way.
final class Connection {
    let id: SubscriberID
    let agent: Int
    let agentIncarnation: Int
    let hubIncarnation: Int
    var isOpenAtAgent = true
    var isOpenAtHub = true
    var lastToHub: Int64 = 0
    var lastToAgent: Int64 = 0
    /// What would arrive later than this never does.
    var toHubCutoff = Int64.max
    var toAgentCutoff = Int64.max
    var pagesUnderWay = 0
    /// What the agent offered ahead of its batches.
    var kept: [ContentID: ContentOffer] = [:]

    init(id: SubscriberID, agent: Int, agentIncarnation: Int, hubIncarnation: Int) {
        self.id = id
        self.agent = agent
        self.agentIncarnation = agentIncarnation
        self.hubIncarnation = hubIncarnation
    }

    var isCut: Bool { toHubCutoff != .max }
}
