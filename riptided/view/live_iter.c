/* Going forward, `all` stands at the version shown, or behind it where that is
 * known to be the key's last. Going backward a key's versions come oldest
 * first, so that its newest visible one is known when `all` has left the key:
 * the entry shown is a copy then. A value too large to be copied is sought
 * again, which is as if one had come to it going forward. */
#include "riptided/view/live_iter.h"

#include <endian.h>
#include <stdlib.h>

#include "libcommon/base/invariant.h"
#include "libcommon/table/merge_iter.h"
#include "libcommon/table/value.h"
#include "riptided/view/run_iter.h"

#define COPY_BYTES_MAX ((size_t)64 << 10)

struct live_iter {
	struct rt_iter base;
	struct rtd_view *view;
	struct rt_iter *all;	/* every version, merged */
	uint64_t read_seq;
	uint64_t drop_seq;
	uint64_t now_ms;
	struct rt_range range;	/* of store keys; both are set */
	uint64_t upper_head;	/* its first bytes as a number, zero-filled */
	uint8_t *bounds;	/* what it borrows from */
	bool backward;		/* `all` is before the key shown */
	struct rt_buf key;	/* the key under way */
	struct rt_buf value;	/* the copy, going backward */
};

static bool
is_live(const struct live_iter *iter, const struct rt_entry *entry)
{
	struct rt_slice bytes;
	uint64_t expire_ms;

	if (entry->type == RT_ENTRY_TOMBSTONE || entry->seq <= iter->drop_seq)
		return false;
	/* A malformed value is shown, so that its reader can say so. */
	return !rt_value_decode(entry->value, &expire_ms, &bytes) ||
	    expire_ms == RT_NO_EXPIRY || expire_ms > iter->now_ms;
}

static void
set_key(struct live_iter *iter, struct rt_slice key)
{
	rt_buf_clear(&iter->key);
	rt_buf_append_slice(&iter->key, key);
}

/* Neighbours differ in their last bytes, if they do. */
static inline bool
is_at_key(const struct live_iter *iter)
{
	struct rt_slice key = iter->all->entry.key;
	uint64_t x, y;

	if (!iter->all->valid || key.len != iter->key.len)
		return false;
	if (key.len >= sizeof(x)) {
		memcpy(&x, key.data + key.len - sizeof(x), sizeof(x));
		memcpy(&y, iter->key.data + key.len - sizeof(y), sizeof(y));
		if (x != y)
			return false;
	}
	return rt_slice_equal(key, rt_buf_slice(&iter->key));
}

/* Whether the key is at or behind the end of the range: most are told from it
 * by their first bytes. */
static inline bool
is_past(const struct live_iter *iter, struct rt_slice key)
{
	uint64_t head;

	if (RT_LIKELY(key.len >= sizeof(head))) {
		memcpy(&head, key.data, sizeof(head));
		if (be64toh(head) < iter->upper_head)
			return false;
	}
	return rt_slice_compare(key, iter->range.upper) >= 0;
}

static void
end(struct live_iter *iter)
{
	iter->base.valid = false;
	if (!iter->all->valid && iter->all->code != RT_OK) {
		iter->base.code = iter->all->code;
		iter->base.err = iter->all->err;
	}
}

/* -- forward -- */

/* Move past all versions of the key that was looked at. */
static void
skip_key(struct live_iter *iter)
{
	do
		rt_iter_next(iter->all);
	while (is_at_key(iter));
}

/* From where `all` stands to the next entry that is to be shown. */
static void
settle(struct live_iter *iter)
{
	while (iter->all->valid) {
		const struct rt_entry *entry = &iter->all->entry;

		if (is_past(iter, entry->key))
			break;
		if (entry->seq > iter->read_seq) {
			rt_iter_next(iter->all);
			continue;
		}
		set_key(iter, entry->key);
		if (is_live(iter, entry)) {
			iter->base.valid = true;
			iter->base.entry = *entry;
			return;
		}
		skip_key(iter);
	}
	end(iter);
}

static void
live_seek(struct rt_iter *base, struct rt_slice key, uint64_t seq)
{
	struct live_iter *iter = (struct live_iter *)base;

	base->code = RT_OK;
	base->valid = false;
	iter->backward = false;
	if (rt_slice_compare(key, iter->range.upper) >= 0)
		return;
	if (rt_slice_compare(key, iter->range.lower) < 0) {
		key = iter->range.lower;
		seq = RT_SEQ_MAX;
	}
	rt_iter_seek(iter->all, key, seq);
	settle(iter);
}

static void
live_seek_first(struct rt_iter *base)
{
	struct live_iter *iter = (struct live_iter *)base;

	live_seek(base, iter->range.lower, RT_SEQ_MAX);
}

static void
live_next(struct rt_iter *base)
{
	struct live_iter *iter = (struct live_iter *)base;

	if (RT_UNLIKELY(iter->backward)) {
		/* No version has the sequence 0: the next key's first one. */
		live_seek(base, rt_buf_slice(&iter->key), 0);
		return;
	}
	skip_key(iter);
	settle(iter);
}

/* -- backward -- */

/* Keep the version that `all` stands at, unless nobody will see it. */
static bool
keep(struct live_iter *iter, struct rt_entry *kept)
{
	const struct rt_entry *entry = &iter->all->entry;

	if (!is_live(iter, entry))
		return false;
	*kept = *entry;
	rt_buf_clear(&iter->value);
	if (entry->value.len <= COPY_BYTES_MAX)
		rt_buf_append_slice(&iter->value, entry->value);
	return true;
}

