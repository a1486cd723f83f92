/* logs: what the tests of the write-ahead log share: a log in a scratch
 * directory whose payloads follow from their sequences, a replay that checks
 * them, and a file system that fails, waits or forgets. */
#ifndef TESTS_UNIT_RIPTIDED_WAL_LOGS_H
#define TESTS_UNIT_RIPTIDED_WAL_LOGS_H

#include <stdatomic.h>

#include "libcommon/os/mutex.h"
#include "riptided/wal/wal.h"
#include "riptided/wal/wal_reader.h"
#include "tests/support/scratch_dir.h"

extern const uint8_t rtt_uuid[16];

/* Bytes of the payload of the record that begins with seq. */
size_t rtt_payload_bytes(uint64_t seq);

/* Options for a log in that directory, policy no, 64 KiB segments. */
struct rtd_wal_options rtt_wal_options(struct rt_fs *fs, int dir);

/* Open the log after what the replay found; fails the test on error. */
struct rtd_wal *rtt_wal_reopen(struct rt_fs *fs, int dir,
    const struct rtd_wal_replay *replay, enum rt_appendfsync policy);

/* Append without handing over to the file. */
void rtt_wal_add(struct rtd_wal *wal, uint64_t seq, unsigned records);
/* Append records of one sequence each, from seq on, and write them. Returns
 * the last sequence. */
uint64_t rtt_wal_put(struct rtd_wal *wal, uint64_t seq, unsigned records);

/* The same, with the middle of each payload in a bulk. */
uint64_t rtt_wal_put_inlaid(struct rtd_wal *wal, uint64_t seq,
    unsigned records);

/* Replay; every record must have its payload and follow the one before. */
void rtt_replay_init(struct rtd_wal_replay *replay, struct rt_fs *fs, int dir);
enum rt_code rtt_replay(struct rtd_wal_replay *replay, struct rt_err *err);

/* Wait until the durable or written sequence is there, or the log failed. */
void rtt_wait_durable(struct rtd_wal *wal, uint64_t seq);
void rtt_wait_written(struct rtd_wal *wal, uint64_t seq);

/* Whole files of wal/, for damage. */
struct rt_buf rtt_read(int dir, uint64_t segment);
void rtt_write(int dir, uint64_t segment, const struct rt_buf *bytes);

/* A file system in front of the real one. */
struct rtt_fs {
	struct rt_fs table;
	_Atomic int64_t calls;		/* that may fail, so far */
	_Atomic int64_t fail_at;	/* it and all later ones; 0: none */
	_Atomic int fail_errno;
	struct rt_mutex mu;
	struct rt_cond cond;
	bool hold_syncs;		/* fdatasync waits */
	unsigned syncs_waiting;
	uint64_t writes_while_held;
};

void rtt_fs_init(struct rtt_fs *fs);
void rtt_fs_fini(struct rtt_fs *fs);
void rtt_fs_hold_syncs(struct rtt_fs *fs, bool hold);
void rtt_fs_wait_for_sync(struct rtt_fs *fs);

#endif
