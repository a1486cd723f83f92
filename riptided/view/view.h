/* view: the memtables and tables one read sees. Immutable but for the active
 * memtable, which only grows; counted. A read pins a view first and takes its
 * sequence after (I11 in docs/manifest-protocol.md).
 * Path: engine > [view] > memtable. Thread: any. */
#ifndef RIPTIDED_VIEW_VIEW_H
#define RIPTIDED_VIEW_VIEW_H

#include "libcommon/manifest/manifest.h"
#include "libcommon/table/table_reader.h"
#include "riptided/memtable/memtable.h"
#include "riptided/view/key_range.h"
#include "riptided/view/table_cache.h"

#define RTD_MEMTABLES_MAX 64	/* memtable-max-count's highest */

/* A run with its tables, in the manifest's order. */
struct rtd_view_run {
	const struct rt_manifest_run *run;
	struct rtd_table **tables;
	const struct rtd_key_range *ranges;	/* of its tables */
};

/* The tables of a manifest. Counted: views that differ in their memtables
 * share it. */
struct rtd_table_set {
	_Atomic unsigned refs;
	struct rtd_table_cache *cache;
	const struct rt_manifest *manifest;
	struct rtd_view_run *runs;	/* newest to oldest */
	struct rtd_table **tables;	/* all, which the runs point into */
	struct rtd_key_range *ranges;	/* of the tables; likewise */
	size_t tables_count;
};

struct rtd_view {
	_Atomic unsigned refs;
	/* memtables[0] takes writes; the frozen ones follow, newest first. */
	struct rtd_memtable *memtables[RTD_MEMTABLES_MAX + 1];
	size_t memtables_count;
	struct rtd_table_set *set;
	/* Those of the set, for who reads. */
	const struct rt_manifest *manifest;
	const struct rtd_view_run *runs;
	size_t runs_count;
};

/* A view of these memtables (references are taken) and all tables of the
 * manifest (a reference is taken). Tables that no view had before are looked
 * at: within the cache's budget they are opened, newest run first, and beyond
 * it the file must be there with its size and footer. RT_EDAMAGED, RT_EFORMAT:
 * some of them are not what the manifest says; each is in the log, and err
 * names as many as it has room for. A table that cannot be opened for
 * another reason stays closed, and is tried again by the reads that want it:
 * RT_OK, and err, zeroed before, tells. */
RT_MUST_USE enum rt_code rtd_view_new(struct rtd_view **out,
    struct rtd_memtable *const *memtables, size_t memtables_count,
    const struct rt_manifest *manifest, struct rtd_table_cache *cache,
    struct rt_err *err);

/* The tables of `like` with other memtables; opens nothing, cannot fail. */
struct rtd_view *rtd_view_with_memtables(const struct rtd_view *like,
    struct rtd_memtable *const *memtables, size_t memtables_count);

/* One more owner. Thread: any. */
struct rtd_view *rtd_view_ref(struct rtd_view *view);
/* NULL is accepted. */
void rtd_view_unref(struct rtd_view *view);

/* A version found: by a pointer into a memtable, or in a table. */
struct rtd_view_found {
	uint64_t seq;		/* 0: nothing */
	enum rt_entry_type type;
	struct rt_slice value;	/* stored value */
	struct rt_bulk *bulk;	/* that it lies in, the memtable's; or NULL */
	struct rt_table_found table;
};

/* The newest version of the store key with a sequence <= read_seq. A version at
 * or below drop_seq counts as not there (RT_ENOTFOUND). flags: RT_TABLE_*. The
 * caller has entered an epoch of the tables.
 * On RT_OK found->table needs rt_table_found_fini(). */
RT_MUST_USE enum rt_code rtd_view_get(const struct rtd_view *view,
    struct rt_slice key, uint64_t read_seq, uint64_t drop_seq, unsigned flags,
    struct rtd_view_found *found, struct rt_err *err);

#define RTD_VIEW_QUERIES_MAX 64

struct rtd_view_query {
	struct rt_slice key;		/* store key */
	/* Set by rtd_view_get_many(). */
	enum rt_code code;		/* as of rtd_view_get() */
	uint64_t hash;
	struct rtd_view_found found;
};

/* rtd_view_get() of up to RTD_VIEW_QUERIES_MAX keys, overlapping what it takes
 * to load them from memory. err: of one of those that could not be read. */
void rtd_view_get_many(const struct rtd_view *view,
    struct rtd_view_query *queries, size_t count, uint64_t read_seq,
    uint64_t drop_seq, unsigned flags, struct rt_err *err);

#endif
