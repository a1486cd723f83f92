/* store: one interface for our engine and the stores that stand beside it.
 *
 * Nothing here returns an error: a figure after an error means nothing, so the
 * process says why and ends. Every measurement runs in a process of its own.
 * Thread: one writes, flushes, compacts and closes; each reader belongs to one
 * thread, and may read beside the writer. */
#ifndef BENCH_STORE_H
#define BENCH_STORE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "libcommon/base/slice.h"

/* The settings that all of them get, and no others. */
#define RTB_WRITE_BUFFER_BYTES (UINT64_C(64) << 20)
#define RTB_WRITE_BUFFERS 4
#define RTB_BLOOM_BITS 10

struct rtb_store_options {
	const char *dir;		/* missing or empty, or a store of it */
	const char *compression;	/* none, snappy, lz4, zstd */
	unsigned compaction_threads;
	uint64_t cache_bytes;	/* of blocks */
	const char *compactor;	/* ours: the program, or NULL for no merging */
	unsigned turn;		/* writes that are handed to the log together */
	bool durable;		/* a write is on the disk before put returns */
	bool merging;		/* merge in the background, as in service */
};

struct rtb_store;
struct rtb_reader;

struct rtb_store_ops {
	const char *name;
	const char *log_dir;	/* below the store's; NULL: none of its own */
	struct rtb_store *(*open)(const struct rtb_store_options *options);
	/* The log is in the file and the memtables stay unflushed where the
	 * store can end so. */
	void (*close)(struct rtb_store *store);
	void (*put)(struct rtb_store *store, struct rt_slice key,
	    struct rt_slice value);
	void (*remove)(struct rtb_store *store, struct rt_slice key);
	/* Hand over what an unfinished turn has gathered. */
	void (*end_turn)(struct rtb_store *store);
	/* Memory to tables; returns when done. */
	void (*flush)(struct rtb_store *store);
	/* Everything into the last level; returns when done. */
	void (*compact)(struct rtb_store *store);
	/* Whether nothing is to be flushed or merged, as far as the store can
	 * tell: true when it cannot. */
	bool (*rests)(struct rtb_store *store);
	/* Bytes that other processes wrote for the store so far. */
	uint64_t (*helper_bytes)(struct rtb_store *store);
	/* Processor time that other processes took for the last compact(). */
	uint64_t (*helper_ns)(struct rtb_store *store);
	/* The process that merges, or 0 when it is our own. */
	pid_t (*helper)(struct rtb_store *store);

	struct rtb_reader *(*reader_new)(struct rtb_store *store);
	void (*reader_free)(struct rtb_reader *reader);
	/* Whether the key is there; the length of its value is added to
	 * *bytes. */
	bool (*get)(struct rtb_reader *reader, struct rt_slice key,
	    uint64_t *bytes);
	/* With an iterator of its own, look at up to count entries from the
	 * first key at or after `from` (empty: from the start). Returns how
	 * many there were; their keys' and values' lengths are added to
	 * *bytes. */
	uint64_t (*scan)(struct rtb_reader *reader, struct rt_slice from,
	    uint64_t count, uint64_t *bytes);
};

/* Embedded first by each kind. */
struct rtb_store {
	const struct rtb_store_ops *ops;
};

struct rtb_reader {
	const struct rtb_store_ops *ops;
};

extern const struct rtb_store_ops rtb_store_riptide;
/* These exist only where configure found the libraries: see rtb_peers. */
extern const struct rtb_store_ops rtb_store_rocksdb;
extern const struct rtb_store_ops rtb_store_leveldb;

/* The peers that this program was built with; ends with NULL. */
extern const struct rtb_store_ops *const rtb_peers[];

/* Wait until the store has nothing left to merge and its processes have been
 * idle for a while; ten minutes at most. */
void rtb_store_settle(struct rtb_store *store);
/* Bytes that this process and the store's helpers have written to files. */
uint64_t rtb_store_written(struct rtb_store *store);

#endif
