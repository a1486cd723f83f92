#include "riptided/view/run_counts.h"

#include <stdlib.h>

#include "libcommon/base/hash.h"
#include "libcommon/base/invariant.h"
#include "libcommon/os/path.h"
#include "libcommon/table/key_counts.h"
#include "libcommon/table/table_reader.h"

struct rtd_run_counts *
rtd_run_counts_new(struct rt_fs *fs, int dir, const uint8_t *database_uuid)
{
	struct rtd_run_counts *counts = rt_alloc_zero(1, sizeof(*counts));

	counts->fs = fs;
	counts->dir = dir;
	counts->database_uuid = database_uuid;
	rt_mutex_init(&counts->mu);
	return counts;
}

static void
run_fini(struct rtd_run_counts_of *run)
{
	for (size_t i = 0; i < run->counts_count; i++) {
		rt_buf_fini(&run->counts[i].all);
		rt_buf_fini(&run->counts[i].alive);
	}
	free(run->counts);
	free(run->plain);
	free(run->tables);
	*run = (struct rtd_run_counts_of){ .id = 0 };
}

static void
free_runs(struct rtd_run_counts_of *runs, size_t count)
{
	for (size_t i = 0; i < count; i++)
		run_fini(&runs[i]);
	free(runs);
}

void
rtd_run_counts_free(struct rtd_run_counts *counts)
{
	if (counts == NULL)
		return;
	free_runs(counts->runs, counts->runs_count);
	rt_mutex_fini(&counts->mu);
	free(counts);
}

/* -- making the counts of a run -- */

/* What the tables of a run are added up in. They are in key order, so that one
 * keyspace is complete when the next one comes. */
struct making {
	struct rtd_run_counts_of *run;
	const uint64_t *drops;
	size_t drops_count;
	uint64_t now_ms;
	struct rtd_run_count at;	/* the keyspace under way */
	struct rt_key_sketch alive;
	struct rt_key_sketch all;
};

static void
close_keyspace(struct making *making)
{
	struct rtd_run_counts_of *run = making->run;
	struct rtd_run_count *at = &making->at;

	if (at->keys != 0) {
		rt_key_sketch_merge(&making->all, &making->alive);
		rt_key_sketch_encode(&making->all, &at->all);
		if (at->live != at->keys)
			rt_key_sketch_encode(&making->alive, &at->alive);
		run->counts = rt_realloc(run->counts,
		    (run->counts_count + 1) * sizeof(run->counts[0]));
		run->counts[run->counts_count++] = *at;
		memset(&making->alive, 0, sizeof(making->alive));
		memset(&making->all, 0, sizeof(making->all));
	}
	*at = (struct rtd_run_count){ .keyspace = 0 };
}

static uint64_t
drop_of(const struct making *making, uint32_t keyspace)
{
	return keyspace < making->drops_count ? making->drops[keyspace] : 0;
}

/* False: malformed. */
static bool
add_count(struct making *making, const struct rt_key_count *count)
{
	struct rtd_run_count *at = &making->at;
	bool ended = count->expire_max_ms != 0 &&
	    count->expire_max_ms <= making->now_ms;

	if (at->keyspace != count->keyspace)
		close_keyspace(making);
	at->keyspace = count->keyspace;
	if (count->max_seq <= drop_of(making, count->keyspace))
		return true;
	at->keys += count->live + count->dead;
	if (!ended) {
		at->live += count->live;
		at->expiring += count->expiring;
		at->expire_sum_ms +=
		    (double)count->expiring * (double)count->expire_mean_ms;
		if (count->expire_max_ms != 0 &&
		    count->expire_max_ms < making->run->until_ms)
			making->run->until_ms = count->expire_max_ms;
	}
	return rt_key_sketch_merge_encoded(
		   ended ? &making->all : &making->alive, count->live_sketch) &&
	    rt_key_sketch_merge_encoded(&making->all, count->dead_sketch);
}

