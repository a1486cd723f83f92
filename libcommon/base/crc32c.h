/* crc32c: checksum of everything we put on disk. CRC-32C (Castagnoli), as in
 * RFC 3720 appendix B.4, computed by isa-l. Thread: any. */
#ifndef LIBCOMMON_BASE_CRC32C_H
#define LIBCOMMON_BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Extend crc (0 to begin) by len bytes: rt_crc32c(rt_crc32c(0, a), b) is the
 * checksum of a followed by b. */
uint32_t rt_crc32c(uint32_t crc, const void *data, size_t len);

#endif
