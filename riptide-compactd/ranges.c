/* Each input that is looked at gives a few of its keys, at equal distances in
 * bytes, and each of those stands for the bytes from it to the next one. In key order they
 * tell how many bytes of inputs lie before a key, about: runs of level 0 span
 * everything, and tables of a deeper run a part each. */
#include "riptide-compactd/ranges.h"

#include <stdlib.h>

#include "libcommon/base/invariant.h"
#include "libcommon/table/table_reader.h"
#include "riptide-compactd/table_chain.h"

/* Of more inputs than that some are passed over. */
#define INPUTS_MAX 32
/* Keys of an input, by how many are looked at: a block is read for each, and one
 * input must tell as well as many where a third of the bytes ends. */
#define KEYS_MIN 16
#define KEYS_MAX 64
#define POINTS 256

struct point {
	struct rt_buf key;
	uint64_t bytes;		/* that it stands for */
};

struct points {
	struct point *all;
	size_t count;
};

static enum rt_code
look_at(struct points *points, const struct rtc_merger *merger,
    const struct rtc_job *job, const struct rt_manifest_table *table,
    size_t keys, struct rt_err *err)
{
	struct rt_table_reader *reader = NULL;
	enum rt_code code = rtc_table_chain_open(merger->fs, merger->dir,
	    job->manifest, table, &reader, err);

	for (size_t i = 0; code == RT_OK && i < keys; i++) {
		struct point *point = &points->all[points->count++];

		*point = (struct point){
			.bytes = table->size / keys,
		};
		code = rt_table_reader_key_at(reader, i, keys, RT_TABLE_COLD,
		    &point->key, err);
	}
	rt_table_reader_unref(reader);
	return code;
}

static int
compare_points(const void *a, const void *b)
{
	const struct point *x = a, *y = b;

	return rt_slice_compare(rt_buf_slice(&x->key), rt_buf_slice(&y->key));
}

static size_t
keys_per_input(size_t inputs)
{
	size_t keys = POINTS / inputs;

	if (keys > KEYS_MAX)
		return KEYS_MAX;
	return keys < KEYS_MIN ? KEYS_MIN : keys;
}

static enum rt_code
look_at_inputs(struct points *points, const struct rtc_merger *merger,
    const struct rtc_job *job, struct rt_err *err)
{
	size_t step = (job->inputs_count + INPUTS_MAX - 1) / INPUTS_MAX;
	size_t inputs = (job->inputs_count + step - 1) / step;
	size_t keys = keys_per_input(inputs);
	enum rt_code code = RT_OK;

	points->all = rt_alloc_zero(inputs * keys, sizeof(points->all[0]));
	for (size_t i = 0; code == RT_OK && i < job->inputs_count; i += step)
		code = look_at(points, merger, job, job->inputs[i], keys, err);
	if (code == RT_OK)
		qsort(points->all, points->count, sizeof(points->all[0]),
		    compare_points);
	return code;
}

static void
points_fini(struct points *points)
{
	for (size_t i = 0; i < points->count; i++)
		rt_buf_fini(&points->all[i].key);
	free(points->all);
}

/* -- what is done, and the gaps between -- */

static bool
is_done(const struct rtc_spans *done, struct rt_slice key)
{
	for (size_t i = 0; i < done->count; i++) {
		const struct rtc_span *span = &done->all[i];

		if (rt_slice_compare(key, rt_buf_slice(&span->lower)) >= 0 &&
		    (span->upper.len == 0 || rt_slice_compare(key,
			rt_buf_slice(&span->upper)) < 0))
			return true;
	}
	return false;
}

static void
add(struct rtc_ranges *ranges, struct rt_slice lower, struct rt_slice upper,
    const struct rtc_span *done)
{
	ranges->all[ranges->count++] = (struct rtc_key_range){
		.keys = { .lower = lower, .upper = upper },
		.done = done,
	};
}

