#include "riptided/view/live_iter.h"

#include <stdlib.h>

#include "libcommon/base/invariant.h"
#include "libcommon/table/merge_iter.h"
#include "libcommon/table/value.h"
#include "riptided/view/run_iter.h"

struct live_iter {
	struct rt_iter base;
	struct rtd_view *view;
	struct rtd_live_range range;
	struct rt_iter *all;	/* every version, merged */
	struct rt_buf key;	/* the key under way */
};

/* Move past all versions of the key that was looked at. */
static void
skip_key(struct live_iter *iter)
{
	do
		rt_iter_next(iter->all);
	while (iter->all->valid && rt_slice_equal(iter->all->entry.key,
		rt_buf_slice(&iter->key)));
}

static bool
is_live(const struct live_iter *iter, const struct rt_entry *entry)
{
	struct rt_slice bytes;
	uint64_t expire_ms;

	if (entry->type == RT_ENTRY_TOMBSTONE ||
	    entry->seq <= iter->range.drop_seq)
		return false;
	/* A malformed value is shown, so that its reader can say so. */
	return !rt_value_decode(entry->value, &expire_ms, &bytes) ||
	    expire_ms == RT_NO_EXPIRY || expire_ms > iter->range.now_ms;
}

/* From where `all` stands to the next entry that is to be shown. */
static void
settle(struct live_iter *iter)
{
	iter->base.valid = false;
	while (iter->all->valid) {
		const struct rt_entry *entry = &iter->all->entry;

		if (rt_key_keyspace(entry->key) != iter->range.keyspace)
			return;
		if (entry->seq > iter->range.read_seq) {
			rt_iter_next(iter->all);
			continue;
		}
		rt_buf_clear(&iter->key);
		rt_buf_append_slice(&iter->key, entry->key);
		if (is_live(iter, entry)) {
			iter->base.valid = true;
			iter->base.entry = *entry;
			return;
		}
		skip_key(iter);
	}
	iter->base.code = iter->all->code;
	if (iter->base.code != RT_OK)
		iter->base.err = iter->all->err;
}

static void
live_seek(struct rt_iter *base, struct rt_slice key, uint64_t seq)
{
	struct live_iter *iter = (struct live_iter *)base;

	base->code = RT_OK;
	rt_iter_seek(iter->all, key, seq);
	settle(iter);
}

static void
live_seek_first(struct rt_iter *base)
{
	struct live_iter *iter = (struct live_iter *)base;
	uint8_t prefix[RT_KEY_PREFIX_BYTES];

	/* The kind stays out: the keyspace's first key of any kind. */
	rt_key_put_prefix(prefix, iter->range.keyspace, 0);
	live_seek(base, rt_slice(prefix, sizeof(prefix) - 1), RT_SEQ_MAX);
}

static void
live_next(struct rt_iter *base)
{
	struct live_iter *iter = (struct live_iter *)base;

	skip_key(iter);
	settle(iter);
}

static void
live_free(struct rt_iter *base)
{
	struct live_iter *iter = (struct live_iter *)base;

	rt_iter_free(iter->all);
	rtd_view_unref(iter->view);
	rt_buf_fini(&iter->key);
	free(iter);
}

struct rt_iter *
rtd_live_iter_new(struct rtd_view *view, const struct rtd_live_range *range)
{
	static const struct rt_iter_ops ops = {
		.seek_first = live_seek_first,
		.seek = live_seek,
		.next = live_next,
		.free = live_free,
	};
	struct live_iter *iter = rt_alloc_zero(1, sizeof(*iter));
	struct rt_iter **inputs = rt_alloc_zero(
	    view->memtables_count + view->runs_count, sizeof(inputs[0]));
	size_t count = 0;

	for (size_t i = 0; i < view->memtables_count; i++)
		inputs[count++] = rtd_memtable_iter(view->memtables[i]);
	for (size_t i = 0; i < view->runs_count; i++)
		inputs[count++] =
		    rtd_run_iter_new(&view->runs[i], RT_TABLE_COLD);
	iter->base.ops = &ops;
	iter->view = rtd_view_ref(view);
	iter->range = *range;
	iter->all = rt_merge_iter_new(inputs, count);
	free(inputs);
	return &iter->base;
}
