/* compare_options: what riptide-bench compare was asked for. Thread: any. */
#ifndef BENCH_COMPARE_OPTIONS_H
#define BENCH_COMPARE_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libcommon/base/err.h"

#define RTB_COMPARE_PEERS_MAX 5

struct rtb_compare_options {
	/* NAME=PATH each; the last one stays NULL. */
	const char *peers[RTB_COMPARE_PEERS_MAX + 1];
	const char *daemon, *compactor;	/* programs; NULL: search */
	const char *tests;	/* names of sessions, comma separated */
	const char *server_cpus, *load_cpus;	/* "": not pinned */
	unsigned runs;
	uint64_t seconds;	/* of one measurement */
	uint64_t keys;		/* in memory */
	uint64_t large_keys;	/* of the session `large` */
	uint64_t rate;		/* operations a second of `compacting` */
	const char *json, *svg, *dir;	/* NULL: none; a fresh one */
	bool help;
};

RT_MUST_USE enum rt_code rtb_compare_options_read(
    struct rtb_compare_options *options, int argc, char *const argv[],
    struct rt_err *err);

#endif
