/* bench_options: what riptide-bench engine was asked for. */
#ifndef BENCH_BENCH_OPTIONS_H
#define BENCH_BENCH_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libcommon/base/err.h"

#define RTB_RUNS_MAX 32

struct rtb_options {
	uint64_t keys;
	size_t value_bytes;
	uint64_t reads;		/* of a test; 0: keys, 1M at most */
	unsigned runs;		/* the median of so many is told */
	unsigned turn;		/* writes of ours that end together */
	unsigned peer_batch;	/* writes of a peer in one batch */
	unsigned compaction_threads;	/* of one full merge; not LevelDB */
	uint64_t cache_bytes;	/* of blocks */
	uint64_t memory_limit;	/* of the test memory; 0: none */
	const char *tests;	/* comma separated; "compared" */
	const char *peers;	/* comma separated; NULL: all of the build */
	const char *compression;	/* none, snappy, lz4, zstd */
	const char *compactor;	/* program; "none": no merging; NULL: search */
	const char *json;	/* file to write; NULL: none */
	const char *dir;	/* scratch directory; NULL: a fresh one */
	bool cpu_time;		/* by processor time, where that can be told */
	bool help, version;
};

/* Fill options with the defaults and argv's changes to them; argv[0] is not
 * looked at. Texts are borrowed. RT_EUSAGE with one sentence. */
RT_MUST_USE enum rt_code rtb_options_read(struct rtb_options *options,
    int argc, char *const argv[], struct rt_err *err);

/* Whether a comma separated list has the word. */
bool rtb_list_has(const char *list, const char *word);

#endif