static void
show_kept(struct live_iter *iter, const struct rt_entry *kept)
{
	struct rt_slice key = rt_buf_slice(&iter->key);

	if (kept->value.len > COPY_BYTES_MAX) {
		live_seek(&iter->base, key, kept->seq);
		return;
	}
	iter->base.valid = true;
	iter->base.entry = *kept;
	iter->base.entry.key = key;
	iter->base.entry.value = rt_buf_slice(&iter->value);
}

/* From where `all` stands back to the next entry that is to be shown. */
static void
settle_back(struct live_iter *iter)
{
	while (iter->all->valid) {
		struct rt_slice key = iter->all->entry.key;
		struct rt_entry kept;
		bool has_kept = false;

		if (rt_slice_compare(key, iter->range.lower) < 0)
			break;
		set_key(iter, key);
		for (; is_at_key(iter); rt_iter_prev(iter->all))
			if (iter->all->entry.seq <= iter->read_seq)
				has_kept = keep(iter, &kept);
		/* A newer version may lie behind what could not be read. */
		if (!iter->all->valid && iter->all->code != RT_OK)
			break;
		if (has_kept) {
			show_kept(iter, &kept);
			return;
		}
	}
	end(iter);
}

static void
live_seek_for_prev(struct rt_iter *base, struct rt_slice key, uint64_t seq)
{
	struct live_iter *iter = (struct live_iter *)base;

	base->code = RT_OK;
	base->valid = false;
	iter->backward = true;
	if (rt_slice_compare(key, iter->range.lower) < 0)
		return;
	if (rt_slice_compare(key, iter->range.upper) >= 0) {
		key = iter->range.upper;
		seq = RT_SEQ_MAX;
	}
	rt_iter_seek_for_prev(iter->all, key, seq);
	while (iter->all->valid && rt_slice_compare(iter->all->entry.key,
		iter->range.upper) >= 0)
		rt_iter_prev(iter->all);
	settle_back(iter);
}

static void
live_seek_last(struct rt_iter *base)
{
	struct live_iter *iter = (struct live_iter *)base;

	live_seek_for_prev(base, iter->range.upper, RT_SEQ_MAX);
}

static void
live_prev(struct rt_iter *base)
{
	struct live_iter *iter = (struct live_iter *)base;

	/* In front of all versions of the key shown. */
	if (!iter->backward) {
		iter->backward = true;
		rt_iter_seek_for_prev(iter->all, rt_buf_slice(&iter->key),
		    RT_SEQ_MAX);
	}
	settle_back(iter);
}

static void
live_free(struct rt_iter *base)
{
	struct live_iter *iter = (struct live_iter *)base;

	rt_iter_free(iter->all);
	rtd_view_unref(iter->view);
	rt_buf_fini(&iter->key);
	rt_buf_fini(&iter->value);
	free(iter->bounds);
	free(iter);
}

static uint8_t *
put_bound(uint8_t *at, uint32_t keyspace, struct rt_slice user_key,
    struct rt_slice *out)
{
	size_t len = RT_KEY_PREFIX_BYTES + user_key.len;

	rt_key_put_prefix(at, keyspace, RT_KEY_KIND_STRING);
	/* Without a user key the kind stays out: before any of the keyspace. */
	if (user_key.len == 0)
		len = RT_KEY_PREFIX_BYTES - 1;
	else
		memcpy(at + RT_KEY_PREFIX_BYTES, user_key.data, user_key.len);
	*out = rt_slice(at, len);
	return at + RT_KEY_PREFIX_BYTES + user_key.len;
}

static void
set_bounds(struct live_iter *iter, const struct rtd_live_range *range)
{
	uint8_t head[8] = { 0 }, *at;

	rt_assert(range->keyspace != UINT32_MAX);
	iter->bounds = rt_alloc(
	    2 * RT_KEY_PREFIX_BYTES + range->lower.len + range->upper.len);
	at = put_bound(iter->bounds, range->keyspace, range->lower,
	    &iter->range.lower);
	put_bound(at, range->keyspace + (range->upper.len == 0), range->upper,
	    &iter->range.upper);
	memcpy(head, iter->range.upper.data,
	    iter->range.upper.len < sizeof(head) ? iter->range.upper.len
						 : sizeof(head));
	memcpy(&iter->upper_head, head, sizeof(head));
	iter->upper_head = be64toh(iter->upper_head);
}

struct rt_iter *
rtd_live_iter_new(struct rtd_view *view, const struct rtd_live_range *range)
{
	static const struct rt_iter_ops ops = {
		.seek_first = live_seek_first,
		.seek_last = live_seek_last,
		.seek = live_seek,
		.seek_for_prev = live_seek_for_prev,
		.next = live_next,
		.prev = live_prev,
		.free = live_free,
	};
	struct live_iter *iter = rt_alloc_zero(1, sizeof(*iter));
	struct rt_iter **inputs = rt_alloc_zero(
	    view->memtables_count + view->runs_count, sizeof(inputs[0]));
	struct rtd_run_want want = { .read_seq = range->read_seq,
		.drop_seq = range->drop_seq,
		.flags = RT_TABLE_COLD };
	size_t count = 0;

	iter->base.ops = &ops;
	iter->view = rtd_view_ref(view);
	iter->read_seq = range->read_seq;
	iter->drop_seq = range->drop_seq;
	iter->now_ms = range->now_ms;
	set_bounds(iter, range);
	want.range = iter->range;
	/* What comes into an empty memtable from now on is not visible. */
	for (size_t i = 0; i < view->memtables_count; i++)
		if (!rtd_memtable_is_empty(view->memtables[i]))
			inputs[count++] =
			    rtd_memtable_iter(view->memtables[i]);
	for (size_t i = 0; i < view->runs_count; i++)
		inputs[count++] = rtd_run_iter_new(&view->runs[i], &want);
	iter->all = rt_merge_iter_new(inputs, count);
	free(inputs);
	return &iter->base;
}
