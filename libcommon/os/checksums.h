/* checksums: the list of a checkpoint's files, CHECKSUMS: text, one line a
 * file, in the tagged form that rhash(1) reads (rhash --check CHECKSUMS):
 *
 *	CRC32C (sst/d-12.sst) = 0a1b2c3d
 *
 * The path is relative to the list's directory and has no blank in it. The
 * manifest's line stands last, so that a list that was cut is known.
 * Thread: any. */
#ifndef LIBCOMMON_OS_CHECKSUMS_H
#define LIBCOMMON_OS_CHECKSUMS_H

#include "libcommon/base/buf.h"
#include "libcommon/base/err.h"
#include "libcommon/base/slice.h"

/* A path is dir/name. */
#define RT_CHECKSUM_PATH_BYTES 128

struct rt_checksum {
	char path[RT_CHECKSUM_PATH_BYTES];
	uint32_t crc32c;	/* of the whole file */
};

/* Append a line. */
void rt_checksums_put(struct rt_buf *list, const char *dir, const char *name,
    uint32_t crc32c);

/* Take the next line off *rest. RT_ENOTFOUND: none is left. RT_EDAMAGED: it is
 * not a line of ours; *rest stays. */
RT_MUST_USE enum rt_code rt_checksums_take(struct rt_slice *rest,
    struct rt_checksum *out, struct rt_err *err);

#endif
