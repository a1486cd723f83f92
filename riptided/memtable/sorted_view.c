/* sorted_view: sorting is by radix on the eight bytes that follow what all keys
 * share, least significant byte first, passing over bytes in which all agree;
 * groups of equal prefixes are then put in the full order. */
#include "riptided/memtable/sorted_view.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "libcommon/base/invariant.h"

#define RADIX 256
#define PREFIX_BYTES 8

struct item {
	uint64_t prefix;
	const struct rtd_version *version;
};

void
rtd_sorted_view_init(struct rtd_sorted_view *view)
{
	*view = (struct rtd_sorted_view){ .runs_count = 0 };
	rt_mutex_init(&view->mu);
}

void
rtd_sorted_view_reset(struct rtd_sorted_view *view)
{
	for (size_t i = 0; i < view->runs_count; i++)
		rtd_sorted_run_unref(view->runs[i]);
	view->runs_count = 0;
	view->walk = (struct rtd_version_walk){ .chunk = NULL };
}

void
rtd_sorted_view_fini(struct rtd_sorted_view *view)
{
	rtd_sorted_view_reset(view);
	rt_mutex_fini(&view->mu);
}

static struct rtd_sorted_run *
run_new(size_t count)
{
	struct rtd_sorted_run *run =
	    rt_alloc(sizeof(*run) + count * sizeof(run->items[0]));

	atomic_init(&run->refs, 1);
	run->count = count;
	return run;
}

void
rtd_sorted_run_unref(struct rtd_sorted_run *run)
{
	if (run != NULL && atomic_fetch_sub(&run->refs, 1) == 1)
		free(run);
}

static int
compare(const struct rtd_version *a, const struct rtd_version *b)
{
	return rt_key_compare(rtd_version_key(a), rtd_version_seq(a),
	    rtd_version_key(b), rtd_version_seq(b));
}

static int
compare_items(const void *a, const void *b)
{
	const struct item *x = a, *y = b;

	return compare(x->version, y->version);
}

/* The eight bytes at `skip`, as a number that orders like them; a key that
 * ends before is padded with zeros. */
static uint64_t
prefix_of(struct rt_slice key, size_t skip)
{
	uint8_t bytes[PREFIX_BYTES] = { 0 };
	size_t len = key.len > skip ? key.len - skip : 0;
	uint64_t value;

	memcpy(bytes, key.data + skip, len < PREFIX_BYTES ? len : PREFIX_BYTES);
	memcpy(&value, bytes, sizeof(value));
	return be64toh(value);
}

static size_t
common_prefix(const struct item *items, size_t count)
{
	struct rt_slice first = rtd_version_key(items[0].version);
	size_t shared = first.len;

	for (size_t i = 1; i < count && shared > 0; i++) {
		struct rt_slice key = rtd_version_key(items[i].version);
		size_t here;

		if (key.len >= shared &&
		    memcmp(key.data, first.data, shared) == 0)
			continue;
		here = rt_slice_shared_prefix(first, key);
		if (here < shared)
			shared = here;
	}
	return shared;
}

static void
radix_sort(struct item *items, struct item *scratch, size_t count)
{
	struct item *from = items, *to = scratch, *swap;
	size_t (*tallies)[RADIX] = rt_alloc_zero(PREFIX_BYTES,
	    sizeof(*tallies));

	for (size_t i = 0; i < count; i++)
		for (unsigned byte = 0; byte < PREFIX_BYTES; byte++)
			tallies[byte][items[i].prefix >> (8 * byte) & 0xff]++;
	for (unsigned byte = 0; byte < PREFIX_BYTES; byte++) {
		size_t *tally = tallies[byte], at = 0;

		if (tally[items[0].prefix >> (8 * byte) & 0xff] == count)
			continue;
		for (unsigned digit = 0; digit < RADIX; digit++) {
			size_t here = tally[digit];

			tally[digit] = at;
			at += here;
		}
		for (size_t i = 0; i < count; i++) {
			unsigned digit = from[i].prefix >> (8 * byte) & 0xff;

			to[tally[digit]++] = from[i];
		}
		swap = from;
		from = to;
		to = swap;
	}
	if (from != items)
		memcpy(items, from, count * sizeof(items[0]));
	free(tallies);
}

static void
sort_equal_prefixes(struct item *items, size_t count)
{
	for (size_t start = 0, end; start < count; start = end) {
		end = start + 1;
		while (end < count && items[end].prefix == items[start].prefix)
			end++;
		if (end - start > 1)
			qsort(items + start, end - start, sizeof(items[0]),
			    compare_items);
	}
}

static struct rtd_sorted_run *
sort_run(struct item *items, size_t count)
{
	struct rtd_sorted_run *run = run_new(count);
	struct item *scratch = rt_alloc(count * sizeof(*scratch));
	size_t skip = common_prefix(items, count);

	for (size_t i = 0; i < count; i++)
		items[i].prefix =
		    prefix_of(rtd_version_key(items[i].version), skip);
	radix_sort(items, scratch, count);
	sort_equal_prefixes(items, count);
	for (size_t i = 0; i < count; i++)
		run->items[i] = items[i].version;
	free(scratch);
	return run;
}

static struct rtd_sorted_run *
merge_runs(const struct rtd_sorted_run *a, const struct rtd_sorted_run *b)
{
	struct rtd_sorted_run *run = run_new(a->count + b->count);
	size_t i = 0, j = 0;

	for (size_t at = 0; at < run->count; at++) {
		if (j == b->count || (i < a->count &&
			compare(a->items[i], b->items[j]) < 0))
			run->items[at] = a->items[i++];
		else
			run->items[at] = b->items[j++];
	}
	return run;
}

/* Everything published after the place where the last walk ended. */
static struct item *
collect(struct rtd_sorted_view *view, struct rtd_arena *arena, size_t *count)
{
	const struct rtd_version *version;
	struct item *items = NULL;
	size_t cap = 0;

	*count = 0;
	while ((version = rtd_version_walk_next(&view->walk, arena)) != NULL) {
		if (*count == cap) {
			cap = cap == 0 ? 1024 : cap * 2;
			items = rt_realloc(items, cap * sizeof(items[0]));
		}
		items[(*count)++].version = version;
	}
	return items;
}

static void
add_run(struct rtd_sorted_view *view, struct rtd_sorted_run *run)
{
	while (view->runs_count > 0 &&
	    view->runs[view->runs_count - 1]->count < 2 * run->count) {
		struct rtd_sorted_run *last = view->runs[--view->runs_count];
		struct rtd_sorted_run *merged = merge_runs(last, run);

		rtd_sorted_run_unref(last);
		rtd_sorted_run_unref(run);
		run = merged;
	}
	rt_assert(view->runs_count < RTD_SORTED_RUNS_MAX);
	view->runs[view->runs_count++] = run;
}

size_t
rtd_sorted_view_take(struct rtd_sorted_view *view, struct rtd_arena *arena,
    struct rtd_sorted_run *out[RTD_SORTED_RUNS_MAX])
{
	struct item *items;
	size_t count;

	rt_mutex_lock(&view->mu);
	items = collect(view, arena, &count);
	if (count > 0)
		add_run(view, sort_run(items, count));
	free(items);
	count = view->runs_count;
	for (size_t i = 0; i < count; i++) {
		atomic_fetch_add(&view->runs[i]->refs, 1);
		out[i] = view->runs[i];
	}
	rt_mutex_unlock(&view->mu);
	return count;
}
