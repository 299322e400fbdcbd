/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Linux system calls that the C library's Swift overlay cannot reach: variadic ones, and those newer
 * than the C library. Every function returns what the call returns, or the negated errno.
 */
#ifndef RELAY_CLINUX_SHIM_H
#define RELAY_CLINUX_SHIM_H

/* No header that declares types of the C library: they would become this module's. */
#include <errno.h>
#include <stdint.h>
#include <sys/syscall.h>

extern long syscall(long number, ...);

#define RELAY_RESULT(call)                                                                                \
    long relay_result = (call);                                                                           \
    return relay_result < 0 ? -(long)errno : relay_result

/* openat2(2): `struct open_how` as the kernel has it. */
struct relay_open_how {
    uint64_t flags;
    uint64_t mode;
    uint64_t resolve;
};

/* RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH */
#define RELAY_RESOLVE_CONFINED 0x0f

static inline long relay_openat2(int directory, const char *path, uint64_t flags, uint64_t mode)
{
    struct relay_open_how how = {flags, mode, RELAY_RESOLVE_CONFINED};
    RELAY_RESULT(syscall(437 /* openat2, the same on every architecture */, directory, path, &how,
                         sizeof how));
}

#define RELAY_O_PATH 010000000

/* statx(2): `struct statx` as the kernel has it, 256 bytes. */
struct relay_statx_time {
    int64_t seconds;
    uint32_t nanoseconds;
    int32_t reserved;
};

struct relay_statx {
    uint32_t mask;
    uint32_t block_size;
    uint64_t attributes;
    uint32_t links;
    uint32_t owner;
    uint32_t group;
    uint16_t mode;
    uint16_t spare0;
    uint64_t inode;
    uint64_t size;
    uint64_t blocks;
    uint64_t attributes_mask;
    struct relay_statx_time accessed;
    struct relay_statx_time born;
    struct relay_statx_time changed;
    struct relay_statx_time modified;
    uint32_t special_major;
    uint32_t special_minor;
    uint32_t device_major;
    uint32_t device_minor;
    uint64_t mount;
    uint64_t spare[13];
};

/* With the mount's number: the one that is never used again where the kernel has it (6.8). */
#define RELAY_STATX_WANTED 0x5fff
#define RELAY_STATX_BORN 0x0800
#define RELAY_STATX_MOUNT_ROOT 0x2000
#define RELAY_AT_EMPTY_PATH 0x1000
#define RELAY_AT_SYMLINK_NOFOLLOW 0x100

static inline long relay_statx(int directory, const char *path, int flags, struct relay_statx *result)
{
    RELAY_RESULT(syscall(SYS_statx, directory, path, flags, RELAY_STATX_WANTED, result));
}

#define RELAY_RENAME_NOREPLACE 1u
#define RELAY_RENAME_EXCHANGE 2u

static inline long relay_renameat2(int from_directory, const char *from, int to_directory, const char *to,
                                   unsigned flags)
{
    RELAY_RESULT(syscall(SYS_renameat2, from_directory, from, to_directory, to, flags));
}

static inline long relay_copy_file_range(int from, int64_t *from_offset, int to, int64_t *to_offset,
                                         uint64_t count)
{
    RELAY_RESULT(syscall(SYS_copy_file_range, from, from_offset, to, to_offset, count, 0u));
}

static inline long relay_getdents64(int directory, void *buffer, uint64_t capacity)
{
    RELAY_RESULT(syscall(SYS_getdents64, directory, buffer, capacity));
}

static inline long relay_syncfs(int descriptor)
{
    RELAY_RESULT(syscall(SYS_syncfs, descriptor));
}

/* Begins to write a range to disk; waits for room in the disk's queue at most. The flag is SYNC_FILE_RANGE_WRITE
 * alone: those that wait would take the news of a failed write, which fsync(2) is to bring. */
static inline long relay_begin_writing(int descriptor, int64_t offset, int64_t count)
{
    RELAY_RESULT(syscall(SYS_sync_file_range, descriptor, offset, count, 2u));
}

/* Gives the memory back that holds what a range has on disk; what is not written yet stays. */
static inline long relay_give_pages_back(int descriptor, int64_t offset, int64_t count)
{
    RELAY_RESULT(syscall(SYS_fadvise64, descriptor, offset, count, 4 /* POSIX_FADV_DONTNEED */));
}

#define RELAY_FALLOC_KEEP_SIZE 1
#define RELAY_FALLOC_PUNCH_HOLE 2

static inline long relay_fallocate(int descriptor, int mode, int64_t offset, int64_t count)
{
    RELAY_RESULT(syscall(SYS_fallocate, descriptor, mode, offset, count));
}

/* The number of the file system's type, as fstatfs(2) gives it. */
static inline long relay_file_system_type(int descriptor)
{
    /* `struct statfs` of 64-bit Linux is 120 bytes and begins with the type. */
    uint64_t result[32] = {0};
    return syscall(SYS_fstatfs, descriptor, result) < 0 ? -(long)errno : (long)(uint32_t)result[0];
}

/* fchmodat2(2), Linux 6.6: changes the mode of what an O_PATH descriptor stands for. */
static inline long relay_fchmodat2_empty(int descriptor, uint32_t mode)
{
    RELAY_RESULT(syscall(452, descriptor, "", mode, RELAY_AT_EMPTY_PATH));
}

/* F_SETSIG, F_SETLEASE and F_GETLEASE, the same on every architecture. */
#define RELAY_F_SETSIG 10
#define RELAY_F_SETLEASE 1024
#define RELAY_F_GETLEASE 1025

static inline long relay_fcntl(int descriptor, int command, int argument)
{
    RELAY_RESULT(syscall(SYS_fcntl, descriptor, command, (long)argument));
}

/* prlimit(2): as many open files as the process may have, at most `most`. */
static inline void relay_raise_descriptor_limit(uint64_t most)
{
    struct {
        uint64_t present;
        uint64_t granted;
    } limit;
    int files = 7;
    if (syscall(SYS_prlimit64, 0, files, (void *)0, &limit) != 0)
        return;
    uint64_t wanted = limit.granted < most ? limit.granted : most;
    if (limit.present >= wanted)
        return;
    limit.present = wanted;
    syscall(SYS_prlimit64, 0, files, &limit, (void *)0);
}

/* mallopt(3) and malloc_trim(3), whose header the overlay leaves out. They return 1 when the allocator took the
 * setting, and when it gave back memory. */
extern int mallopt(int parameter, int value);
extern int malloc_trim(unsigned long padding);

#define RELAY_M_TRIM_THRESHOLD (-1)
#define RELAY_M_MMAP_THRESHOLD (-3)
#define RELAY_M_ARENA_MAX (-8)

#endif
