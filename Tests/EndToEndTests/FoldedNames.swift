// SPDX-License-Identifier: Apache-2.0

/// In C, a library to which names that differ in case are one, in the directory that `FOLDED` names and
/// beneath it: as on file systems that keep the case of names but do not tell them apart by it.
enum FoldedNames {
    static let source = """
        #define _GNU_SOURCE
        #include <dirent.h>
        #include <dlfcn.h>
        #include <fcntl.h>
        #include <stdarg.h>
        #include <stdio.h>
        #include <stdlib.h>
        #include <string.h>
        #include <sys/stat.h>
        #include <sys/syscall.h>
        #include <unistd.h>
        #define LIMIT 8192
        static long (*real)(long, ...);
        static int is_folded(int directory) {
            const char *top = getenv("FOLDED");
            char name[64], path[4097];
            snprintf(name, sizeof name, "/proc/self/fd/%d", directory);
            ssize_t length = top ? readlink(name, path, 4096) : -1;
            if (length < 0) return 0;
            path[length] = 0;
            size_t count = strlen(top);
            return strncmp(path, top, count) == 0 && (path[count] == 0 || path[count] == '/');
        }
        /* The path as the directories spell it, as far as it is there. */
        static const char *spelled(int directory, const char *path, char *result) {
            if (!*path || *path == '/' || strlen(path) >= LIMIT || !is_folded(directory)) return path;
            size_t length = 0;
            while (*path) {
                size_t count = strcspn(path, "/");
                struct stat status;
                memcpy(result + length, path, count);
                result[length + count] = 0;
                if (fstatat(directory, result, &status, AT_SYMLINK_NOFOLLOW) != 0) {
                    char parent[LIMIT];
                    memcpy(parent, result, length);
                    strcpy(parent + length, ".");
                    int file = openat(directory, parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                    DIR *list = file < 0 ? NULL : fdopendir(file);
                    struct dirent *entry;
                    while (list && (entry = readdir(list)))
                        if (strlen(entry->d_name) == count
                            && strncasecmp(entry->d_name, path, count) == 0)
                            memcpy(result + length, entry->d_name, count);
                    if (list) closedir(list);
                }
                length += count;
                path += count;
                while (*path == '/') { result[length++] = '/'; path++; }
                result[length] = 0;
            }
            return result;
        }
        long syscall(long number, ...) {
            va_list list;
            long a[6];
            char first[LIMIT], second[LIMIT];
            va_start(list, number);
            for (int index = 0; index < 6; index++) a[index] = va_arg(list, long);
            va_end(list);
            if (!real) real = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
            if (number == 437 || number == SYS_statx || number == SYS_renameat2)
                a[1] = (long)spelled((int)a[0], (const char *)a[1], first);
            if (number == SYS_renameat2) a[3] = (long)spelled((int)a[2], (const char *)a[3], second);
            return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
        }
        int linkat(int from, const char *old, int to, const char *new, int flags) {
            return (int)syscall(SYS_linkat, from, old, to, new, flags);
        }
        int unlinkat(int directory, const char *name, int flags) {
            char buffer[LIMIT];
            return (int)syscall(SYS_unlinkat, directory, spelled(directory, name, buffer), flags);
        }
        int mkdirat(int directory, const char *name, mode_t mode) {
            char buffer[LIMIT];
            return (int)syscall(SYS_mkdirat, directory, spelled(directory, name, buffer), mode);
        }
        int symlinkat(const char *target, int directory, const char *name) {
            char buffer[LIMIT];
            return (int)syscall(SYS_symlinkat, target, directory, spelled(directory, name, buffer));
        }
        ssize_t readlinkat(int directory, const char *name, char *target, size_t count) {
            char buffer[LIMIT];
            return syscall(SYS_readlinkat, directory, spelled(directory, name, buffer), target, count);
        }
        """
}
