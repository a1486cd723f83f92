/* A live key at random, without a walk over all of them.
 *
 * Versions are drawn from all memtables and tables alike, by their numbers: a
 * table's by a block of its and an entry of that. A version that is not the one
 * a reader sees now (an older one, a tombstone, one that has ended or was
 * dropped) is put back and another one is drawn, so that every key has one
 * version to be drawn by, however often it was written. Blocks are about
 * equally large, so keys with large values come oftener than others.
 *
 * When that fails many times, few of the versions live: then one of the first
 * keys behind the last version drawn, in key order and round the end, is
 * taken. That walks over no more than all keys, once. */
#include "libcommon/base/invariant.h"
#include "libcommon/table/block_iter.h"
#include "libcommon/table/table_blocks.h"
#include "riptided/engine/engine_state.h"

#define DRAWS_MAX 64
/* Keys among which one is taken when drawing fails. */
#define NEAR_KEYS_MAX 4096

struct drawing {
	struct rtd_reader *reader;
	const struct rtd_read *read;
	struct rtd_view *view;
	uint64_t state;		/* of the generator */
	struct rt_buf key;	/* store key of the version drawn last */
	uint64_t seq;		/* of it; 0: a tombstone */
};

/* splitmix64 */
static uint64_t
draw(struct drawing *drawing, uint64_t below)
{
	uint64_t z = drawing->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return (z ^ z >> 31) % below;
}

static void
take_version(struct drawing *drawing, const struct rt_entry *entry)
{
	rt_buf_clear(&drawing->key);
	rt_buf_append_slice(&drawing->key, entry->key);
	drawing->seq = entry->type == RT_ENTRY_PUT ? entry->seq : 0;
}

/* -- one version -- */

static void
draw_from_memtable(struct drawing *drawing, struct rtd_memtable *memtable)
{
	struct rtd_sorted_run *runs[RTD_SORTED_RUNS_MAX];
	size_t count = rtd_sorted_view_take(&memtable->sorted,
	    &memtable->arena, runs);
	uint64_t total = 0, at;
	struct rt_entry entry;

	for (size_t i = 0; i < count; i++)
		total += runs[i]->count;
	at = total != 0 ? draw(drawing, total) : 0;
	for (size_t i = 0; i < count; i++) {
		if (at < runs[i]->count) {
			entry = rtd_version_entry(runs[i]->items[at]);
			take_version(drawing, &entry);
			break;
		}
		at -= runs[i]->count;
	}
	for (size_t i = 0; i < count; i++)
		rtd_sorted_run_unref(runs[i]);
}

/* Of the entries one after another the n-th takes the place with 1 in n. */
static enum rt_block_result
draw_from_block(struct drawing *drawing, const struct rt_block *block)
{
	struct rt_block_iter iter = { 0 };
	enum rt_block_result result;

	rt_block_iter_begin(&iter, block, false);
	for (uint64_t n = 1; (result = rt_block_iter_next(&iter)) ==
	     RT_BLOCK_FOUND; n++)
		if (draw(drawing, n) == 0)
			take_version(drawing, &iter.entry);
	rt_block_iter_fini(&iter);
	return result;
}

static enum rt_code
draw_from_table(struct drawing *drawing, struct rtd_table *table,
    struct rt_err *err)
{
	struct rt_table_reader *reader;
	struct rt_table_locator locator;
	struct rt_loaded_block loaded = { 0 };
	struct rt_table_block block;
	enum rt_code code = rtd_table_ref(table, 0, &reader, err);

	if (code != RT_OK)
		return code;
	rt_table_locator_init(&locator, reader);
	code = rt_table_locate_number(&locator,
	    draw(drawing, rt_table_blocks_count(reader)), 0, &block, err);
	if (code == RT_OK)
		code = rt_table_load_block(reader, &block, 0, &loaded, err);
	if (code == RT_OK &&
	    draw_from_block(drawing, &loaded.block) != RT_BLOCK_END)
		code = rt_table_block_damaged(reader, &block, "entries", err);
	rt_table_drop_block(reader, &loaded);
	rt_table_locator_fini(&locator);
	rt_table_reader_unref(reader);
	return code;
}

/* How many versions a table can give; 0: none of this keyspace. */
static uint64_t
weight_of(const struct rt_manifest_table *table, uint32_t keyspace)
{
	return rt_key_keyspace(table->smallest) <= keyspace &&
	    rt_key_keyspace(table->largest) >= keyspace ? table->entries : 0;
}

