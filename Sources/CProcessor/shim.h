/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Instructions that Swift has no names for. What a processor lacks must not be called on it.
 */
#ifndef RELAY_CPROCESSOR_SHIM_H
#define RELAY_CPROCESSOR_SHIM_H

#if defined(__x86_64__)

/* Whether there is an instruction for CRC-32C. */
static inline int relay_has_crc32c(void) { return __builtin_cpu_supports("sse4.2"); }

/* Adds `count` bytes to the register of a CRC-32C. */
__attribute__((target("sse4.2"))) static inline unsigned int relay_crc32c(
    unsigned int crc, const void *bytes, unsigned long count)
{
    const unsigned char *next = (const unsigned char *)bytes;
    unsigned long long wide = crc;
    for (; count >= 8; count -= 8, next += 8) {
        unsigned long long word;
        __builtin_memcpy(&word, next, 8);
        wide = __builtin_ia32_crc32di(wide, word);
    }
    crc = (unsigned int)wide;
    for (; count > 0; count--, next++) crc = __builtin_ia32_crc32qi(crc, *next);
    return crc;
}

#else

static inline int relay_has_crc32c(void) { return 0; }

static inline unsigned int relay_crc32c(unsigned int crc, const void *bytes, unsigned long count)
{
    (void)bytes;
    (void)count;
    return crc;
}

#endif

#endif