/* A gap, cut where bounds lie in it. */
static void
add_gap(struct rtc_ranges *ranges, struct rt_slice lower,
    struct rt_slice upper)
{
	for (size_t i = 0; i < ranges->bounds_count; i++) {
		struct rt_slice bound = rt_buf_slice(&ranges->bounds[i]);

		if (rt_slice_compare(bound, lower) <= 0 || (upper.len != 0 &&
			rt_slice_compare(bound, upper) >= 0))
			continue;
		add(ranges, lower, bound, NULL);
		lower = bound;
	}
	add(ranges, lower, upper, NULL);
}

/* RA1 */
static void
add_all(struct rtc_ranges *ranges, const struct rtc_spans *done)
{
	struct rt_slice from = rt_slice(NULL, 0);
	bool is_end = false;

	ranges->all = rt_alloc_zero(
	    2 * done->count + ranges->bounds_count + 1,
	    sizeof(ranges->all[0]));
	for (size_t i = 0; i < done->count; i++) {
		const struct rtc_span *span = &done->all[i];
		struct rt_slice lower = rt_buf_slice(&span->lower);

		if (!rt_slice_equal(from, lower))
			add_gap(ranges, from, lower);
		from = rt_buf_slice(&span->upper);
		is_end = from.len == 0;
		add(ranges, lower, from, span);
	}
	if (!is_end)
		add_gap(ranges, from, rt_slice(NULL, 0));
}

/* -- where to cut -- */

/* Where part k of `wanted` ends. */
static uint64_t
end_of_part(uint64_t total, size_t k, size_t wanted)
{
	return (uint64_t)((unsigned __int128)total * k / wanted);
}

static void
cut(struct rtc_ranges *ranges, struct points *points,
    const struct rtc_spans *done, size_t wanted)
{
	uint64_t total = 0, before = 0;
	size_t k = 1;

	for (size_t i = 0; i < points->count; i++) {
		struct point *point = &points->all[i];

		if (is_done(done, rt_buf_slice(&point->key)))
			point->bytes = 0;
		total += point->bytes;
	}
	for (size_t i = 0; i < points->count && k < wanted; i++) {
		struct point *point = &points->all[i];

		if (point->bytes == 0)
			continue;
		/* The nearest point, which may lie before the end. */
		if (before + point->bytes / 2 >=
		    end_of_part(total, k, wanted)) {
			ranges->bounds[ranges->bounds_count++] = point->key;
			point->key = (struct rt_buf){ 0 };
		}
		while (k < wanted && before + point->bytes / 2 >=
		    end_of_part(total, k, wanted))
			k++;
		before += point->bytes;
	}
}

unsigned
rtc_ranges_most(const struct rt_config *config, const struct rtc_job *job,
    unsigned threads)
{
	uint64_t most = job->input_bytes / config->table_size;

	if (most > threads)
		most = threads;
	return most > 1 ? (unsigned)most : 1;
}

enum rt_code
rtc_ranges_plan(struct rtc_ranges *ranges, const struct rtc_merger *merger,
    const struct rtc_job *job, struct rt_err *err)
{
	static const struct rtc_spans nothing;
	const struct rtc_spans *done = job->done != NULL ? job->done : &nothing;
	size_t wanted = rtc_ranges_most(merger->config, job, merger->threads);
	struct points points = { .count = 0 };
	enum rt_code code = RT_OK;

	*ranges = (struct rtc_ranges){ .count = 0 };
	if (wanted > 1) {
		ranges->bounds =
		    rt_alloc_zero(wanted, sizeof(ranges->bounds[0]));
		code = look_at_inputs(&points, merger, job, err);
		if (code == RT_OK)
			cut(ranges, &points, done, wanted);
		points_fini(&points);
	}
	if (code == RT_OK)
		add_all(ranges, done);
	else
		rtc_ranges_fini(ranges);
	return code;
}

void
rtc_ranges_fini(struct rtc_ranges *ranges)
{
	for (size_t i = 0; i < ranges->bounds_count; i++)
		rt_buf_fini(&ranges->bounds[i]);
	free(ranges->bounds);
	free(ranges->all);
	*ranges = (struct rtc_ranges){ .count = 0 };
}
