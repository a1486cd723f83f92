#include "riptided/view/view.h"

#include <stdlib.h>
#include <string.h>

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
