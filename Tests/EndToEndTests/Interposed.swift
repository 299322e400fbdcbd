// SPDX-License-Identifier: Apache-2.0

import Foundation

/// Libraries that change what the C library answers to a program.
enum Interposed {
    /// One whose clock of the day is off by the seconds in the file that `CLOCK_OFFSET` names.
    static func wrongClock(in directory: String) throws -> String {
        let source = """
            #define _GNU_SOURCE
            #include <stdio.h>
            #include <stdlib.h>
            #include <sys/syscall.h>
            #include <sys/time.h>
            #include <time.h>
            #include <unistd.h>
            static long offset(void) {
                const char *path = getenv("CLOCK_OFFSET");
                FILE *file = path ? fopen(path, "re") : NULL;
                long seconds = 0;
                if (!file) return 0;
                if (fscanf(file, "%ld", &seconds) != 1) seconds = 0;
                fclose(file);
                return seconds;
            }
            int clock_gettime(clockid_t clock, struct timespec *time) {
                int result = (int)syscall(SYS_clock_gettime, clock, time);
                if (clock == CLOCK_REALTIME) time->tv_sec += offset();
                return result;
            }
            int gettimeofday(struct timeval *time, void *zone) {
                struct timespec now;
                clock_gettime(CLOCK_REALTIME, &now);
                time->tv_sec = now.tv_sec;
                time->tv_usec = now.tv_nsec / 1000;
                return 0;
            }
            time_t time(time_t *result) {
                struct timespec now;
                clock_gettime(CLOCK_REALTIME, &now);
                if (result) *result = now.tv_sec;
                return now.tv_sec;
            }
            """
        return try build(source, "wrong-clock", in: directory)
    }

    /// One that cannot read files whose paths end so, or only what has this byte of them, as from a disk that
    /// is damaged there, while there is the file that `READING_FAILS` names.
    static func damagedDisk(
        under ending: String, atByte offset: Int? = nil, in directory: String
    ) throws -> String {
        let isElsewhere = offset.map { "offset > \($0) || offset + (off64_t)count <= \($0)" } ?? "0"
        let source = """
            #define _GNU_SOURCE
            #include <errno.h>
            #include <stdio.h>
            #include <stdlib.h>
            #include <string.h>
            #include <sys/syscall.h>
            #include <unistd.h>
            static const char ending[] = "\(ending)";
            static int fails(int file, size_t count, off64_t offset) {
                const char *flag = getenv("READING_FAILS");
                char name[64], path[4097];
                if (\(isElsewhere)) return 0;
                if (!flag || access(flag, F_OK) != 0) return 0;
                snprintf(name, sizeof name, "/proc/self/fd/%d", file);
                ssize_t length = readlink(name, path, 4096);
                ssize_t start = length - (ssize_t)(sizeof ending - 1);
                if (start < 0) return 0;
                path[length] = 0;
                return strcmp(path + start, ending) == 0;
            }
            ssize_t pread64(int file, void *bytes, size_t count, off64_t offset) {
                if (fails(file, count, offset)) { errno = EIO; return -1; }
                return syscall(SYS_pread64, file, bytes, count, offset);
            }
            ssize_t pread(int file, void *bytes, size_t count, off_t offset) {
                return pread64(file, bytes, count, offset);
            }
            """
        return try build(source, "damaged-disk", in: directory)
    }

    /// One that says that there are no descriptors, to whoever opens what has `segments` in its path while
    /// there is the file `read` in the directory that `NO_DESCRIPTORS` names, and to whoever accepts a
    /// connection while there is the file `accept`.
    static func noDescriptors(in directory: String) throws -> String {
        let source = """
            #define _GNU_SOURCE
            #include <errno.h>
            #include <fcntl.h>
            #include <stdarg.h>
            #include <stdio.h>
            #include <stdlib.h>
            #include <string.h>
            #include <sys/socket.h>
            #include <sys/syscall.h>
            #include <unistd.h>
            static int fails(const char *what) {
                const char *place = getenv("NO_DESCRIPTORS");
                char path[4097];
                if (!place) return 0;
                snprintf(path, sizeof path, "%s/%s", place, what);
                return access(path, F_OK) == 0;
            }
            int open64(const char *path, int flags, ...) {
                va_list list;
                va_start(list, flags);
                int mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(list, int) : 0;
                va_end(list);
                if (strstr(path, "segments") && fails("read")) { errno = EMFILE; return -1; }
                return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
            }
            int open(const char *path, int flags, ...) {
                va_list list;
                va_start(list, flags);
                int mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(list, int) : 0;
                va_end(list);
                return open64(path, flags, mode);
            }
            int accept4(int socket, struct sockaddr *peer, socklen_t *size, int flags) {
                if (fails("accept")) { errno = EMFILE; return -1; }
                return (int)syscall(SYS_accept4, socket, peer, size, flags);
            }
            int accept(int socket, struct sockaddr *peer, socklen_t *size) {
                return accept4(socket, peer, size, 0);
            }
            """
        return try build(source, "no-descriptors", in: directory)
    }

    /// One to which, in the directory that `FOLDED` names and beneath it, names that differ in case are one.
    static func foldedNames(in directory: String) throws -> String {
        try build(FoldedNames.source, "folded-names", in: directory)
    }

    private static func build(_ source: String, _ name: String, in directory: String) throws -> String {
        let base = directory + "/" + name
        try Data(source.utf8).write(to: URL(fileURLWithPath: base + ".c"))
        // Whoever has a Swift toolchain has its clang.
        try Shell.run("$(command -v clang cc | head -1) -shared -fPIC -O1 -o '\(base).so' '\(base).c'")
        return base + ".so"
    }
}
