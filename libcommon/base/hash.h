/* hash: 64-bit hash of a key, for filters, buckets and caches. XXH3 (xxHash
 * 0.8, seed 0), whose results are fixed for ever: table filters store bits
 * derived from it. Thread: any. */
#ifndef LIBCOMMON_BASE_HASH_H
#define LIBCOMMON_BASE_HASH_H

#include <stdint.h>

#include "libcommon/base/slice.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

/* XXH3 of the bytes, 64 bits, with no seed. It is on disk, in filters: never
 * changes. */
static inline uint64_t
rt_hash64(struct rt_slice bytes)
{
	return XXH3_64bits(bytes.data, bytes.len);
}

#endif