static void
add_plain(struct making *making, const struct rt_manifest_table *table)
{
	struct rtd_run_counts_of *run = making->run;
	uint64_t puts = table->entries - table->tombstones;

	run->plain = rt_realloc(run->plain,
	    (run->plain_count + 1) * sizeof(run->plain[0]));
	run->plain[run->plain_count++] = (struct rtd_plain_table){
		.first = rt_key_keyspace(table->smallest),
		.last = rt_key_keyspace(table->largest),
		.live = puts > table->tombstones ? puts - table->tombstones : 0,
		.max_seq = table->max_seq,
	};
}

static enum rt_code
add_table(const struct rtd_run_counts *counts, struct making *making,
    const struct rt_manifest_table *table, struct rt_err *err)
{
	struct rt_table_expect expect = {
		.size = table->size,
		.unique_id = table->unique_id,
		.database_uuid = counts->database_uuid,
	};
	char name[RT_PATH_NAME_BYTES];
	struct rt_buf section = { 0 };
	struct rt_key_count count;
	struct rt_cursor cursor;
	enum rt_code code;

	rt_path_table(name, table->id);
	code = rt_table_read_key_counts(counts->fs, counts->dir, name, &expect,
	    &section, err);
	if (code == RT_ENOTFOUND) {
		add_plain(making, table);
		code = RT_OK;
	} else if (code == RT_OK) {
		cursor = rt_cursor(rt_buf_slice(&section));
		while (rt_key_counts_next(&cursor, &count))
			if (!add_count(making, &count))
				cursor.bad = true;
		if (cursor.bad)
			code = rt_err_set(err, RT_EDAMAGED,
			    "%s: key counts: malformed", name);
	}
	rt_buf_fini(&section);
	return code;
}

static enum rt_code
make_run(const struct rtd_run_counts *counts, struct making *making,
    const struct rt_manifest_run *from, struct rtd_run_counts_of *run,
    struct rt_err *err)
{
	enum rt_code code = RT_OK;

	making->run = run;
	run->id = from->id;
	run->until_ms = UINT64_MAX;
	run->tables = rt_alloc(from->tables_count * sizeof(run->tables[0]));
	run->tables_count = from->tables_count;
	for (size_t i = 0; i < from->tables_count; i++)
		run->tables[i] = from->tables[i].id;
	for (size_t i = 0; i < from->tables_count && code == RT_OK; i++)
		code = add_table(counts, making, &from->tables[i], err);
	close_keyspace(making);
	return code;
}

/* -- the runs of a manifest -- */

static bool
still_holds(const struct rtd_run_counts_of *run,
    const struct rt_manifest_run *from, uint64_t now_ms)
{
	if (run->id != from->id || run->tables_count != from->tables_count ||
	    run->until_ms <= now_ms)
		return false;
	for (size_t i = 0; i < run->tables_count; i++)
		if (!rt_file_id_equal(run->tables[i], from->tables[i].id))
			return false;
	return true;
}

/* Move what is known of the run out of the old array. */
static bool
take_known(struct rtd_run_counts *counts, const struct rt_manifest_run *from,
    uint64_t now_ms, struct rtd_run_counts_of *out)
{
	for (size_t i = 0; i < counts->runs_count; i++) {
		if (!still_holds(&counts->runs[i], from, now_ms))
			continue;
		*out = counts->runs[i];
		counts->runs[i] = (struct rtd_run_counts_of){ .id = 0 };
		return true;
	}
	return false;
}

static size_t
memory_of(const struct rtd_run_counts *counts)
{
	size_t bytes = 0;

	for (size_t i = 0; i < counts->runs_count; i++) {
		const struct rtd_run_counts_of *run = &counts->runs[i];

		bytes += sizeof(*run) +
		    run->tables_count * sizeof(run->tables[0]) +
		    run->counts_count * sizeof(run->counts[0]) +
		    run->plain_count * sizeof(run->plain[0]);
		for (size_t j = 0; j < run->counts_count; j++)
			bytes += run->counts[j].all.cap +
			    run->counts[j].alive.cap;
	}
	return bytes;
}

