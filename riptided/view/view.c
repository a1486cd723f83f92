#include "riptided/view/view.h"

#include <stdlib.h>
#include <string.h>

#include "libcommon/base/hash.h"
#include "libcommon/base/invariant.h"

void
rtd_view_set_init(struct rtd_view_set *set)
{
	rt_mutex_init(&set->mu);
	set->first = NULL;
}

void
rtd_view_set_fini(struct rtd_view_set *set)
{
	rt_assert(set->first == NULL);
	rt_mutex_fini(&set->mu);
}

static void
set_add(struct rtd_view_set *set, struct rtd_view *view)
{
	rt_mutex_lock(&set->mu);
	view->set = set;
	view->next = set->first;
	if (set->first != NULL)
		set->first->prev = view;
	set->first = view;
	rt_mutex_unlock(&set->mu);
}

static void
set_remove(struct rtd_view *view)
{
	struct rtd_view_set *set = view->set;

	rt_mutex_lock(&set->mu);
	if (view->prev != NULL)
		view->prev->next = view->next;
	else
		set->first = view->next;
	if (view->next != NULL)
		view->next->prev = view->prev;
	rt_mutex_unlock(&set->mu);
}

bool
rtd_view_set_pins(struct rtd_view_set *set, struct rt_file_id id)
{
	bool pins = false;

	rt_mutex_lock(&set->mu);
	for (struct rtd_view *view = set->first; view != NULL && !pins;
	    view = view->next)
		pins = rt_manifest_find(view->manifest, id, NULL) != NULL;
	rt_mutex_unlock(&set->mu);
	return pins;
}

static struct rtd_view *
view_new(struct rtd_memtable *const *memtables, size_t memtables_count,
    const struct rt_manifest *manifest)
{
	struct rtd_view *view = rt_alloc_zero(1, sizeof(*view));

	rt_assert(memtables_count >= 1 &&
	    memtables_count <= RT_COUNTOF(view->memtables));
	atomic_init(&view->refs, 1);
	view->memtables_count = memtables_count;
	for (size_t i = 0; i < memtables_count; i++)
		view->memtables[i] = rtd_memtable_ref(memtables[i]);
	view->manifest = rt_manifest_ref(manifest);
	view->runs_count = manifest->runs_count;
	view->runs = rt_alloc_zero(view->runs_count, sizeof(view->runs[0]));
	for (size_t i = 0; i < view->runs_count; i++) {
		view->runs[i].run = &manifest->runs[i];
		view->runs[i].readers =
		    rt_alloc_zero(manifest->runs[i].tables_count,
			sizeof(view->runs[i].readers[0]));
	}
	return view;
}

static void
view_free(struct rtd_view *view)
{
	for (size_t i = 0; i < view->runs_count; i++) {
		for (size_t j = 0; j < view->runs[i].run->tables_count; j++)
			rt_table_reader_unref(view->runs[i].readers[j]);
		free(view->runs[i].readers);
	}
	free(view->runs);
	rt_manifest_unref(view->manifest);
	for (size_t i = 0; i < view->memtables_count; i++)
		rtd_memtable_unref(view->memtables[i]);
	free(view);
}

enum rt_code
rtd_view_new(struct rtd_view **out, struct rtd_view_set *set,
    struct rtd_memtable *const *memtables, size_t memtables_count,
    const struct rt_manifest *manifest, struct rtd_table_cache *cache,
    struct rt_err *err)
{
	struct rtd_view *view = view_new(memtables, memtables_count, manifest);

	for (size_t i = 0; i < view->runs_count; i++) {
		const struct rt_manifest_run *run = view->runs[i].run;

		for (size_t j = 0; j < run->tables_count; j++) {
			enum rt_code code = rtd_table_cache_get(cache,
			    &run->tables[j], &view->runs[i].readers[j], err);

			if (code != RT_OK) {
				view_free(view);
				return code;
			}
		}
	}
	set_add(set, view);
	*out = view;
	return RT_OK;
}

