/* live_iter: what a reader at one sequence sees of one keyspace, or of a range
 * of it: the newest version of each key, without tombstones, dropped and
 * expired ones. It is sought with RT_SEQ_MAX (seek_for_prev: 0), as a key is
 * shown with one version only. Thread: one at a time; any. */
#ifndef RIPTIDED_VIEW_LIVE_ITER_H
#define RIPTIDED_VIEW_LIVE_ITER_H

#include "libcommon/table/iter.h"
#include "riptided/view/view.h"

struct rtd_live_range {
	uint32_t keyspace;
	uint64_t read_seq;
	uint64_t drop_seq;	/* versions at or below are not there */
	uint64_t now_ms;	/* what expires at or before is not there */
	/* User keys: the first one, and the one behind the last; empty: no
	 * bound. Tables and blocks outside are not read. Copied. */
	struct rt_slice lower;
	struct rt_slice upper;
};

/* Holds a reference to the view. */
struct rt_iter *rtd_live_iter_new(struct rtd_view *view,
    const struct rtd_live_range *range);

#endif
