/* record_fs: what happens on a disk of mem_fs, written down in one order with
 * the test's own notes in between, and from which places in the product its
 * syncs and links are called. A place can be told to do nothing.
 *
 * A place is found by the return addresses of a call and named by addr2line,
 * inlined functions included: nothing in the product knows of it. Two names:
 * its site is the function and line that calls the verb of fs.h; its path is
 * that function with all its callers.
 * Thread: any, but for the reading of it when all is over. */
#ifndef TESTS_SUPPORT_RECORD_FS_H
#define TESTS_SUPPORT_RECORD_FS_H

#include "tests/support/mem_fs.h"

#define RTT_PATH_BYTES 512

struct rtt_place {
	enum rtt_call call;
	char site[128];		/* "sync prepare wal_space.c:132" */
	char path[RTT_PATH_BYTES];	/* "sync prepare < helper_run" */
	size_t calls;
};

/* Resolves addresses; one for the life of a test process. */
struct rtt_namer;

/* NULL: addr2line cannot be run, or tells nothing of this program. */
struct rtt_namer *rtt_namer_open(void);
void rtt_namer_close(struct rtt_namer *namer);

struct rtt_record {
	struct rt_mutex mu;
	struct rtt_event *events;	/* RT_GUARDED_BY(mu), all below */
	size_t count, cap;
	struct rtt_namer *namer;	/* NULL: places are not looked for */
	struct rtt_place *places;
	size_t places_count;
	/* Sites and paths, with '|' between them, that are to do nothing. NULL:
	 * none. */
	const char *without;
	size_t left_out;		/* so many calls */
};

/* Watch the disk. Both must stay; the namer is borrowed. */
void rtt_record_init(struct rtt_record *record, struct rtt_disk *disk,
    struct rtt_namer *namer, const char *without);
void rtt_record_fini(struct rtt_record *record);

/* The test's own note, between what happened before and what comes. */
void rtt_record_note(struct rtt_record *record, uint32_t what, uint64_t value);

#endif
