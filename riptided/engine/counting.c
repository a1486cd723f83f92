/* counting: exact by walking up to RTD_COUNT_EXACT_KEYS, above that from the
 * memtables' tallies and the key counts of tables. */
#include <stdlib.h>
#include <string.h>

#include "libcommon/base/invariant.h"
#include "libcommon/table/value.h"
#include "riptided/engine/engine_state.h"
#include "riptided/engine/snapshots.h"
#include "riptided/view/live_iter.h"

struct rtd_counting {
	struct rtd_engine *engine;
	struct rtd_view *view;
	uint64_t read_seq;
	bool past;		/* a snapshot's moment, not the present */
	uint64_t drops[RTD_KEYSPACES_MAX];
};

struct rtd_counting *
rtd_reader_counting(struct rtd_reader *reader,
    const struct rtd_snapshot *snapshot, uint64_t *seq)
{
	struct rtd_engine *engine = reader->engine;
	struct rtd_counting *counting = rt_alloc_zero(1, sizeof(*counting));

	counting->engine = engine;
	/* The view first, then what is seen on it (I11, SN3). */
	counting->view = rtd_view_ref(rtd_reader_view(reader));
	if (snapshot == NULL) {
		counting->read_seq = atomic_load_explicit(&engine->visible_seq,
		    memory_order_acquire);
		for (size_t i = 0; i < RTD_KEYSPACES_MAX; i++)
			counting->drops[i] = atomic_load_explicit(
			    &engine->drops[i], memory_order_acquire);
	} else if (!rtd_snapshot_is_released(snapshot)) {
		counting->past = true;
		counting->read_seq = snapshot->seq;
		memcpy(counting->drops, snapshot->drops,
		    sizeof(counting->drops));
	} else {
		rtd_counting_free(counting);
		return NULL;
	}
	*seq = counting->read_seq;
	return counting;
}

void
rtd_counting_free(struct rtd_counting *counting)
{
	if (counting == NULL)
		return;
	rtd_view_unref(counting->view);
	free(counting);
}

/* -- by walking -- */

static enum rt_code
walk(struct rtd_counting *counting, const struct rtd_read *read,
    struct rtd_count *out, struct rt_err *err)
{
	struct rt_iter *iter = rtd_live_iter_new(counting->view,
	    &(struct rtd_live_range){ .keyspace = read->keyspace,
		.read_seq = counting->read_seq,
		.drop_seq = counting->drops[read->keyspace],
		.now_ms = read->now_ms });
	double expire_sum_ms = 0;
	struct rt_slice bytes;
	uint64_t expire_ms;
	enum rt_code code;

	for (rt_iter_seek_first(iter); iter->valid; rt_iter_next(iter)) {
		out->keys++;
		if (!rt_value_decode(iter->entry.value, &expire_ms, &bytes) ||
		    expire_ms == RT_NO_EXPIRY)
			continue;
		out->expires++;
		expire_sum_ms += (double)expire_ms;
	}
	if (out->expires != 0)
		out->expire_mean_ms =
		    (uint64_t)(expire_sum_ms / (double)out->expires);
	out->exact = true;
	code = iter->code;
	if (code != RT_OK && err != NULL)
		*err = iter->err;
	rt_iter_free(iter);
	return code;
}

/* -- by estimating -- */

/* The walk over the newest memtable goes on beside writes; the others do not
 * change any more. */
static void
add_memtable(const struct rtd_counting *counting, size_t i, uint32_t keyspace,
    struct rtd_key_estimate *estimate)
{
	struct rtd_memtable *memtable = counting->view->memtables[i];
	struct rtd_key_tally *tally = &memtable->tally;
	const struct rtd_key_tally_item *item;

	rt_mutex_lock(&tally->mu);
	rtd_key_tally_walk(tally, &memtable->arena, counting->drops,
	    counting->read_seq);
	item = rtd_key_tally_find(tally, keyspace);
	if (item != NULL && i > 0 && item->live != item->keys)
		rtd_key_tally_complete(tally, &memtable->arena,
		    &memtable->index, keyspace);
	if (item != NULL)
		rtd_key_estimate_add(estimate, &(struct rtd_key_layer){
			.keys = item->keys,
			.live = item->live,
			.expiring = item->expiring,
			.expire_sum_ms = item->expire_sum_ms,
			.all = item->seen,
			.alive = item->live == item->keys ? item->seen
							  : item->alive,
		});
	rt_mutex_unlock(&tally->mu);
}

static enum rt_code
estimate_layers(struct rtd_counting *counting, const struct rtd_read *read,
    struct rtd_key_estimate *estimate, uint64_t *plain, struct rt_err *err)
{
	struct rtd_run_counts *runs = counting->engine->run_counts;
	enum rt_code code;

	for (size_t i = 0; i < counting->view->memtables_count; i++)
		add_memtable(counting, i, read->keyspace, estimate);
	rt_mutex_lock(&runs->mu);
	code = rtd_run_counts_load(runs, counting->view->manifest,
	    counting->drops, RTD_KEYSPACES_MAX, read->now_ms, err);
	if (code == RT_OK)
		*plain = rtd_run_counts_add(runs, read->keyspace,
		    counting->drops[read->keyspace], estimate);
	rt_mutex_unlock(&runs->mu);
	return code;
}

static void
tell(const struct rtd_key_estimate *estimate, uint64_t plain,
    struct rtd_count *out)
{
	uint64_t live = rtd_key_estimate_live(estimate);

	out->keys = live + plain;
	if (estimate->live != 0)
		out->expires = (uint64_t)((double)live *
			(double)estimate->expiring / (double)estimate->live);
	if (estimate->expiring != 0)
		out->expire_mean_ms = (uint64_t)(estimate->expire_sum_ms /
			(double)estimate->expiring);
	/* Keys that expire may have done so already. */
	out->exact = plain == 0 && estimate->layers <= 1 &&
	    estimate->expiring == 0;
}

enum rt_code
rtd_counting_run(struct rtd_counting *counting, const struct rtd_read *read,
    bool exact, struct rtd_count *out, struct rt_err *err)
{
	struct rtd_key_estimate *estimate;
	enum rt_code code = RT_OK;
	uint64_t plain = 0;

	rt_assert(read->keyspace < RTD_KEYSPACES_MAX);
	*out = (struct rtd_count){ .keys = 0 };
	if (exact || counting->past)
		return walk(counting, read, out, err);
	estimate = rt_alloc_zero(1, sizeof(*estimate));
	code = estimate_layers(counting, read, estimate, &plain, err);
	if (code == RT_OK) {
		if (estimate->keys + plain <= RTD_COUNT_EXACT_KEYS)
			code = walk(counting, read, out, err);
		else
			tell(estimate, plain, out);
	}
	free(estimate);
	return code;
}
