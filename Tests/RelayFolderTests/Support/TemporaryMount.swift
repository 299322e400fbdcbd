// SPDX-License-Identifier: Apache-2.0

import Glibc
import Testing

/// A file system of its own at a temporary place, with nothing but the test in it, until `unmount`.
final class TemporaryMount {
    let path: String

    /// A file system in memory; `options` as `size=1m`.
    init(tmpfs options: String) throws {
        var template = Array("/var/tmp/relay-mount-XXXXXX".utf8CString)
        path = String(cString: try #require(mkdtemp(&template)))
        try #require(mount("tmpfs", path, "tmpfs", 0, options) == 0)
    }

    /// A mount whose server is gone, as that of a network file system can be: nothing there has a status.
    init(deadAt path: String) throws {
        self.path = path
        let device = open("/dev/fuse", O_RDWR | O_CLOEXEC)
        try #require(device >= 0)
        defer { close(device) }
        let options = "fd=\(device),rootmode=40000,user_id=0,group_id=0"
        try #require(mount("dead", path, "fuse", 0, options) == 0)
    }

    /// An overlay over a lower layer that `prepare` fills; `scratch` holds the layers.
    init(overlayIn scratch: Scratch, prepare: (String) -> Void) throws {
        path = scratch.outer + "/merged"
        for name in ["lower", "upper", "work", "merged"] {
            try #require(mkdir(scratch.outer + "/" + name, 0o755) == 0)
        }
        prepare(scratch.outer + "/lower")
        let layers = ["lower", "upper", "work"].map { "\($0)dir=\(scratch.outer)/\($0)" }
        let options = layers.joined(separator: ",") + ",redirect_dir=off"
        try #require(mount("overlay", path, "overlay", 0, options) == 0)
    }

    deinit { unmount() }

    /// Takes it away; who has something of it open keeps that until the end.
    func unmount() {
        umount2(path, 2)
        rmdir(path)
    }

    /// Takes all the room that is left, under this name.
    func fill(_ name: String) {
        let file = open(path + "/" + name, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        defer { close(file) }
        for portion in [65_536, 4096, 1] {
            let bytes = [UInt8](repeating: 7, count: portion)
            while write(file, bytes, portion) > 0 {}
        }
    }
}
