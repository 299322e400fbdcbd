// SPDX-License-Identifier: Apache-2.0

import Foundation
import RelayCore
import RelayWire
import Testing

@Suite struct DeviceIdentityTests {
    private func identityError(_ directory: String) -> String? {
        do {
            _ = try DeviceIdentity.loadOrCreate(directory: directory)
            return nil
        } catch {
            if case .identity(let text) = error { return text }
            return nil
        }
    }

    private func mode(_ path: String) throws -> Int? {
        try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
    }

    private func bytes(_ path: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: path)) }

    @Test func `an identity is made once and found again`() async throws {
        try await withTemporaryDirectory { root in
            let directory = root + "/state/identity"
            let first = try DeviceIdentity.loadOrCreate(directory: directory)
            let second = try DeviceIdentity.loadOrCreate(directory: directory + "/")
            #expect(first.id == second.id)
            #expect(
                try FileManager.default.contentsOfDirectory(atPath: directory).sorted() == [
                    "certificate.pem", "key.pem",
                ])
            let other = try DeviceIdentity.loadOrCreate(directory: root + "/other")
            #expect(other.id != first.id)
        }
    }

    @Test func `nobody else may look at it`() async throws {
        try await withTemporaryDirectory { root in
            let directory = root + "/identity"
            _ = try DeviceIdentity.loadOrCreate(directory: directory)
            #expect(try mode(directory) == 0o700)
            #expect(try mode(directory + "/key.pem") == 0o600)
            #expect(try mode(directory + "/certificate.pem") == 0o600)
            // What was loosened, by a restored backup for example, is tightened.
            let manager = FileManager.default
            try manager.setAttributes([.posixPermissions: 0o755], ofItemAtPath: directory)
            try manager.setAttributes([.posixPermissions: 0o644], ofItemAtPath: directory + "/key.pem")
            _ = try DeviceIdentity.loadOrCreate(directory: directory)
            #expect(try mode(directory) == 0o700)
            #expect(try mode(directory + "/key.pem") == 0o600)
        }
    }

    @Test func `a damaged key is said and stays as it is`() async throws {
        try await withTemporaryDirectory { root in
            let directory = root + "/identity"
            _ = try DeviceIdentity.loadOrCreate(directory: directory)
            let path = directory + "/key.pem"
            for damaged in [Data(), Data("x".utf8), try bytes(path).dropLast(60), Data(count: 70_000)] {
                try damaged.write(to: URL(fileURLWithPath: path))
                #expect(identityError(directory)?.contains("key.pem") == true)
                #expect(try bytes(path) == damaged)
            }
        }
    }

    @Test func `a damaged certificate is said and stays as it is`() async throws {
        try await withTemporaryDirectory { root in
            let directory = root + "/identity"
            _ = try DeviceIdentity.loadOrCreate(directory: directory)
            let path = directory + "/certificate.pem"
            let whole = try bytes(path)
            for damaged in [Data(), Data("x".utf8), whole.dropLast(100), whole + whole] {
                try damaged.write(to: URL(fileURLWithPath: path))
                #expect(identityError(directory)?.contains("certificate.pem") == true)
                #expect(try bytes(path) == damaged)
            }
        }
    }

    @Test func `key and certificate must belong together`() async throws {
        try await withTemporaryDirectory { root in
            _ = try DeviceIdentity.loadOrCreate(directory: root + "/a")
            _ = try DeviceIdentity.loadOrCreate(directory: root + "/b")
            try bytes(root + "/a/key.pem").write(to: URL(fileURLWithPath: root + "/b/key.pem"))
            #expect(identityError(root + "/b")?.contains("not for the key") == true)
            try FileManager.default.removeItem(atPath: root + "/a/key.pem")
            #expect(identityError(root + "/a")?.contains("key.pem, is missing") == true)
            #expect(!FileManager.default.fileExists(atPath: root + "/a/key.pem"))
        }
    }

    @Test func `a certificate that a crash kept from being written is made again`() async throws {
        try await withTemporaryDirectory { root in
            let first = try DeviceIdentity.loadOrCreate(directory: root + "/a")
            try FileManager.default.removeItem(atPath: root + "/a/certificate.pem")
            try Data("half".utf8).write(to: URL(fileURLWithPath: root + "/a/certificate.pem.new"))
            #expect(try DeviceIdentity.loadOrCreate(directory: root + "/a").id == first.id)
        }
    }

    @Test func `two programs that begin at once get one identity`() async throws {
        try await withTemporaryDirectory { root in
            let ids = try await withThrowingTaskGroup(of: DeviceID.self) { group in
                for _ in 0..<8 {
                    group.addTask { try DeviceIdentity.loadOrCreate(directory: root + "/a/b").id }
                }
                return try await group.reduce(into: Set<DeviceID>()) { $0.insert($1) }
            }
            #expect(ids.count == 1)
        }
    }

    @Test func `a directory that cannot be made is said with its cause`() async throws {
        try await withTemporaryDirectory { root in
            try Data().write(to: URL(fileURLWithPath: root + "/file"))
            #expect(
                identityError(root + "/file/identity")
                    == "cannot create \(root)/file/identity: not a directory")
        }
    }
}
