/* memory: how one budget, memory-limit, is shared out. The rules, in one place:
 *
 *	reserve		1/16	what malloc rounds up, the log's pending bytes
 *	memtables	1/4	all of them, indexes and unused chunks included
 *	clients		1/8	queries, arguments under way, replies not yet sent
 *	tables + cache	9/16	filters and indexes of open tables take what they
 *				need, up to 1/4; the block cache gets the rest
 *
 * So the cache yields first, to tables; tables above their part are closed;
 * memtables are made smaller than memtable-size when they would not fit; and
 * clients above their part are not read from until it is free again. Writes
 * wait for a flush when memtables hold more than their part. Nothing is evicted
 * as a Redis with maxmemory evicts: all data is on disk.
 *
 * Without a limit memtable-size, memtable-max-count and block-cache-size hold
 * as they are. With one, memtable-size and block-cache-size are upper bounds of
 * what the limit allows, block-cache-size only when it is not the default.
 * Thread: any. */
#ifndef RIPTIDED_ENGINE_MEMORY_H
#define RIPTIDED_ENGINE_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

#include "libcommon/daemon/config.h"

#define RTD_MEMORY_LIMIT_MIN (UINT64_C(64) << 20)

/* Bytes; UINT64_MAX: no bound. */
struct rtd_memory_shares {
	uint64_t limit;		/* 0: none */
	uint64_t memtable;	/* one memtable's entries */
	uint64_t memtables;	/* entries of all, before writes wait */
	uint64_t tables;	/* filters and indexes of open tables */
	uint64_t blocks;	/* of the block cache, by itself */
	uint64_t tables_and_blocks;	/* both together */
	uint64_t clients;
	uint64_t argument;	/* the largest of a command */
	uint64_t spares;	/* memtables kept for reuse */
};

/* How memory-limit, or its absence, is divided. */
void rtd_memory_shares(const struct rt_config *config,
    struct rtd_memory_shares *out);

/* How many tables may be open: the process's limit of files without what
 * clients, the log and others need. At least RTD_OPEN_TABLES_MIN. clients: the
 * highest number of connections. */
#define RTD_OPEN_TABLES_MIN 16
#define RTD_OTHER_FILES 128
/* How many tables may be open when so many files may be, and so many clients.
 * */
uint64_t rtd_memory_open_tables(uint64_t files, uint64_t clients);

#endif
