/* play: a life of the engine in this process, with an oracle beside it.
 *
 * The oracle is the list of all contents the database ever had, one for each
 * batch that the engine took, in order, and a mark at the last one that was
 * acked. Whatever happens, a later start must find one of them, at the mark or
 * behind: so what was acked is there, nothing is missing before something that
 * is there, batches are whole and what was deleted stays deleted. It lies in
 * memory that is shared with child processes and outlives them.
 *
 * Thread: the one that plays the loop. */
#ifndef TESTS_FAULT_PLAY_H
#define TESTS_FAULT_PLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "riptided/engine/engine.h"
#include "riptided/engine/snapshots.h"

#define RTT_PLAY_KEYS 12u
#define RTT_PLAY_DATABASES 2u
#define RTT_PLAY_HISTORY_MAX 4096u

/* State 0 of a key is absence; state n a value made from n. */
struct rtt_contents {
	unsigned keys[RTT_PLAY_DATABASES][RTT_PLAY_KEYS];
};

struct rtt_history {
	size_t count;		/* contents[0] is the empty database */
	size_t acked;		/* index */
	size_t flushed;		/* index; all up to there is in tables */
	unsigned state;		/* the last one given to a key */
	struct rtt_contents contents[RTT_PLAY_HISTORY_MAX];
};

struct rtt_play {
	struct rt_config config;
	struct rt_fs *fs;
	struct rtd_engine *engine;	/* NULL: closed */
	struct rtd_reader *reader;
	struct rtd_write_batch batch;	/* being made */
	struct rtt_contents after;	/* what it will make of the last one */
	struct rtt_history *history;
	bool settled;			/* it is known which contents it has */
	size_t value_bytes;		/* of values, about */
	const char *story;		/* for failures: what is played */
};

/* Print the story and what went wrong, then end the process: a child, which
 * must not run what its parent registered. */
void rtt_play_fail(const struct rtt_play *play, const char *fmt, ...)
    RT_PRINTF(2, 3) RT_NORETURN;

/* Shared memory with an empty history; freed with munmap. */
struct rtt_history *rtt_history_new(void);

void rtt_play_init(struct rtt_play *play, struct rt_fs *fs, const char *dir,
    struct rtt_history *history);
void rtt_play_fini(struct rtt_play *play);

enum rt_code rtt_play_open(struct rtt_play *play, struct rt_err *err);
/* A close that succeeds vouches for everything taken, or found, so far. */
enum rt_code rtt_play_close(struct rtt_play *play, struct rt_err *err);

/* Add to the batch. */
void rtt_play_put(struct rtt_play *play, unsigned database, unsigned key);
void rtt_play_delete(struct rtt_play *play, unsigned database, unsigned key);
void rtt_play_drop(struct rtt_play *play, unsigned database);
/* Alone in its batch: what follows it would name the keyspaces of before. */
void rtt_play_swap(struct rtt_play *play);
/* Write the batch, and wait until it is acked or will not be. True: acked. */
bool rtt_play_write(struct rtt_play *play);
/* One put, written. */
bool rtt_play_set(struct rtt_play *play, unsigned database, unsigned key);

/* Ask for a flush and wait until it is done or has failed. */
bool rtt_play_flush(struct rtt_play *play);

/* The compactor's own code, on this thread, until nothing is due; full: until
 * all is merged down. What it cannot do it leaves. */
void rtt_play_compact(struct rtt_play *play, struct rt_fs *fs, bool full);

/* How many keys could not be read; what could be read must be as written. */
unsigned rtt_play_read(struct rtt_play *play, const struct rtd_snapshot *of,
    const struct rtt_contents *expected);
/* The same with iterators and with the reads that do not wait. */
unsigned rtt_play_scan(struct rtt_play *play,
    const struct rtt_contents *expected);
unsigned rtt_play_read_all(struct rtt_play *play);

/* After a start: find out which of the possible contents there are. False: not
 * everything can be read. */
bool rtt_play_try_settle(struct rtt_play *play);

/* The same where everything can be read, from at_least on. The contents are one of the history that may be; all
 * after it are forgotten. Returns its index. */
size_t rtt_play_settle(struct rtt_play *play, size_t at_least);

/* After a start on damaged files: what can be read is one of the possible
 * contents, from at_least on; *at is the last that it may be. Returns how many
 * reads failed. */
unsigned rtt_play_look(struct rtt_play *play, size_t at_least, size_t *at);

const struct rtt_contents *rtt_play_latest(const struct rtt_play *play);

#endif
