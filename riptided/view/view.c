#include "riptided/view/view.h"

#include <stdio.h>
#include <stdlib.h>

#include "libcommon/base/invariant.h"
#include "libcommon/daemon/log.h"

/* -- the tables of a manifest -- */

static struct rtd_table_set *
set_new(const struct rt_manifest *manifest, struct rtd_table_cache *cache)
{
	struct rtd_table_set *set = rt_alloc_zero(1, sizeof(*set));
	struct rtd_key_range *range;
	struct rtd_table **at;

	atomic_init(&set->refs, 1);
	set->cache = cache;
	set->manifest = rt_manifest_ref(manifest);
	for (size_t i = 0; i < manifest->runs_count; i++)
		set->tables_count += manifest->runs[i].tables_count;
	set->runs = rt_alloc_zero(manifest->runs_count + 1,
	    sizeof(set->runs[0]));
	at = set->tables = rt_alloc_zero(set->tables_count + 1,
	    sizeof(set->tables[0]));
	range = set->ranges = rt_alloc_zero(set->tables_count + 1,
	    sizeof(set->ranges[0]));
	for (size_t i = 0; i < manifest->runs_count; i++) {
		const struct rt_manifest_run *run = &manifest->runs[i];

		set->runs[i].run = run;
		set->runs[i].tables = at;
		set->runs[i].ranges = range;
		for (size_t j = 0; j < run->tables_count; j++) {
			*range++ = rtd_key_range(&run->tables[j]);
			*at++ = rtd_table_cache_acquire(cache, &run->tables[j],
			    run->level);
		}
	}
	return set;
}

static struct rtd_table_set *
set_ref(struct rtd_table_set *set)
{
	atomic_fetch_add_explicit(&set->refs, 1, memory_order_relaxed);
	return set;
}

static void
set_unref(struct rtd_table_set *set)
{
	if (atomic_fetch_sub_explicit(&set->refs, 1, memory_order_acq_rel) != 1)
		return;
	rtd_table_cache_release(set->cache, set->tables, set->tables_count);
	free(set->tables);
	free(set->ranges);
	free(set->runs);
	rt_manifest_unref(set->manifest);
	free(set);
}

/* *room: the budget has some for tables that nobody asked for yet. A table
 * that cannot be opened for now is told in err, with RT_OK. */
static enum rt_code
look_at(struct rtd_table *table, bool *room, struct rt_err *err)
{
	enum rt_code code = RT_OK;

	if (*room)
		code = rtd_table_warm(table, room, err);
	if (code == RT_OK && !*room)
		code = rtd_table_check(table, err);
	return code == RT_EDAMAGED || code == RT_EFORMAT ? code : RT_OK;
}

/* Tables that are not what the manifest says. */
struct bad_tables {
	size_t count;
	struct rt_err first;
	char texts[320];
	size_t texts_len;
};

static void
note_bad(struct bad_tables *bad, const struct rt_err *why)
{
	size_t room = sizeof(bad->texts) - bad->texts_len;
	int len;

	rt_log(RT_LOG_WARNING, "tables", "table is not what the manifest says",
	    "error=\"%s\"", why->text);
	if (bad->count++ == 0)
		bad->first = *why;
	len = snprintf(bad->texts + bad->texts_len, room, "%s%s",
	    bad->texts_len != 0 ? "; " : "", why->text);
	/* One that does not fit is in the log alone. */
	if (len > 0 && (size_t)len < room)
		bad->texts_len += (size_t)len;
	bad->texts[bad->texts_len] = '\0';
}

static enum rt_code
look_at_new(struct rtd_table_set *set, struct rt_err *err)
{
	struct bad_tables bad = { .count = 0 };
	bool room = true;

	for (size_t i = 0; i < set->tables_count; i++) {
		struct rt_err why = { .code = RT_OK };
		enum rt_code code;

		if (rtd_table_is_checked(set->tables[i]))
			continue;
		code = look_at(set->tables[i], &room, &why);
		if (code != RT_OK) {
			note_bad(&bad, &why);
			continue;
		}
		if (why.code != RT_OK && err != NULL)
			*err = why;
		rtd_table_note_checked(set->tables[i]);
	}
	if (bad.count <= 1) {
		if (bad.count == 1 && err != NULL)
			*err = bad.first;
		return bad.first.code;
	}
	return rt_err_set(err, bad.first.code,
	    "%zu of %zu tables are not what the manifest says: %s", bad.count,
	    set->tables_count, bad.texts);
}

/* -- views -- */

/* The set's reference becomes the view's. */
static struct rtd_view *
view_new(struct rtd_memtable *const *memtables, size_t memtables_count,
    struct rtd_table_set *set)
{
	struct rtd_view *view = rt_alloc_zero(1, sizeof(*view));

	rt_assert(memtables_count >= 1 &&
	    memtables_count <= RT_COUNTOF(view->memtables));
	atomic_init(&view->refs, 1);
	view->memtables_count = memtables_count;
	for (size_t i = 0; i < memtables_count; i++)
		view->memtables[i] = rtd_memtable_ref(memtables[i]);
	view->set = set;
	view->manifest = set->manifest;
	view->runs = set->runs;
	view->runs_count = set->manifest->runs_count;
	return view;
}

enum rt_code
rtd_view_new(struct rtd_view **out, struct rtd_memtable *const *memtables,
    size_t memtables_count, const struct rt_manifest *manifest,
    struct rtd_table_cache *cache, struct rt_err *err)
{
	struct rtd_table_set *set = set_new(manifest, cache);
	enum rt_code code = look_at_new(set, err);

	if (code != RT_OK) {
		set_unref(set);
		return code;
	}
	*out = view_new(memtables, memtables_count, set);
	return RT_OK;
}

struct rtd_view *
rtd_view_with_memtables(const struct rtd_view *like,
    struct rtd_memtable *const *memtables, size_t memtables_count)
{
	return view_new(memtables, memtables_count, set_ref(like->set));
}

struct rtd_view *
rtd_view_ref(struct rtd_view *view)
{
	atomic_fetch_add_explicit(&view->refs, 1, memory_order_relaxed);
	return view;
}

void
rtd_view_unref(struct rtd_view *view)
{
	if (view == NULL || atomic_fetch_sub_explicit(&view->refs, 1,
		memory_order_acq_rel) != 1)
		return;
	set_unref(view->set);
	for (size_t i = 0; i < view->memtables_count; i++)
		rtd_memtable_unref(view->memtables[i]);
	free(view);
}
