// SPDX-License-Identifier: Apache-2.0

import Logging
import RelayContent
import RelayCore
import RelayStorage

/// Reads stored chunks and compares them with their names, for somebody who asks, and slowly in the
/// background.
///
/// What is damaged counts as missing from then on, and is brought anew from a device that has it. What had
/// been found damaged is looked at again, since a disk may be readable later.
struct StoreVerifier: Sendable {
    let session: ShareSession
    let exchange: ContentExchange
    let gate: StoreGate
    let lane: Lane
    /// How long after the end of a verification the next one begins; nil: none does by itself.
    let interval: Duration?
    let logger: Logger

    /// How many chunks are looked up, and about how many bytes are read, before others have their turn.
    private static let sliceChunks = 64
    private static let sliceBytes = 4 << 20
    /// In the background the pauses take so many times as long as the work.
    private static let restFactor = 19
    /// The longest time between two looks at the clock.
    private static let longestSleep = Duration.seconds(3600)
    private static let troublePause = Duration.seconds(30)

    /// What a verification has seen.
    struct Tally: Sendable {
        var chunks = 0
        var bytes: UInt64 = 0
        /// Chunks that were found damaged.
        var damaged = 0
        /// Chunks that are whole after they had been found damaged.
        var released = 0
        /// Chunks that could not be read for now, and why the first of them could not.
        var unreadable = 0
        var reason: StateError?
    }

    /// Verifies everything each time when the interval is over, until the task is cancelled.
    func run() async {
        await lookAgain(isGentle: true)
        guard let interval else { return }
        while !Task.isCancelled {
            guard let record = await session.verificationRecord() else {
                // Nobody tells when the index can be read again.
                try? await Task.sleep(for: Self.troublePause)
                continue
            }
            if !record.hasFinished, record.segment == nil { await session.setVerificationRecord(record) }
            let delay = record.delay(now: wallClockSeconds(), interval: interval)
            guard delay == .zero else {
                // The next verification is due by the clock, which may be set: it is looked at now and then.
                try? await Task.sleep(for: min(delay, Self.longestSleep))
                continue
            }
            if await verify(from: record.segment ?? 0, isGentle: true) == nil {
                // Nobody tells when the trouble with the share's files is over.
                try? await Task.sleep(for: Self.troublePause)
            }
        }
    }

    /// Verifies everything; nil when that was interrupted by trouble with the share's files.
    func verify() async -> Tally? { await verify(from: 0, isGentle: false) }

    private func verify(from segment: UInt32, isGentle: Bool) async -> Tally? {
        var tally = Tally()
        tally.released = await lookAgain(isGentle: isGentle)
        var place = ChunkPlace(segment: segment, offset: 0)
        while let chunks = await session.chunks(from: place, limit: Self.sliceChunks) {
            guard !Task.isCancelled else { return nil }
            guard let last = chunks.last?.1 else {
                await finish(tally)
                return tally
            }
            let began = Instant.now()
            await check(chunks, &tally)
            if isGentle, last.segment > place.segment { await note(segment: last.segment) }
            place = ChunkPlace(after: last)
            if isGentle { await rest(since: began) }
        }
        return nil
    }

    /// Sleeps so long that only a small part of the time is used.
    private func rest(since began: Instant) async {
        let worked = max(1, Instant.now().milliseconds - began.milliseconds)
        // The disk and the share's lane are for those who wait for something.
        try? await Task.sleep(for: .milliseconds(worked * Int64(Self.restFactor)))
    }

    private func note(segment: UInt32) async {
        guard var record = await session.verificationRecord() else { return }
        record.segment = segment
        await session.setVerificationRecord(record)
    }

    private func finish(_ tally: Tally) async {
        if tally.damaged > 0 { await nameDamage() }
        var record = StoreVerificationRecord(since: wallClockSeconds())
        record.hasFinished = true
        await session.setVerificationRecord(record)
        logger.log(
            level: tally.damaged > 0 ? .error : .notice, "verification of the stored chunks ended",
            metadata: [
                "chunks": "\(tally.chunks)", "bytes": "\(tally.bytes)", "damaged": "\(tally.damaged)",
                "unreadable": "\(tally.unreadable)",
            ])
    }

    // MARK: Chunks

    /// Those of the chunks, which the index says are stored, that are damaged. They are missing from now on.
    /// What was stored moments ago is not.
    func damaged(_ chunks: [ChunkReference]) async -> Set<ChunkID> {
        var result: Set<ChunkID> = []
        let locations = await session.locations(chunks.map(\.id))
        guard let segments = await session.segments else { return [] }
        let older = locations.filter { !segments.isRecent($0.value) }.map { ($0.key, $0.value) }
        for (chunk, location, error) in await inspect(older, segments) where error.isDamaged {
            let damaged = DamagedChunk(chunk: chunk, location: location, content: nil)
            if case .missing = await session.quarantine(damaged, error) { result.insert(chunk) }
        }
        return result
    }