struct rtd_view *
rtd_view_with_memtables(const struct rtd_view *like,
    struct rtd_memtable *const *memtables, size_t memtables_count)
{
	struct rtd_view *view =
	    view_new(memtables, memtables_count, like->manifest);

	for (size_t i = 0; i < view->runs_count; i++)
		for (size_t j = 0; j < view->runs[i].run->tables_count; j++)
			view->runs[i].readers[j] =
			    rt_table_reader_ref(like->runs[i].readers[j]);
	set_add(like->set, view);
	return view;
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
	set_remove(view);
	view_free(view);
}

/* The table of the run whose key range holds the key, or the run's count. */
static size_t
table_of(const struct rt_manifest_run *run, struct rt_slice key)
{
	size_t low = 0, high = run->tables_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (rt_slice_compare(run->tables[middle].largest, key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < run->tables_count &&
	    rt_slice_compare(run->tables[low].smallest, key) > 0)
		return run->tables_count;
	return low;
}

/* Where a run may hold the key. */
struct place {
	const struct rtd_view_run *run;
	size_t table;
};

#define PLACES_AT_ONCE 16

static enum rt_code
get_from_place(const struct place *place, struct rt_slice key, uint64_t hash,
    uint64_t read_seq, unsigned flags, struct rtd_view_found *found,
    struct rt_err *err)
{
	enum rt_code code = rt_table_reader_get(
	    place->run->readers[place->table], key, hash, read_seq, flags,
	    &found->table, err);

	if (code == RT_OK) {
		found->seq = found->table.seq;
		found->type = found->table.type;
		found->value = found->table.value;
	}
	return code;
}

/* The tables that may hold the key, newest first. Their filters lie far apart
 * in memory, so that many are asked for before the first is looked at. */
static enum rt_code
get_from_tables(const struct rtd_view *view, struct rt_slice key, uint64_t hash,
    uint64_t read_seq, uint64_t drop_seq, unsigned flags,
    struct rtd_view_found *found, struct rt_err *err)
{
	struct place places[PLACES_AT_ONCE];
	enum rt_code code = RT_ENOTFOUND;
	size_t i = 0;

	while (i < view->runs_count && code == RT_ENOTFOUND) {
		size_t count = 0;

		for (; i < view->runs_count && count < PLACES_AT_ONCE; i++) {
			const struct rtd_view_run *run = &view->runs[i];
			size_t at = table_of(run->run, key);

			/* What is dropped as a whole goes unread. */
			if (at == run->run->tables_count ||
			    run->run->tables[at].max_seq <= drop_seq)
				continue;
			rt_table_reader_prefetch(run->readers[at], hash);
			places[count++] = (struct place){ run, at };
		}
		for (size_t j = 0; j < count && code == RT_ENOTFOUND; j++)
			code = get_from_place(&places[j], key, hash, read_seq,
			    flags, found, err);
	}
	return code;
}

enum rt_code
rtd_view_get(const struct rtd_view *view, struct rt_slice key,
    uint64_t read_seq, uint64_t drop_seq, unsigned flags,
    struct rtd_view_found *found, struct rt_err *err)
{
	uint64_t hash = rt_hash64(key);
	enum rt_code code;

	found->seq = 0;
	for (size_t i = 0; i < view->memtables_count; i++) {
		const struct rtd_version *version = rtd_memtable_get(
		    view->memtables[i], key, hash, read_seq);
		struct rt_entry entry;

		if (version == NULL)
			continue;
		entry = rtd_version_entry(version);
		found->seq = entry.seq;
		found->type = entry.type;
		found->value = entry.value;
		return entry.seq > drop_seq ? RT_OK : RT_ENOTFOUND;
	}
	code = get_from_tables(view, key, hash, read_seq, drop_seq, flags,
	    found, err);
	if (code == RT_OK && found->seq <= drop_seq) {
		rt_table_found_fini(&found->table);
		code = RT_ENOTFOUND;
	}
	return code;
}
