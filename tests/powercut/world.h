/* world: a recorded disk with a daemon's engine, a compactor now and then, a
 * clock that stands until it is turned, and what was written and promised.
 *
 * Every verb is a step of a script. After a step that failed all others do
 * nothing, and `failure` says what happened. Thread: one, the script's. */
#ifndef TESTS_POWERCUT_WORLD_H
#define TESTS_POWERCUT_WORLD_H

#include "libcommon/daemon/config.h"
#include "tests/powercut/cuts.h"
#include "tests/powercut/history.h"
#include "tests/support/scratch_dir.h"

/* Kinds of notes in the record. */
enum rtt_note {
	RTT_NOTE_BEGUN,		/* the last moment that may be on the disk */
	RTT_NOTE_KEPT,		/* the last that must survive */
	RTT_NOTE_WALL_MS,
	RTT_NOTE_CHECKPOINTS,	/* a bit for each that was made */
};

#define RTT_CHECKPOINTS_MAX 8

struct rtt_clock {
	struct rt_clock base;
	_Atomic uint64_t now_ns;
	_Atomic uint64_t boot;
};

void rtt_clock_init(struct rtt_clock *clock);

struct rtt_world {
	struct rtt_scratch scratch;	/* outside: only for its events */
	struct rt_config config;
	struct rtt_clock clock;
	struct rtt_disk disk;
	struct rtt_record record;
	struct rtt_cuts start;		/* before anything happened */
	struct rtt_process **processes;	/* all there ever were */
	size_t processes_count;
	struct rtd_engine *engine;	/* NULL: not running */
	struct rtd_reader *reader;
	struct rtt_contents contents;	/* after the last write */
	struct rt_mutex mu;
	struct rtt_history history;	/* RT_GUARDED_BY(mu) */
	size_t kept;			/* RT_GUARDED_BY(mu) */
	struct rtd_engine *told;	/* RT_GUARDED_BY(mu): that has opened */
	bool keeps_compactor_waiting;
	bool may_refuse;		/* writes */
	/* Of each checkpoint that was begun, what is in it. */
	size_t checkpoints[RTT_CHECKPOINTS_MAX];
	size_t checkpoints_count;
	uint64_t checkpoints_made;	/* bits */
	/* The next start is of a process that dies at this call of it that
	 * changes something; 0: it does not. */
	long dies_at;
	char failure[400];
};

/* A world without a database. namer, without: as in record_fs.h. */
void rtt_world_init(struct rtt_world *world, enum rt_appendfsync policy,
    struct rtt_namer *namer, const char *without);
/* The engine must have stopped. The record and the history stay readable until
 * rtt_world_fini(). */
void rtt_world_fini(struct rtt_world *world);
bool rtt_world_failed(const struct rtt_world *world);

/* -- the daemon's life -- */
void rtt_start(struct rtt_world *world);
void rtt_stop(struct rtt_world *world);
/* kill -9: the disk, as the kernel shows it, stays. */
void rtt_kill(struct rtt_world *world);
/* The n-th sync of a file from now on fails. */
void rtt_fail_sync(struct rtt_world *world, long syncs);

/* -- writes; none waits -- */
void rtt_put(struct rtt_world *world, unsigned database, unsigned key,
    uint32_t len);
void rtt_put_expiring(struct rtt_world *world, unsigned database, unsigned key,
    uint32_t len, uint64_t after_ms);
void rtt_delete(struct rtt_world *world, unsigned database, unsigned key);
/* Keys from first on, one command. */
void rtt_put_many(struct rtt_world *world, unsigned database, unsigned first,
    unsigned count, uint32_t len);
void rtt_delete_many(struct rtt_world *world, unsigned database,
    unsigned first, unsigned count);
void rtt_swap(struct rtt_world *world);
void rtt_drop(struct rtt_world *world, unsigned database);

/* -- and the rest -- */
/* Until the last write is acknowledged. */
void rtt_wait(struct rtt_world *world);
/* Freeze the memtable; its flush goes on meanwhile. */
void rtt_rotate(struct rtt_world *world);
void rtt_flush(struct rtt_world *world);
/* The clock goes on, and everybody looks at it. */
void rtt_tick(struct rtt_world *world, uint64_t ms);
/* A compactor runs until nothing is due. die_at: at its n-th change it is
 * killed; 0: it is not. */
void rtt_compact(struct rtt_world *world, bool full, long die_at);
/* Make one of what there is now. It has the name that rtt_checkpoint_name()
 * gives to its number. */
void rtt_checkpoint(struct rtt_world *world);
char *rtt_checkpoint_name(char out[RT_PATH_NAME_BYTES], size_t number);
/* Until writes are taken, after a failure of the log. */
void rtt_wait_again(struct rtt_world *world);
/* Until the engine has taken over what is published, and unlinked what is
 * obsolete. */
void rtt_settle(struct rtt_world *world);

#endif
