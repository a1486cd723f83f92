/* run_iter: the tables of one run, one after the other, each opened when its
 * turn comes. Thread: one at a time. */
#ifndef RIPTIDED_VIEW_RUN_ITER_H
#define RIPTIDED_VIEW_RUN_ITER_H

#include "libcommon/table/iter.h"
#include "riptided/view/view.h"

/* What is read of a run. A table without a version above drop_seq and at or
 * below read_seq is passed over. */
struct rtd_run_want {
	struct rt_range range;	/* its keys live as long as the iterator */
	uint64_t read_seq;
	uint64_t drop_seq;
	unsigned flags;		/* those of rt_table_reader_get() */
};

/* run: borrowed for the iterator's life, so the view must be held. */
struct rt_iter *rtd_run_iter_new(const struct rtd_view_run *run,
    const struct rtd_run_want *want);

#endif