enum rt_code
rtd_run_counts_load(struct rtd_run_counts *counts,
    const struct rt_manifest *manifest, const uint64_t *drops,
    size_t drops_count, uint64_t now_ms, struct rt_err *err)
{
	uint64_t drops_hash =
	    rt_hash64(rt_slice(drops, drops_count * sizeof(drops[0])));
	struct rtd_run_counts_of *runs =
	    rt_alloc_zero(manifest->runs_count, sizeof(runs[0]));
	struct making *making = rt_alloc_zero(1, sizeof(*making));
	enum rt_code code = RT_OK;

	making->drops = drops;
	making->drops_count = drops_count;
	making->now_ms = now_ms;
	for (size_t i = 0; i < manifest->runs_count && code == RT_OK; i++)
		if (drops_hash != counts->drops_hash ||
		    !take_known(counts, &manifest->runs[i], now_ms, &runs[i]))
			code = make_run(counts, making, &manifest->runs[i],
			    &runs[i], err);
	free(making);
	free_runs(counts->runs, counts->runs_count);
	counts->runs = NULL;
	counts->runs_count = 0;
	if (code != RT_OK) {
		free_runs(runs, manifest->runs_count);
		return code;
	}
	counts->runs = runs;
	counts->runs_count = manifest->runs_count;
	counts->drops_hash = drops_hash;
	atomic_store_explicit(&counts->memory, memory_of(counts),
	    memory_order_relaxed);
	return RT_OK;
}

static const struct rtd_run_count *
find(const struct rtd_run_counts_of *run, uint32_t keyspace)
{
	for (size_t i = 0; i < run->counts_count; i++)
		if (run->counts[i].keyspace == keyspace)
			return &run->counts[i];
	return NULL;
}

/* Sketches taken out of their stored form. */
struct unpacked {
	struct rt_key_sketch all;
	struct rt_key_sketch alive;
};

static void
add_run(const struct rtd_run_count *count, struct unpacked *unpacked,
    struct rtd_key_estimate *estimate)
{
	bool all_live = count->live == count->keys;

	memset(unpacked, 0, sizeof(*unpacked));
	rt_assert(rt_key_sketch_merge_encoded(&unpacked->all,
	    rt_buf_slice(&count->all)));
	if (!all_live)
		rt_assert(rt_key_sketch_merge_encoded(&unpacked->alive,
		    rt_buf_slice(&count->alive)));
	rtd_key_estimate_add(estimate, &(struct rtd_key_layer){
		.keys = count->keys,
		.live = count->live,
		.expiring = count->expiring,
		.expire_sum_ms = count->expire_sum_ms,
		.all = &unpacked->all,
		.alive = all_live ? &unpacked->all : &unpacked->alive,
	});
}

uint64_t
rtd_run_counts_add(struct rtd_run_counts *counts, uint32_t keyspace,
    uint64_t drop_seq, struct rtd_key_estimate *estimate)
{
	struct unpacked *unpacked = rt_alloc(sizeof(*unpacked));
	uint64_t plain = 0;

	for (size_t i = 0; i < counts->runs_count; i++) {
		const struct rtd_run_counts_of *run = &counts->runs[i];
		const struct rtd_run_count *count = find(run, keyspace);

		if (count != NULL)
			add_run(count, unpacked, estimate);
		/* Such a table's keys go to its keyspaces in equal parts. */
		for (size_t j = 0; j < run->plain_count; j++) {
			const struct rtd_plain_table *at = &run->plain[j];

			if (keyspace >= at->first && keyspace <= at->last &&
			    at->max_seq > drop_seq)
				plain += at->live /
				    (at->last - at->first + UINT64_C(1));
		}
	}
	free(unpacked);
	return plain;
}
