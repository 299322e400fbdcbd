// SPDX-License-Identifier: Apache-2.0

import RelayContent
import RelayCore
import RelayFolder

/// Gets chunks of one content from the hub, verifies each and writes it to its place.
///
/// Requests are sent as far as the window allows, without waiting for the answers to those before. What was
/// under way on a connection that is cut is asked for again on the next.
struct ChunkFetch {
    /// One request on its way.
    private struct OpenRequest {
        /// The chunks that are to come: the index that was asked for, and all that have the same bytes.
        var wants: [UInt32: [Int]]
        /// The bytes of the window that it holds.
        var windowBytes: Int
        /// What the hub was told of, by the index that was asked for.
        var bases: [UInt32: KnownChunks.Read]
    }

    private let tools: FetchTools
    private let payload: FilePayload
    private let layout: ChunkLayout
    private let file: StageFile
    private let inbox: BulkInbox
    private let onWaiting: @Sendable ([String]?) async -> Void
    private var bases: KnownChunks

    /// Chunks that are to be asked for, the next one last.
    private var missing: [Int] = []
    /// Chunks to be asked for again after a pause.
    private var postponed: [Int] = []
    private var open: [UInt32: OpenRequest] = [:]
    private var windowBytes = 0
    private var isWaiting = false
    private var rounds = 0

    init(
        tools: FetchTools, payload: FilePayload, layout: ChunkLayout, bases: KnownChunks, file: StageFile,
        inbox: BulkInbox, onWaiting: @escaping @Sendable ([String]?) async -> Void
    ) {
        self.tools = tools
        self.payload = payload
        self.layout = layout
        self.bases = bases
        self.file = file
        self.inbox = inbox
        self.onWaiting = onWaiting
    }

    /// Returns once all chunks with these indexes are written.
    mutating func run(_ indexes: [Int]) async throws(FetchStop) {
        missing = indexes.reversed()
        do throws(FetchStop) {
            while !missing.isEmpty || !open.isEmpty || !postponed.isEmpty {
                if missing.isEmpty, open.isEmpty { try await resumePostponed() }
                try await sendRequests()
                guard !open.isEmpty else { continue }
                guard let answers = try await tools.exchange.nextAnswers(of: inbox, isWaiting: isWaiting)
                else {
                    throw FetchStop.cancelled
                }
                try await take(answers)
            }
        } catch {
            abandon()
            throw error
        }
    }

    /// Gives up everything that is under way.
    private mutating func abandon() {
        for request in open.keys { tools.exchange.cancel(request) }
        tools.window.giveBack(windowBytes)
        windowBytes = 0
        open = [:]
    }

    private mutating func resumePostponed() async throws(FetchStop) {
        rounds += 1
        guard rounds < TransferLimits.attempts else { throw .unavailable }
        await pause(.milliseconds(250 << min(rounds, 4)))
        if Task.isCancelled { throw .cancelled }
        missing = postponed.reversed()
        postponed = []
    }

    // Asking.

    private mutating func sendRequests() async throws(FetchStop) {
        // What was waited for may have turned out not to be had at all.
        if open.isEmpty, isWaiting {
            isWaiting = false
            await onWaiting(nil)
        }
        while !missing.isEmpty, !isWaiting, windowBytes < TransferLimits.windowBytesOfOne {
            guard await tools.exchange.waitUntilConnected() else { throw .cancelled }
            let (indexes, wants, bytes) = nextRequest()
            if !tools.window.tryTake(bytes) {
                // The answers to what is under way make room; without any, others do.
                guard open.isEmpty else { return }
                guard await tools.window.take(bytes) else { throw .cancelled }
            }
            let content = payload.content
            let told = bases.isEmpty ? [:] : await bases.read(for: indexes)
            let asked = indexes.compactMap { wants[UInt32($0)] == nil ? nil : want($0, told[$0]) }
            let request = tools.exchange.ask(
                inbox: inbox, { .wantChunks(request: $0, content: content, wants: asked) })
            guard let request else {
                tools.window.giveBack(bytes)
                await pause(.milliseconds(10))
                continue
            }
            windowBytes += bytes
            open[request] = OpenRequest(
                wants: wants, windowBytes: bytes,
                bases: Dictionary(uniqueKeysWithValues: told.map { (UInt32($0), $1) }))
            missing.removeLast(indexes.count)
        }
    }

    /// The next chunks to ask for; of those with the same bytes only the first is asked for.
    private func nextRequest() -> (indexes: [Int], wants: [UInt32: [Int]], bytes: Int) {
        var indexes: [Int] = []
        var wants: [UInt32: [Int]] = [:]
        var primaries: [ChunkID: Int] = [:]
        var bytes = 0
        for index in missing.reversed() {
            let chunk = layout.chunks[index]
            if let primary = primaries[chunk.id] {
                wants[UInt32(primary), default: []].append(index)
            } else {
                guard primaries.count < TransferLimits.requestChunks, bytes < TransferLimits.requestBytes
                else { break }
                primaries[chunk.id] = index
                wants[UInt32(index)] = [index]
                bytes += Int(chunk.sizeBytes)
            }
            indexes.append(index)
        }
        return (indexes, wants, bytes)
    }

