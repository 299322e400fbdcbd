// SPDX-License-Identifier: Apache-2.0

#if DEBUG
    import Foundation
    import RelayCore
    import Testing

    extension Failpoint {
        /// What is going on when a failpoint is reached.
        enum Scene {
            /// An agent joins, for the first time on its machine.
            case join
            /// An agent catches up with all kinds of changes.
            case folder
            /// One that may do nothing special catches up in directories that are write-protected.
            case protected
            /// A removed file gets a late write.
            case late
            /// A folder is held.
            case hold
            /// A hub was set back, which an agent finds out.
            case fork
            /// The folder's file system went down.
            case losses
            /// A folder is compared with its records.
            case comparison
            /// A person uploads and removes.
            case person
            /// A folder is given up.
            case departure
            /// A hub takes changes and gives them.
            case hub
            /// A hub starts for the first time.
            case firstHub
            /// A hub makes join links, and admits.
            case invitation
            /// A hub's index was put back.
            case restored
            /// A hub's segment is damaged.
            case healing
            /// A hub is told whom it is open to.
            case access
            /// A hub collects what nothing refers to.
            case collection
        }

        var scene: Scene {
            switch self {
            case .identityKeyWritten, .nameDrafted, .ownDirectoryMade, .markerDrafted, .joinAdopted,
                .joinEnrolled, .joinRecorded, .replicaMade, .runMarked:
                .join
            case .stageSwept, .turnOpen, .turnCommitted, .pageTaken, .answersTaken, .appliedTold,
                .batchSent, .fileRead, .stageOpened, .twinCopied, .stageWritten, .stageComplete,
                .stageSynced, .placing, .placed, .linkMade, .linkDrafted, .recordDrafted, .parkRecorded,
                .newcomerParked, .exchanged, .released, .keeping, .kept, .removalRecorded,
                .removalParked, .directoryMade, .directoryRemoved, .moved, .modeSet, .timeSet, .stepsDone,
                .stepsSynced:
                .folder
            case .looseningNoted, .loosened, .tightened: .protected
            case .putBack: .late
            case .holdBegun, .holdEnded: .hold
            case .historyForked: .fork
            case .lossesChecked: .losses
            case .comparisonKept: .comparison
            case .uploadStaged, .wantedDirectoryMade, .treeEmptied: .person
            case .departureTold, .parkVacated, .markerRemoved, .folderDissolved, .replicaRemoved: .departure
            case .chunksAppended, .chunksSynced, .commitOpen, .commitUnwitnessed, .committed,
                .chunksKept, .chunksIndexed, .listKept, .pageSent, .appliedSaved:
                .hub
            case .shareMade, .shareRegistered, .segmentMade: .firstHub
            case .inviteRecorded, .tokenRedeeming, .tokenRedeemed: .invitation
            case .epochRenewed: .restored
            case .chunkForgotten: .healing
            case .revocationRecorded, .readmissionRecorded, .departureRecorded: .access
            case .garbageMarked, .garbageRemoved, .segmentCopied, .segmentSynced, .segmentVacated,
                .segmentRemoved:
                .collection
            }
        }

        /// Those that are reached in a scene.
        static func of(_ scene: Scene) -> [Failpoint] { allCases.filter { $0.scene == scene } }

        /// What has a program kill itself there.
        var kill: [String: String] { ["RELAY_FAILPOINT": rawValue] }
    }

    /// Two agents in sync, and what happens to both.
    final class CrashWorld {
        let setup: Setup
        let a: Agent
        let b: Agent

        /// `isProtected`: `b` may do nothing special.
        init(isProtected: Bool = false) throws {
            setup = try Setup()
            a = try setup.agent("a")
            if isProtected {
                try Shell.run(
                    "mkdir folder-b state-b; chown \(Wrapper.nobodyID) folder-b state-b", in: setup.directory)
            }
            b = try setup.agent("b", wrapper: isProtected ? Wrapper.nobody : [])
            try a.shell(
                """
                for name in edit remove mode both; do echo "$name at first" > $name; done
                mkdir -p gone/deep from; echo 1 > gone/deep/file; echo 2 > from/file; ln -s nowhere link
                head -c 400000 /dev/urandom > base
                mkdir locked; echo 1 > locked/edit; echo 1 > locked/remove; chmod 555 locked
                """)
            try setup.settle()
        }

        /// Every kind of step for `b`, and changes of its own beside.
        func changeWhileAway() throws {
            try b.shell("echo 'both by b' > both; echo local > local; mkdir own; echo 3 > own/file")
            try a.shell(
                """
                echo 'both by a' > both; echo 'edit by a' > edit; rm -r remove gone; chmod 600 mode
                mv from to; mkdir -p made/deep; echo new > made/deep/new; ln -sfn elsewhere link
                ln -s somewhere newlink; cp base twin
                head -c 6000000 /dev/urandom > large
                """)
        }

        /// Whether the hub knows that both have what it has.
        func hasApplied() throws -> Bool {
            let result = try setup.hubStatus("--json")
            guard result.status == 0 else { return false }
            let report = try JSONDecoder().decode(HubReport.self, from: Data(result.output.utf8))
            guard let share = report.shares.first, share.revision > 0 else { return false }
            return a.read("first") == b.read("first")
                && share.devices.allSatisfy { $0.appliedRevision == share.revision }
        }

        /// `copies`: how many conflict copies there may be of the file that both changed.
        func check(copies expected: ClosedRange<Int> = 1...1) throws {
            try setup.settle()
            #expect(try setup.differences() == "")
            for agent in [a, b] {
                #expect(agent.read("edit") == "edit by a\n")
                #expect(agent.read("to/file") == "2\n" && agent.read("made/deep/new") == "new\n")
                #expect(agent.read("local") == "local\n" && agent.read("own/file") == "3\n")
                #expect(agent.read("remove") == nil && agent.read("gone/deep/file") == nil)
                let copies = try agent.conflictCopies()
                #expect(expected.contains(copies.count))
                let contents = Set((copies + ["both"]).compactMap { agent.read($0) })
                #expect(
                    contents == ["both by a\n", "both by b\n"]
                        || copies.isEmpty && contents == ["both by a\n"])
                try checkResidue(agent)
            }
        }

        /// Nothing is left of what was under way.
        func checkResidue(_ agent: Agent) throws {
            #expect(try agent.shell("ls -A .relay/stage .relay/park | grep -v ^.relay || true") == "\n")
        }
    }

    extension Agent {
        func waitForKill(at point: Failpoint) throws { try run?.waitForKill(at: point) }
    }

    extension Setup {
        func waitForKillOfHub(at point: Failpoint) throws { try hub?.waitForKill(at: point) }
    }

    extension ProgramRun {
        func waitForKill(at point: Failpoint) throws {
            let deadline = Date(timeIntervalSinceNow: 30)
            while isRunning, Date() < deadline { usleep(2000) }
            guard !isRunning else { throw TestFailure("\(point.rawValue) was not reached: \(errors)") }
            #expect(waitForEnd().status == -SIGKILL, "\(point.rawValue) was not reached: \(errors)")
        }
    }
#endif
