/* table_cache: the tables that views have, each once, and which of them are
 * open. A handle (struct rtd_table) is light: what the manifest says, and the
 * reader while there is one. Readers (file descriptor, index, filter) are
 * opened when a read needs them and closed by a clock when their memory or
 * their number is above the budget.
 *
 * T1 A handle lives as long as a view has it. The file of a handle is never
 *    unlinked, so that a table that was closed can be opened again.
 * T2 A reader that was closed is freed when no thread can be looking at it:
 *    who looks without a reference has entered an epoch (epoch.h).
 * T3 A table that cannot be opened is an error of that read, never absence,
 *    and the next read tries again.
 * Thread: any. */
#ifndef RIPTIDED_VIEW_TABLE_CACHE_H
#define RIPTIDED_VIEW_TABLE_CACHE_H

#include "libcommon/manifest/manifest.h"
#include "libcommon/table/table_reader.h"
#include "riptided/view/epoch.h"

struct rtd_table_cache;

/* How often the clock passes an open table by before it closes it. */
#define RTD_TABLE_CHANCES 1
#define RTD_TABLE_CHANCES_LEVEL0 3

/* Its members are table_cache's own. */
struct rtd_table {
	struct rt_table_reader *_Atomic reader;	/* NULL: closed */
	/* What a look at it raises `chances` to, and what is left. */
	_Atomic uint8_t chances_max, chances;
	_Atomic bool checked;		/* the file was found to be right */
	bool opening;			/* this and below: the cache's mutex */
	uint32_t refs;			/* sets of tables that have it */
	size_t memory;			/* of the open reader */
	struct rtd_table *chain;	/* in its bucket */
	struct rtd_table *prev, *next;	/* in the ring of open ones */
	struct rtd_table_cache *cache;
	struct rt_file_id id;
	uint64_t size;
	uint64_t unique_id;
};

/* dir: the open sst/ directory; blocks: the block cache. Both outlive it. No
 * budget at first: rtd_table_cache_set_budget(). */
struct rtd_table_cache *rtd_table_cache_new(struct rt_fs *fs, int dir,
    struct rt_block_cache *blocks, const uint8_t *database_uuid);
/* No handle and no epoch may be left. NULL is accepted. */
void rtd_table_cache_free(struct rtd_table_cache *cache);

/* What open tables and the block cache may take; UINT64_MAX: no bound. */
struct rtd_table_budget {
	uint64_t open;		/* tables */
	uint64_t bytes;		/* of their readers */
	uint64_t blocks;	/* bytes of the block cache */
	uint64_t both;		/* bytes together: the block cache yields */
};

/* Closes what is above. One table may always be open, whatever its size. */
void rtd_table_cache_set_budget(struct rtd_table_cache *cache,
    const struct rtd_table_budget *budget);

/* The handle of a table that a run of this level has; a reference. */
struct rtd_table *rtd_table_cache_acquire(struct rtd_table_cache *cache,
    const struct rt_manifest_table *table, uint32_t level);
/* Give handles back. */
void rtd_table_cache_release(struct rtd_table_cache *cache,
    struct rtd_table *const *tables, size_t count);
/* True while some view has the table. */
bool rtd_table_cache_has(struct rtd_table_cache *cache, struct rt_file_id id);

/* What is looked at when a view first gets the table, is noted by the looker.
 * (Each opening checks the file anew.) */
static inline bool
rtd_table_is_checked(const struct rtd_table *table)
{
	return atomic_load_explicit(&table->checked, memory_order_relaxed);
}

/* All of it has been read and was right. */
static inline void
rtd_table_note_checked(struct rtd_table *table)
{
	atomic_store_explicit(&table->checked, true, memory_order_relaxed);
}

/* Is the file there, with its size and the footer of this table? RT_EDAMAGED
 * when not. It does not stay open. */
RT_MUST_USE enum rt_code rtd_table_check(struct rtd_table *table,
    struct rt_err *err);
/* Open the table if the budget has room without closing another. *room: it
 * has. */
RT_MUST_USE enum rt_code rtd_table_warm(struct rtd_table *table, bool *room,
    struct rt_err *err);

/* The reader if it is open, else NULL. The caller has entered an epoch, which
 * protects it. */
static inline struct rt_table_reader *
rtd_table_peek(struct rtd_table *table)
{
	uint8_t chances = atomic_load_explicit(&table->chances_max,
	    memory_order_relaxed);

	/* Looked at first: the line of a hot table is only read. */
	if (RT_UNLIKELY(atomic_load_explicit(&table->chances,
		memory_order_relaxed) != chances))
		atomic_store_explicit(&table->chances, chances,
		    memory_order_relaxed);
	return atomic_load(&table->reader);
}

/* The reader, opened and checked against the manifest if need be. The caller
 * has entered an epoch. flags: with RT_TABLE_NOWAIT a table that is closed
 * gives RT_EAGAIN. Else the errors of rt_table_reader_open(); a file that is
 * missing is RT_EDAMAGED. */
RT_MUST_USE enum rt_code rtd_table_open(struct rtd_table *table, unsigned flags,
    struct rt_table_reader **out, struct rt_err *err);
/* The same with a reference for the caller, who needs no epoch. */
RT_MUST_USE enum rt_code rtd_table_ref(struct rtd_table *table, unsigned flags,
    struct rt_table_reader **out, struct rt_err *err);

/* Those whose readers are looked at without a reference join here. */
struct rtd_epochs *rtd_table_cache_epochs(struct rtd_table_cache *cache);
/* Free what was closed and nobody looks at any more; cheap when there is
 * nothing. True when something was freed. */
bool rtd_table_cache_reclaim(struct rtd_table_cache *cache);

struct rtd_table_cache_stats {
	uint64_t tables;	/* handles */
	uint64_t open;
	uint64_t retired;	/* closed, but somebody may look */
	uint64_t bytes;		/* of open and retired ones */
	struct rtd_table_budget budget;
	uint64_t opened, closed;	/* how often; closed by the budget */
	uint64_t filters_damaged;
};

/* Figures since it was made. Thread: any. */
void rtd_table_cache_get_stats(struct rtd_table_cache *cache,
    struct rtd_table_cache_stats *out);

#endif
