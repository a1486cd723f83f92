/* wal_reader: replay, oldest segment first, to the first record that is not
 * whole, and say which kind of end it was. Thread: one at a time. */
#ifndef RIPTIDED_WAL_WAL_READER_H
#define RIPTIDED_WAL_WAL_READER_H

#include "libcommon/base/err.h"
#include "libcommon/base/slice.h"
#include "libcommon/os/fs.h"

struct rtd_wal_replay {
	/* in */
	struct rt_fs *fs;
	int dir;			/* wal/ */
	const uint8_t *database_uuid;
	uint64_t floor;			/* lowest segment still needed */
	uint64_t flushed_seq;		/* records at or below are skipped */
	uint64_t manifest_generation;	/* refuse a log of a later manifest */
	uint64_t clean_wal;		/* manifest's mark; 0: none */
	uint64_t clean_wal_bytes;
	bool tolerant;			/* keep what precedes damage */
	bool read_only;			/* a tool: cut nothing */
	/* One record, in order. Its payload is borrowed for the call. A
	 * record that straddles flushed_seq is given whole. */
	enum rt_code (*apply)(void *arg, uint64_t segment, uint64_t first_seq,
	    uint32_t count, struct rt_slice payload, struct rt_err *err);
	/* Told before the first record, now and then, and after the last how
	 * many bytes of the log are done with, of about how many. False: stop.
	 * May be NULL. */
	bool (*progress)(void *arg, uint64_t done_bytes, uint64_t total_bytes);
	void *arg;			/* of both */
	/* During apply: what a large payload lies in, to be kept with a
	 * reference; else NULL. */
	struct rt_bulk *bulk;
	/* out */
	uint64_t first_segment;		/* oldest found at or above floor; 0 */
	uint64_t last_segment;		/* highest number in use; 0: none */
	uint64_t end_segment;		/* the log ends there, for wal_open; 0 */
	uint64_t end_bytes;
	uint64_t last_seq;		/* highest replayed, or flushed_seq */
	uint64_t records;
	uint64_t bytes;
	uint64_t torn_segment;		/* 0: no torn tail */
	uint64_t torn_offset;
	uint64_t torn_bytes;		/* that were not zero, dropped */
	bool tolerable;			/* the damage, by tolerant */
};

/* RT_EDAMAGED: acknowledged records are damaged or missing; err names segment,
 * offset and the sequences at risk; nothing was changed on disk. A torn tail
 * of the last segment is cut (truncated and synced) unless read_only.
 * tolerant: at damage the replay ends as if the log ended there: RT_OK, the
 * torn_ members say where, err holds the words that RT_EDAMAGED would have had
 * (err->code is RT_EDAMAGED), and nothing is changed on disk: the segment begun
 * next names the place as the end of its predecessor. A log of another
 * database or of a later manifest is refused in any case.
 * RT_ESTOPPED: progress wanted it; nothing was changed on disk. */
RT_MUST_USE enum rt_code rtd_wal_replay(struct rtd_wal_replay *replay,
    struct rt_err *err);

#endif