    private func check(_ chunks: [(ChunkID, ChunkLocation)], _ tally: inout Tally) async {
        guard let segments = await session.segments else { return }
        tally.chunks += chunks.count
        tally.bytes += chunks.reduce(0) { $0 + UInt64($1.1.storedBytes) }
        for (chunk, location, error) in await inspect(chunks, segments) {
            guard error.isDamaged else {
                tally.unreadable += 1
                tally.reason = tally.reason ?? error
                continue
            }
            let damaged = DamagedChunk(chunk: chunk, location: location, content: nil)
            if case .missing = await session.quarantine(damaged, error) { tally.damaged += 1 }
        }
        for segment in Set(chunks.map(\.1.segment)) where !segments.hasFile(segment) {
            await save(segment, segments)
        }
    }

    /// Reads chunks and compares them with their names; returns those that are not good, and why.
    private func inspect(
        _ chunks: [(ChunkID, ChunkLocation)], _ segments: SegmentStore
    ) async -> [(ChunkID, ChunkLocation, StateError)] {
        var result: [(ChunkID, ChunkLocation, StateError)] = []
        var rest = chunks[...]
        while !rest.isEmpty {
            // Others get the lane in between.
            var bytes = 0
            let slice = rest.prefix { chunk in
                defer { bytes += Int(chunk.1.sizeBytes) }
                return bytes < Self.sliceBytes
            }
            rest = rest.dropFirst(slice.count)
            result += await lane.run {
                slice.compactMap { chunk, location in
                    Self.inspect(chunk, location, segments).map { (chunk, location, $0) }
                }
            }
        }
        return result
    }

    private static func inspect(
        _ chunk: ChunkID, _ location: ChunkLocation, _ segments: SegmentStore
    ) -> StateError? {
        do throws(StateError) {
            _ = try segments.readVerified(chunk, at: location)
            return nil
        } catch {
            return error
        }
    }

    /// Stores anew what can still be read of a segment whose file somebody removed while it was open.
    private func save(_ segment: UInt32, _ segments: SegmentStore) async {
        let start = ChunkPlace(segment: segment, offset: 0)
        // One whose chunks have all moved was given up by the hub itself.
        guard await session.chunks(from: start, limit: 1)?.first?.1.segment == segment else { return }
        segments.seal(segment)
        // Of what was appended last the first sync finds that it is lost.
        try? await lane.run { () throws(StateError) in try segments.sync() }
        var place = start
        while let chunks = await session.chunks(from: place, limit: Self.sliceChunks) {
            let here = chunks.filter { $0.1.segment == segment }
            guard let last = here.last?.1 else { break }
            do {
                try await session.keep(
                    await lane.run { () throws(StateError) in try Self.copy(here, in: segments) })
            } catch {
                logger.error(
                    "cannot store anew what is in a segment that was removed while it was in use",
                    metadata: ["segment": "\(segments.filePath(segment))", "error": "\(error)"])
                return
            }
            place = ChunkPlace(after: last)
        }
        // What could not be read is damaged: nothing is there any more.
        segments.letGo(segment)
        logger.error(
            "segment was removed while it was in use, what could be read of it was stored anew",
            metadata: ["segment": "\(segments.filePath(segment))"])
    }

    private static func copy(
        _ chunks: [(ChunkID, ChunkLocation)], in segments: SegmentStore
    ) throws(StateError) -> [(ChunkID, ChunkLocation)] {
        let copies = chunks.compactMap { chunk, location in
            (try? segments.read(location, expecting: chunk)).map { (chunk, $0) }
        }
        guard !copies.isEmpty, let places = try segments.store(copies) else { return [] }
        return Array(zip(copies.map(\.0), places))
    }

    /// Looks again at what was found damaged; returns how many chunks are whole.
    @discardableResult
    func lookAgain(isGentle: Bool) async -> Int {
        var released = 0
        var place = ChunkPlace.start
        while let found = await session.damagedChunks(from: place, limit: Self.sliceChunks),
            let last = found.last, !Task.isCancelled, let segments = await session.segments
        {
            let began = Instant.now()
            let bad = Set(await inspect(found.map { ($0.chunk, $0.location) }, segments).map(\.1))
            for damaged in found where !bad.contains(damaged.location) {
                await session.release(damaged)
                released += 1
            }
            place = ChunkPlace(after: last.location)
            if isGentle { await rest(since: began) }
        }
        if released > 0 {
            exchange.resumeWaiting()
            logger.notice(
                "chunks that were damaged are whole again", metadata: ["chunks": "\(released)"])
        }
        return released
    }

    /// Finds out which contents damaged chunks are a part of.
    private func nameDamage() async {
        var nameless: Set<ChunkID> = []
        var place = ChunkPlace.start
        while let found = await session.damagedChunks(from: place, limit: 1000), let last = found.last,
            nameless.count < 100_000
        {
            for damaged in found where damaged.content == nil { nameless.insert(damaged.chunk) }
            place = ChunkPlace(after: last.location)
        }
        guard !nameless.isEmpty else { return }
        var content: ContentID?
        repeat {
            content = await session.nameDamage(nameless, after: content)
            await Task.yield()
        } while content != nil && !Task.isCancelled
    }
}
