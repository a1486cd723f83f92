/* sorted_view: the ordered side of a memtable, made only when somebody asks.
 * New versions are sorted into a run when an iterator wants them; runs of like
 * size are merged, so that their number stays logarithmic and each version is
 * sorted once. Point reads and writes never pay for it.
 * Thread: any, under the view's own mutex; runs are immutable and counted. */
#ifndef RIPTIDED_MEMTABLE_SORTED_VIEW_H
#define RIPTIDED_MEMTABLE_SORTED_VIEW_H

#include <stdatomic.h>

#include "libcommon/os/mutex.h"
#include "riptided/memtable/version_walk.h"

#define RTD_SORTED_RUNS_MAX 64

struct rtd_sorted_run {
	_Atomic unsigned refs;
	size_t count;
	const struct rtd_version *items[];
};

struct rtd_sorted_view {
	struct rt_mutex mu;
	struct rtd_sorted_run *runs[RTD_SORTED_RUNS_MAX]; /* large to small */
	size_t runs_count RT_GUARDED_BY(mu);
	struct rtd_version_walk walk;	/* where it goes on */
};

/* Begin with nothing sorted; free it; forget what is sorted. */
void rtd_sorted_view_init(struct rtd_sorted_view *view);
void rtd_sorted_view_fini(struct rtd_sorted_view *view);
void rtd_sorted_view_reset(struct rtd_sorted_view *view);

/* Sort in what was published to the arena since the last time and give out all
 * runs, each with a reference. Returns their number. */
size_t rtd_sorted_view_take(struct rtd_sorted_view *view,
    struct rtd_arena *arena, struct rtd_sorted_run *out[RTD_SORTED_RUNS_MAX]);

/* One owner less; the last one frees it. NULL is accepted. */
void rtd_sorted_run_unref(struct rtd_sorted_run *run);

#endif
