/* wal_segment: one segment file read from front to back; trusts nothing.
 * Opens nothing for writing. Thread: one at a time. */
#ifndef RIPTIDED_WAL_WAL_SEGMENT_H
#define RIPTIDED_WAL_WAL_SEGMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "libcommon/base/buf.h"
#include "libcommon/base/bulk.h"
#include "libcommon/base/err.h"
#include "libcommon/os/fs.h"
#include "riptided/wal/wal_format.h"

struct rtd_wal_segment {
	struct rt_fs *fs;
	int fd;
	uint64_t size;		/* of the file, at open */
	uint64_t limit;		/* nothing from here on is read; size at open */
	uint64_t offset;	/* of the next record */
	uint32_t seed;
	struct rtd_wal_segment_header header;
	struct rt_buf window;	/* bytes of the file from window_at on */
	uint64_t window_at;
	struct rt_bulk *bulk;	/* of the last record, when it was large */
};

#define RTD_WAL_SEGMENT_INIT { .fd = -1 }

struct rtd_wal_record {
	uint64_t offset;
	struct rtd_wal_record_header header;
	struct rt_slice payload;	/* until the next call */
	struct rt_bulk *bulk;	/* that it lies in, so that it may be kept
				 * with a reference; NULL when it is small */
};

/* Open a segment and read its header. RT_ENOTFOUND: the file is missing, or no
 * header is whole (then seg->fd >= 0 and seg->size are set). */
RT_MUST_USE enum rt_code rtd_wal_segment_open(struct rtd_wal_segment *seg,
    struct rt_fs *fs, int dir, const char *name, struct rt_err *err);
/* A segment that is not open is accepted. */
void rtd_wal_segment_close(struct rtd_wal_segment *seg);

/* The record at seg->offset, which moves behind it. RT_ENOTFOUND: there is no
 * whole record, seg->offset stands. RT_EIO. */
RT_MUST_USE enum rt_code rtd_wal_segment_next(struct rtd_wal_segment *seg,
    struct rtd_wal_record *record, struct rt_err *err);

/* Search [from, limit) for a whole record, byte by byte, with a first sequence
 * of at least min_seq; seg->offset is moved as by next. RT_ENOTFOUND: none. */
RT_MUST_USE enum rt_code rtd_wal_segment_search(struct rtd_wal_segment *seg,
    uint64_t from, uint64_t min_seq, struct rtd_wal_record *record,
    struct rt_err *err);

/* The end of the last byte that is not zero in [from, limit); `from` when all
 * are. */
RT_MUST_USE enum rt_code rtd_wal_segment_nonzero_end(
    struct rtd_wal_segment *seg, uint64_t from, uint64_t *end,
    struct rt_err *err);

#endif
