/* view_trace: the way of one key through a view, told step by step: for people
 * who want to see what a read does. It looks where a read looks, in the same
 * order, and waits for no disk. Thread: as rtd_view_get(). */
#ifndef RIPTIDED_VIEW_VIEW_TRACE_H
#define RIPTIDED_VIEW_VIEW_TRACE_H

#include "riptided/view/view.h"

enum rtd_step_kind {
	RTD_STEP_ABSENT,	/* looked for in vain; in a table: in its block */
	RTD_STEP_FILTERED,	/* the filter or the index said no */
	RTD_STEP_VALUE,		/* found */
	RTD_STEP_TOMBSTONE,	/* found that it is deleted */
	RTD_STEP_DISK,		/* would have to wait for the disk: not followed */
	RTD_STEP_BROKEN,	/* could not be read */
};

struct rtd_step {
	enum rtd_step_kind kind;
	bool is_memtable;
	bool cached;		/* the block was in the cache */
	uint32_t number;	/* of the memtable, 0: active; or the level */
	struct rt_file_id table;
};

#define RTD_STEPS_MAX 32

struct rtd_trace {
	struct rtd_step steps[RTD_STEPS_MAX];
	size_t count;
	size_t passed_by;	/* runs without a table whose range has it */
	bool is_cut;		/* there were more steps */
};

/* key: a store key. */
void rtd_view_trace(const struct rtd_view *view, struct rt_slice key,
    uint64_t read_seq, uint64_t drop_seq, struct rtd_trace *out);

#endif