    private func want(_ index: Int, _ base: KnownChunks.Read?) -> ChunkWant {
        ChunkWant(
            index: UInt32(index), chunk: layout.chunks[index], offset: layout.offsets[index],
            signature: base?.signature ?? [])
    }

    // Taking answers.

    /// One chunk that arrived, and the places it goes to.
    private struct Arrival {
        var request: UInt32
        var index: UInt32
        var places: [Int]
        var chunk: EncodedChunk
        /// What it is a difference to, if it is one.
        var base: [UInt8]?
    }

    private mutating func take(_ answers: [BulkAnswer]) async throws(FetchStop) {
        var arrivals: [Arrival] = []
        var isUnavailable = false
        for answer in answers {
            switch answer {
            case .chunk(let request, let index, let chunk, let isDelta):
                guard let places = open[request]?.wants[index] else {
                    tools.exchange.arrivals.giveBack(chunk.bytes.count)
                    continue
                }
                let base = isDelta ? open[request]?.bases[index]?.bytes ?? [] : nil
                arrivals.append(
                    Arrival(request: request, index: index, places: places, chunk: chunk, base: base))
            case .unavailable(let request, let index, let reason):
                let lost = giveUp(request, index)
                if reason == .busy {
                    postponed.append(contentsOf: lost)
                } else {
                    isUnavailable = !lost.isEmpty
                }
            case .waiting(let request, let devices):
                guard open[request] != nil else { continue }
                isWaiting = true
                // What cannot come now must not hold up others.
                releaseWindow(request, Int.max)
                await onWaiting(devices)
            case .lost(let requests):
                if isWaiting { await onWaiting(nil) }
                isWaiting = false
                for request in requests { missing.append(contentsOf: giveUp(request, nil).reversed()) }
            case .manifest, .manifestCopy: break
            }
        }
        try await write(arrivals)
        if isUnavailable { throw .unavailable }
    }

    private mutating func write(_ arrivals: [Arrival]) async throws(FetchStop) {
        guard !arrivals.isEmpty else { return }
        if isWaiting {
            isWaiting = false
            await onWaiting(nil)
        }
        let (layout, file) = (layout, file)
        let result: Result<[Bool], Problem> = await tools.pool.run { () -> Result<[Bool], Problem> in
            do throws(Problem) {
                return .success(
                    try arrivals.map { arrival throws(Problem) in
                        try Self.write(arrival, layout, file)
                    })
            } catch { return .failure(error) }
        }
        for arrival in arrivals {
            tools.exchange.arrivals.giveBack(arrival.chunk.bytes.count)
            close(arrival.request, arrival.index)
        }
        switch result {
        case .failure(let problem): throw .problem(problem)
        case .success(let written):
            for (arrival, isWritten) in zip(arrivals, written) {
                if isWritten {
                    tools.progress.add(UInt64(arrival.chunk.sizeBytes), to: payload.content)
                } else {
                    postponed.append(contentsOf: arrival.places)
                    for place in arrival.places { bases.remove(place) }
                }
            }
        }
    }

    /// False if the bytes are not those of the chunk.
    private static func write(
        _ arrival: Arrival, _ layout: ChunkLayout, _ file: StageFile
    ) throws(Problem) -> Bool {
        guard let first = arrival.places.first,
            let bytes = bytes(of: arrival, layout.chunks[first])
        else { return false }
        for place in arrival.places { try file.write(bytes, at: layout.offsets[place]) }
        return true
    }

    /// Nil if they are not those of the chunk.
    private static func bytes(of arrival: Arrival, _ chunk: ChunkReference) -> [UInt8]? {
        if let base = arrival.base {
            return try? ChunkDelta.apply(arrival.chunk, to: base, verifying: chunk)
        }
        guard arrival.chunk.sizeBytes == chunk.sizeBytes else { return nil }
        return try? ChunkCodec.decode(arrival.chunk, verifying: chunk.id)
    }

    // Keeping account.

    /// One want of a request was answered.
    private mutating func close(_ request: UInt32, _ index: UInt32) {
        guard open[request]?.wants.removeValue(forKey: index) != nil else { return }
        releaseWindow(request, Int(layout.chunks[Int(index)].sizeBytes))
        if open[request]?.wants.isEmpty == true {
            releaseWindow(request, Int.max)
            open[request] = nil
            tools.exchange.close(request)
        }
    }

    /// One want, or all that are left of the request, will not be answered: the chunks that are left out.
    private mutating func giveUp(_ request: UInt32, _ index: UInt32?) -> [Int] {
        guard let wants = open[request]?.wants else { return [] }
        let given = index.map { index in wants.filter { $0.key == index } } ?? wants
        for index in given.keys { close(request, index) }
        return given.values.flatMap(\.self).sorted()
    }

    private mutating func releaseWindow(_ request: UInt32, _ bytes: Int) {
        guard let held = open[request]?.windowBytes else { return }
        let released = min(held, bytes)
        open[request]?.windowBytes = held - released
        windowBytes -= released
        tools.window.giveBack(released)
    }
}