static uint64_t
total_weight(const struct drawing *drawing)
{
	const struct rtd_view *view = drawing->view;
	uint64_t total = 0;

	for (size_t i = 0; i < view->memtables_count; i++)
		total += atomic_load(&view->memtables[i]->entries);
	for (size_t i = 0; i < view->runs_count; i++)
		for (size_t j = 0; j < view->runs[i].run->tables_count; j++)
			total += weight_of(&view->runs[i].run->tables[j],
			    drawing->read->keyspace);
	return total;
}

static enum rt_code
draw_version(struct drawing *drawing, uint64_t total, struct rt_err *err)
{
	const struct rtd_view *view = drawing->view;
	uint64_t at = draw(drawing, total), weight;

	for (size_t i = 0; i < view->runs_count; i++) {
		const struct rtd_view_run *run = &view->runs[i];

		for (size_t j = 0; j < run->run->tables_count; j++) {
			weight = weight_of(&run->run->tables[j],
			    drawing->read->keyspace);
			if (at < weight)
				return draw_from_table(drawing,
				    run->tables[j], err);
			at -= weight;
		}
	}
	for (size_t i = 0; i < view->memtables_count; i++) {
		/* The first one grows meanwhile. */
		weight = atomic_load(&view->memtables[i]->entries);
		if (at < weight || i + 1 == view->memtables_count) {
			draw_from_memtable(drawing, view->memtables[i]);
			break;
		}
		at -= weight;
	}
	return RT_OK;
}

/* RT_OK: it is what a reader sees now. RT_ENOTFOUND: it is not. */
static enum rt_code
judge(struct drawing *drawing, struct rt_buf *key, uint64_t *seq,
    struct rt_err *err)
{
	struct rt_slice store_key = rt_buf_slice(&drawing->key);
	struct rtd_value value = { 0 };
	enum rt_code code;

	if (drawing->seq == 0 ||
	    rt_key_keyspace(store_key) != drawing->read->keyspace)
		return RT_ENOTFOUND;
	code = rtd_reader_get(drawing->reader, drawing->read,
	    rt_key_user(store_key), &value, err);
	if (code == RT_OK && value.seq != drawing->seq)
		code = RT_ENOTFOUND;
	if (code == RT_OK) {
		rt_buf_append_slice(key, rt_key_user(store_key));
		*seq = value.seq;
	}
	rtd_value_fini(&value);
	return code;
}

/* -- a key near the last version -- */

static enum rt_code
take_near(struct drawing *drawing, struct rt_buf *key, bool *found,
    uint64_t *seq, struct rt_err *err)
{
	struct rt_iter *iter = rtd_reader_iter(drawing->reader, drawing->read,
	    seq);
	struct rt_slice from = rt_buf_slice(&drawing->key);
	enum rt_code code;

	if (iter == NULL)
		return rt_err_set(err, RT_EINVAL, "the snapshot was released");
	if (from.len != 0 && rt_key_keyspace(from) == drawing->read->keyspace)
		rt_iter_seek(iter, from, RT_SEQ_MAX);
	if (!iter->valid && iter->code == RT_OK)
		rt_iter_seek_first(iter);
	for (uint64_t n = 1; iter->valid && n <= NEAR_KEYS_MAX; n++) {
		if (draw(drawing, n) == 0) {
			rt_buf_clear(key);
			rt_buf_append_slice(key,
			    rt_key_user(iter->entry.key));
		}
		*found = true;
		rt_iter_next(iter);
	}
	code = iter->code;
	if (code != RT_OK && err != NULL)
		*err = iter->err;
	rt_iter_free(iter);
	return code;
}

enum rt_code
rtd_reader_random_key(struct rtd_reader *reader, const struct rtd_read *read,
    uint64_t seed, struct rt_buf *key, bool *found, uint64_t *seq,
    struct rt_err *err)
{
	struct drawing drawing = {
		.reader = reader,
		.read = read,
		.view = rtd_view_ref(rtd_reader_view(reader)),
		.state = seed,
	};
	uint64_t total = total_weight(&drawing);
	enum rt_code code = RT_ENOTFOUND;

	*seq = 0;
	for (int i = 0; i < DRAWS_MAX && code == RT_ENOTFOUND && total != 0;
	     i++) {
		code = draw_version(&drawing, total, err);
		if (code == RT_OK)
			code = judge(&drawing, key, seq, err);
	}
	*found = code == RT_OK;
	if (code == RT_ENOTFOUND)
		code = take_near(&drawing, key, found, seq, err);
	rt_buf_fini(&drawing.key);
	rtd_view_unref(drawing.view);
	return code;
}
