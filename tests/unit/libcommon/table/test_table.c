/* Tables written and read back, against a sorted array. */
#include "libcommon/table/table_reader.h"

#include <stdio.h>
#include <stdlib.h>

#include "libcommon/base/hash.h"
#include "tests/support/runner.h"
#include "tests/support/scratch_dir.h"
#include "tests/unit/libcommon/table/table_model.h"

#define NAME "d-1.sst"

static const enum rt_compression compressions[] = { RT_COMPRESSION_NONE,
	RT_COMPRESSION_SNAPPY, RT_COMPRESSION_LZ4, RT_COMPRESSION_ZSTD };

static struct rt_table_reader *
open_table(const struct rtt_scratch *scratch, const struct rt_table_info *info,
    struct rt_block_cache *cache)
{
	struct rt_table_expect expect = { .size = info->size,
		.unique_id = info->unique_id };
	struct rt_table_reader *reader = NULL;
	struct rt_err err = { .code = RT_OK };
	bool damaged = true;
	enum rt_code code;

	code = rt_table_reader_open(&reader, rt_fs_posix(), scratch->fd, NAME,
	    &expect, cache, &damaged, &err);
	ck_assert_msg(code == RT_OK, "%s", err.text);
	ck_assert(!damaged);
	return reader;
}

static void
assert_get(struct rt_table_reader *reader, const struct rtt_model *model,
    struct rt_slice key, uint64_t seq)
{
	size_t i = rtt_model_seek(model, key, seq);
	struct rt_table_found found;
	struct rt_err err = { .code = RT_OK };
	enum rt_code code = rt_table_reader_get(reader, key, rt_hash64(key),
	    seq, 0, &found, &err);

	if (i == model->count || !rt_slice_equal(model->entries[i].key, key)) {
		ck_assert_int_eq(code, RT_ENOTFOUND);
		return;
	}
	ck_assert_msg(code == RT_OK, "%d %s", code, err.text);
	ck_assert_uint_eq(found.seq, model->entries[i].seq);
	ck_assert_int_eq(found.type, model->entries[i].type);
	ck_assert(rt_slice_equal(found.value, model->entries[i].value));
	rt_table_found_fini(&found);
}

static void
assert_iters(struct rt_table_reader *reader, const struct rtt_model *model,
    struct rtt_random *random)
{
	static const size_t readaheads[] = { 0, 1, 5000, 1 << 20 };

	for (size_t i = 0; i < RT_COUNTOF(readaheads); i++) {
		struct rt_iter *iter =
		    rt_table_reader_iter(reader, RT_TABLE_COLD, readaheads[i]);

		ck_assert(!iter->valid);
		rt_iter_seek_first(iter);
		rtt_model_assert_iter(model, 0, iter);
		rtt_model_walk(model, iter, random, 500);
		for (size_t j = 0; j < 3; j++) {
			const struct rt_entry *to =
			    &model->entries[rtt_random_below(random,
				model->count)];
			uint64_t seq = to->seq + rtt_random_below(random, 3);
			size_t from;

			seq = seq == 0 ? 0 : seq - 1;
			from = rtt_model_seek(model, to->key, seq);
			rt_iter_seek(iter, to->key, seq);
			rtt_model_assert_iter(model, from, iter);
		}
		rt_iter_seek(iter, rt_slice("\xff", 1), RT_SEQ_MAX);
		ck_assert(!iter->valid && iter->code == RT_OK);
		rt_iter_seek(iter, rt_slice(NULL, 0), RT_SEQ_MAX);
		rtt_model_assert_iter(model, 0, iter);
		rt_iter_free(iter);
	}
}

/* Write the model in this way and ask the table everything. */
static void
assert_reads_back(const struct rtt_model *model,
    const struct rt_table_options *options, struct rt_block_cache *cache,
    struct rtt_random *random)
{
	struct rt_table_info info;
	struct rt_table_reader *reader;
	struct rtt_scratch scratch;
	struct rt_err err;

	rtt_scratch_init(&scratch);
	rtt_model_write(model, scratch.fd, NAME, options, &info);
	ck_assert_uint_eq(info.entries, model->count);
	ck_assert(rt_slice_equal(rt_buf_slice(&info.smallest),
	    model->entries[0].key));
	ck_assert(rt_slice_equal(rt_buf_slice(&info.largest),
	    model->entries[model->count - 1].key));
	reader = open_table(&scratch, &info, cache);
	ck_assert_int_eq(rt_table_reader_verify(reader, info.crc32c, &err),
	    RT_OK);
	ck_assert_int_eq(rt_table_reader_verify(reader, info.crc32c ^ 1, &err),
	    RT_EDAMAGED);
	for (size_t i = 0; i < model->count; i++) {
		const struct rt_entry *entry = &model->entries[i];
		struct rt_slice key = entry->key;

		assert_get(reader, model, key, entry->seq);
		assert_get(reader, model, key, entry->seq - 1);
		assert_get(reader, model, key,
		    rtt_random_below(random, RT_SEQ_MAX));
		key.len -= key.len > RT_KEY_PREFIX_BYTES;
		assert_get(reader, model, key, RT_SEQ_MAX);
	}
	assert_iters(reader, model, random);
	rt_table_reader_unref(reader);
	rt_table_info_fini(&info);
	rtt_scratch_fini(&scratch);
}

/* With an index of one level, and with one of two. */
static void
assert_round_trip(const struct rtt_model *model,
    const struct rt_table_options *options, struct rt_block_cache *cache,
    struct rtt_random *random)
{
	struct rt_table_options levels = *options;

	assert_reads_back(model, options, cache, random);
	levels.unique_id++;
	levels.index_bytes_max = 1;
	levels.index_part_blocks = 1 + rtt_random_below(random, 5);
	assert_reads_back(model, &levels, cache, random);
}

START_TEST(random_tables_read_back)
{
	struct rtt_random random = rtt_random_new();

	for (size_t round = 0; round < 12; round++) {
		struct rt_table_options options =
		    rtt_table_options(compressions[round % 4]);
		struct rtt_model model = { .count = 0 };

		options.block_bytes = 1024 << rtt_random_below(&random, 4);
		options.bloom_bits_per_key =
		    (unsigned)rtt_random_below(&random, 17);
		options.write_behind_bytes = 4096;
		options.drop_cache = round % 2 == 0;
		rtt_model_fill(&model, &random,
		    1 + rtt_random_below(&random, 600), 1, 60);
		assert_round_trip(&model, &options, NULL, &random);
		rtt_model_fini(&model);
	}
}
END_TEST

START_TEST(cached_tables_read_back)
{
	static const size_t budgets[] = { 0, 8 << 10, 1 << 20 };
	struct rtt_random random = rtt_random_new();

	for (size_t round = 0; round < 6; round++) {
		struct rt_block_cache *cache =
		    rt_block_cache_new(budgets[round / 2]);
		struct rt_table_options options =
		    rtt_table_options(compressions[round % 3]);
		struct rtt_model model = { .count = 0 };
		struct rt_block_cache_stats stats;

		rtt_model_fill(&model, &random, 400, RT_SEQ_MAX - 500, 100);
		assert_round_trip(&model, &options, cache, &random);
		rt_block_cache_get_stats(cache, &stats);
		ck_assert_uint_le(stats.bytes, stats.bytes_max);
		ck_assert(budgets[round / 2] == 0 || stats.hits > 0);
		rtt_model_fini(&model);
		rt_block_cache_free(cache);
	}
}
END_TEST

START_TEST(versions_of_a_key_span_blocks)
{
	struct rtt_random random = rtt_random_new();

	for (size_t round = 0; round < 4; round++) {
		struct rt_table_options options =
		    rtt_table_options(compressions[round]);
		struct rtt_model model = { .count = 0 };

		for (uint64_t seq = 1; seq <= 500; seq++)
			rtt_model_add(&model, rt_slice("middle", 6), seq * 3,
			    seq % 7 == 0 ? -1 : 40, 0);
		rtt_model_add(&model, rt_slice("middl", 5), 5000, 10, 0);
		rtt_model_add(&model, rt_slice("middle\0", 7), 5001, 10, 0);
		rtt_model_sort(&model);
		assert_round_trip(&model, &options, NULL, &random);
		rtt_model_fini(&model);
	}
}
END_TEST

START_TEST(extreme_sizes_read_back)
{
	struct rtt_random random = rtt_random_new();
	struct rt_block_cache *cache = rt_block_cache_new(4 << 20);

	for (size_t round = 0; round < 4; round++) {
		struct rt_table_options options =
		    rtt_table_options(compressions[round]);
		struct rtt_model model = { .count = 0 };
		uint8_t *long_key = calloc(1, RT_USER_KEY_BYTES_MAX);

		rtt_model_add(&model, rt_slice(NULL, 0), 9, 0, 0);
		rtt_model_add(&model, rt_slice(NULL, 0), 8, -1, 0);
		rtt_model_add(&model, rt_slice("a", 1), 7, 0, 12345);
		rtt_model_add(&model, rt_slice("b", 1), 6, 1 << 20, 0);
		rtt_model_add(&model, rt_slice("c", 1), 5, 3, 0);
		/* Written from where they are; alone, side by side, twice. */
		rtt_model_add(&model, rt_slice("d", 1), 4, (4 << 20) - 1, 0);
		rtt_model_add(&model, rt_slice("e", 1), 4, 4 << 20, 0);
		rtt_model_add(&model, rt_slice("e", 1), 3, 5 << 20, 12345);
		rtt_model_add(&model, rt_slice("f", 1), 2, 3, 0);
		rtt_model_add(&model, rt_slice("g", 1), 1, 4 << 20, 0);
		for (uint64_t seq = 10; seq < 16; seq++) {
			long_key[RT_USER_KEY_BYTES_MAX - 1] = (uint8_t)seq / 2;
			rtt_model_add(&model,
			    rt_slice(long_key, RT_USER_KEY_BYTES_MAX), seq, 5,
			    0);
		}
		rtt_model_sort(&model);
		options.index_bytes_max = round < 2 ? 0 : 1;
		assert_reads_back(&model, &options, round % 2 ? cache : NULL,
		    &random);
		free(long_key);
		rtt_model_fini(&model);
	}
	rt_block_cache_free(cache);
}
END_TEST

static void
fill_clusters(struct rtt_model *model)
{
	for (unsigned i = 0; i < 20000; i++) {
		char key[64];

		/* Clusters: the index has both runs of equal prefixes and
		 * leaps between them. */
		snprintf(key, sizeof(key), "%c:%s%010u", 'a' + (int)(i % 5) * 3,
		    i % 5 == 2 ? "same words " : "",
		    i * (i % 5 == 1 ? 77777u : 1u));
		rtt_model_add(model, rt_slice_cstr(key), i + 1, 60, 0);
	}
	rtt_model_sort(model);
}

static void
assert_found(struct rt_table_reader *reader, const struct rt_entry *entry)
{
	struct rt_table_found found;

	ck_assert_int_eq(rt_table_reader_get(reader, entry->key,
			     rt_hash64(entry->key), RT_SEQ_MAX, 0, &found,
			     NULL),
	    RT_OK);
	ck_assert_uint_eq(found.seq, entry->seq);
	rt_table_found_fini(&found);
}

START_TEST(many_blocks_with_shared_prefixes_are_found)
{
	struct rtt_model model = { .count = 0 };
	struct rtt_scratch scratch;

	fill_clusters(&model);
	/* One level, two, and two with a cache. */
	for (unsigned round = 0; round < 3; round++) {
		struct rt_table_options options =
		    rtt_table_options(RT_COMPRESSION_NONE);
		struct rt_block_cache *cache =
		    round == 2 ? rt_block_cache_new(200000) : NULL;
		struct rt_table_reader *reader;
		struct rt_table_info info;

		options.index_bytes_max = round == 0 ? 0 : 1000;
		options.index_part_blocks = round == 0 ? 0 : 7;
		rtt_scratch_init(&scratch);
		rtt_model_write(&model, scratch.fd, NAME, &options, &info);
		reader = open_table(&scratch, &info, cache);
		for (size_t i = 0; i < model.count; i++)
			assert_found(reader, &model.entries[i]);
		rt_table_reader_unref(reader);
		rt_table_info_fini(&info);
		rtt_scratch_fini(&scratch);
		rt_block_cache_free(cache);
	}
	rtt_model_fini(&model);
}
END_TEST

START_TEST(two_levels_hold_little_in_memory)
{
	struct rtt_model model = { .count = 0 };
	size_t memory[2];

	fill_clusters(&model);
	for (unsigned round = 0; round < 2; round++) {
		struct rt_table_options options =
		    rtt_table_options(RT_COMPRESSION_NONE);
		struct rt_table_reader *reader;
		struct rt_table_info info;
		struct rtt_scratch scratch;

		options.bloom_bits_per_key = 0;
		options.index_bytes_max = round == 0 ? 0 : 1000;
		rtt_scratch_init(&scratch);
		rtt_model_write(&model, scratch.fd, NAME, &options, &info);
		reader = open_table(&scratch, &info, NULL);
		memory[round] = rt_table_reader_memory(reader);
		rt_table_reader_unref(reader);
		rt_table_info_fini(&info);
		rtt_scratch_fini(&scratch);
	}
	ck_assert_uint_lt(memory[1] * 10, memory[0]);
	rtt_model_fini(&model);
}
END_TEST

START_TEST(a_table_without_its_filter_reads_the_same)
{
	struct rt_table_options options =
	    rtt_table_options(RT_COMPRESSION_NONE);
	struct rt_table_expect expect = { .unique_id = RTT_TABLE_UNIQUE_ID,
		.without_filter = true };
	struct rtt_model model = { .count = 0 };
	struct rt_table_reader *reader = NULL;
	struct rt_table_info info;
	struct rtt_scratch scratch;
	size_t memory;

	fill_clusters(&model);
	options.bloom_bits_per_key = 16;
	rtt_scratch_init(&scratch);
	rtt_model_write(&model, scratch.fd, NAME, &options, &info);
	reader = open_table(&scratch, &info, NULL);
	memory = rt_table_reader_memory(reader);
	rt_table_reader_unref(reader);
	expect.size = info.size;
	ck_assert_int_eq(rt_table_reader_open(&reader, rt_fs_posix(),
	    scratch.fd, NAME, &expect, NULL, NULL, NULL), RT_OK);
	/* Two bytes a key. */
	ck_assert_uint_le(rt_table_reader_memory(reader) + 2 * 20000, memory);
	for (size_t i = 0; i < model.count; i += 7)
		assert_found(reader, &model.entries[i]);
	rt_table_reader_unref(reader);
	rt_table_info_fini(&info);
	rtt_scratch_fini(&scratch);
	rtt_model_fini(&model);
}
END_TEST

START_TEST(a_get_in_steps_is_a_get)
{
	struct rt_table_options options = rtt_table_options(RT_COMPRESSION_LZ4);
	struct rt_block_cache *cache = rt_block_cache_new(30000);
	struct rtt_random random = rtt_random_new();
	struct rtt_model model = { .count = 0 };
	struct rt_table_reader *reader;
	struct rt_table_info info;
	struct rtt_scratch scratch;

	options.index_bytes_max = 1;
	options.index_part_blocks = 3;
	rtt_model_fill(&model, &random, 600, 1, 100);
	rtt_scratch_init(&scratch);
	rtt_model_write(&model, scratch.fd, NAME, &options, &info);
	reader = open_table(&scratch, &info, cache);
	for (size_t i = 0; i < 2 * model.count; i++) {
		const struct rt_entry *entry = &model.entries[i / 2];
		uint64_t hash = rt_hash64(entry->key);
		struct rt_table_place place;
		struct rt_table_found found;

		rt_table_reader_prefetch(reader, hash);
		ck_assert_int_eq(rt_table_reader_locate(reader, entry->key,
				     hash, entry->seq, 0, &place, NULL),
		    RT_OK);
		if (i % 4 == 0)
			rt_table_reader_approach(&place);
		if (i % 3 == 0)
			rt_table_reader_pin(&place);
		if (i % 2 == 0)
			rt_table_reader_aim(&place, entry->key, hash,
			    entry->seq);
		if (i % 5 == 0) {
			rt_table_place_fini(&place);
			continue;
		}
		ck_assert_int_eq(rt_table_reader_get_at(&place, entry->key,
				     hash, entry->seq, 0, &found, NULL),
		    RT_OK);
		ck_assert_uint_eq(found.seq, entry->seq);
		ck_assert(rt_slice_equal(found.value, entry->value));
		rt_table_found_fini(&found);
	}
	rt_table_reader_unref(reader);
	/* Nothing is pinned any more. */
	rt_block_cache_free(cache);
	rt_table_info_fini(&info);
	rtt_scratch_fini(&scratch);
	rtt_model_fini(&model);
}
END_TEST

/* The version of a key, by a get that must not wait. False where the file system
 * cannot do that. */
static bool
get_nowait(struct rt_table_reader *reader, const struct rt_entry *entry,
    struct rt_table_found *found)
{
	struct rt_err err = { .code = RT_OK };
	enum rt_code code = rt_table_reader_get(reader, entry->key,
	    rt_hash64(entry->key), entry->seq, RT_TABLE_NOWAIT, found, &err);

	if (code == RT_EAGAIN)
		return false;
	ck_assert_msg(code == RT_OK, "%d %s", code, err.text);
	ck_assert_uint_eq(found->seq, entry->seq);
	ck_assert(rt_slice_equal(found->value, entry->value));
	return true;
}

/* True when the block is read and not kept. Then it is the next time, and found
 * the time after. */
static bool
passes_by(struct rt_table_reader *reader, const struct rt_entry *entry,
    struct rt_block_cache *cache)
{
	struct rt_block_cache_stats before, after;
	struct rt_table_found found = { .seq = 0 };
	bool passed;

	rt_block_cache_get_stats(cache, &before);
	passed = get_nowait(reader, entry, &found) && found.owned != NULL;
	ck_assert(!passed || (found.block == NULL && found.was_read));
	rt_table_found_fini(&found);
	if (!passed)
		return false;
	ck_assert(get_nowait(reader, entry, &found));
	ck_assert(found.block != NULL && found.was_read);
	rt_table_found_fini(&found);
	ck_assert(get_nowait(reader, entry, &found));
	ck_assert(found.block != NULL && !found.was_read);
	rt_table_found_fini(&found);
	rt_block_cache_get_stats(cache, &after);
	ck_assert_uint_eq(after.misses, before.misses + 2);
	return true;
}

/* compression: of blocks that go by way of the stack, or none of them. */
static void
assert_passes_by(enum rt_compression compression)
{
	struct rt_table_options options = rtt_table_options(compression);
	struct rt_block_cache *cache = rt_block_cache_new(30000);
	struct rtt_random random = rtt_random_new();
	struct rtt_model model = { .count = 0 };
	struct rt_table_reader *reader;
	struct rt_table_found found = { .seq = 0 };
	struct rt_table_info info;
	struct rtt_scratch scratch;
	struct rt_block_cache_stats stats;
	unsigned passed = 0;

	rtt_model_fill(&model, &random, 2000, 1, 100);
	rtt_scratch_init(&scratch);
	rtt_model_write(&model, scratch.fd, NAME, &options, &info);
	reader = open_table(&scratch, &info, cache);
	/* Until it is full of other blocks. */
	for (size_t i = 0; i < model.count * 3 / 4; i++)
		assert_get(reader, &model, model.entries[i].key,
		    model.entries[i].seq);
	rt_block_cache_get_stats(cache, &stats);
	ck_assert_uint_gt(stats.evictions, 0);
	for (size_t i = model.count * 3 / 4; i < model.count; i++)
		passed += passes_by(reader, &model.entries[i], cache);
	ck_assert(passed > 0 || !get_nowait(reader, model.entries, &found));
	rt_table_found_fini(&found);
	rt_table_reader_unref(reader);
	rt_block_cache_free(cache);
	rt_table_info_fini(&info);
	rtt_scratch_fini(&scratch);
	rtt_model_fini(&model);
}

START_TEST(a_block_of_the_page_cache_passes_a_full_cache_by)
{
	assert_passes_by(RT_COMPRESSION_NONE);
	assert_passes_by(RT_COMPRESSION_LZ4);
}
END_TEST

static void
write_and_inspect(struct rtt_model *model, struct rt_table_info *info)
{
	struct rt_table_options options =
	    rtt_table_options(RT_COMPRESSION_NONE);
	struct rtt_scratch scratch;

	rtt_model_sort(model);
	rtt_scratch_init(&scratch);
	rtt_model_write(model, scratch.fd, NAME, &options, info);
	rtt_scratch_fini(&scratch);
	rtt_model_fini(model);
}

START_TEST(info_tells_what_was_written)
{
	struct rtt_model model = { .count = 0 };
	struct rt_table_info info;

	rtt_model_add(&model, rt_slice("a", 1), 40, 10, 500);
	rtt_model_add(&model, rt_slice("bb", 2), 20, 20, 300);
	write_and_inspect(&model, &info);
	ck_assert_uint_eq(info.unique_id, RTT_TABLE_UNIQUE_ID);
	ck_assert_uint_eq(info.min_seq, 20);
	ck_assert_uint_eq(info.max_seq, 40);
	ck_assert_uint_eq(info.tombstones, 0);
	ck_assert_uint_eq(info.expire_min_ms, 300);
	ck_assert_uint_eq(info.expire_max_ms, 500);
	ck_assert_uint_eq(info.payload, 1 + 10 + 2 + 20);
	rt_table_info_fini(&info);
}
END_TEST

START_TEST(a_tombstone_keeps_a_table_from_expiring_whole)
{
	for (uint64_t at = 1; at <= 3; at++) {
		struct rtt_model model = { .count = 0 };
		struct rt_table_info info;

		for (uint64_t i = 1; i <= 3; i++)
			rtt_model_add(&model, rt_slice(&i, 1), i,
			    i == at ? -1 : 4, i * 100);
		write_and_inspect(&model, &info);
		ck_assert_uint_eq(info.tombstones, 1);
		ck_assert_uint_eq(info.expire_min_ms, at == 1 ? 200 : 100);
		ck_assert_uint_eq(info.expire_max_ms, 0);
		rt_table_info_fini(&info);
	}
}
END_TEST

static enum rt_code
try_add(struct rt_table_writer *writer, struct rt_slice key, uint64_t seq,
    enum rt_entry_type type, struct rt_slice value)
{
	struct rt_entry entry = { .key = key,
		.seq = seq,
		.type = type,
		.value = value };

	return rt_table_writer_add(writer, &entry, NULL);
}

START_TEST(writer_refuses_disorder_and_malformed_entries)
{
	struct rt_table_options options =
	    rtt_table_options(RT_COMPRESSION_NONE);
	struct rt_slice good = rt_slice("\0v", 2), none = rt_slice(NULL, 0);
	struct rt_slice key = rt_slice_cstr("11111b");
	struct rt_slice before = rt_slice_cstr("11111a");
	struct rt_slice after = rt_slice_cstr("11111c");
	struct rt_table_writer *writer = NULL;
	struct rt_table_info info;
	struct rtt_scratch scratch;

	rtt_scratch_init(&scratch);
	ck_assert_int_eq(rt_table_writer_open(&writer, rt_fs_posix(),
			     scratch.fd, NAME, &options, NULL),
	    RT_OK);
#define REFUSED(...) ck_assert_int_eq(try_add(writer, __VA_ARGS__), RT_EINVAL)
	ck_assert_int_eq(try_add(writer, key, 5, RT_ENTRY_PUT, good), RT_OK);
	REFUSED(key, 5, RT_ENTRY_PUT, good);
	REFUSED(key, 6, RT_ENTRY_PUT, good);
	REFUSED(before, 9, RT_ENTRY_PUT, good);
	REFUSED(rt_slice(key.data, 5), 4, RT_ENTRY_PUT, good);
	REFUSED(rt_slice("9999", 4), 4, RT_ENTRY_PUT, good);
	REFUSED(after, 0, RT_ENTRY_PUT, good);
	REFUSED(after, RT_SEQ_MAX + 1, RT_ENTRY_PUT, good);
	REFUSED(after, 4, RT_ENTRY_PUT, none);
	REFUSED(after, 4, RT_ENTRY_PUT, rt_slice("\x01short", 6));
	REFUSED(after, 4, RT_ENTRY_PUT, rt_slice("\x02x", 2));
	REFUSED(after, 4, RT_ENTRY_TOMBSTONE, good);
#undef REFUSED
	ck_assert_int_eq(try_add(writer, key, 4, RT_ENTRY_PUT, good), RT_OK);
	ck_assert_int_eq(try_add(writer, after, 4, RT_ENTRY_TOMBSTONE, none),
	    RT_OK);
	ck_assert_int_eq(rt_table_writer_finish(writer, &info, NULL), RT_OK);
	ck_assert_uint_eq(info.entries, 3);
	rt_table_info_fini(&info);
	rtt_scratch_fini(&scratch);
}
END_TEST

START_TEST(a_taken_name_is_refused_and_left_alone)
{
	struct rt_table_options options =
	    rtt_table_options(RT_COMPRESSION_NONE);
	struct rt_table_writer *writer = NULL;
	struct rtt_scratch scratch;
	bool exists = false;

	rtt_scratch_init(&scratch);
	ck_assert_int_eq(rt_fs_write_file(rt_fs_posix(), scratch.fd, NAME,
			     rt_slice("x", 1), NULL),
	    RT_OK);
	ck_assert_int_eq(rt_table_writer_open(&writer, rt_fs_posix(),
			     scratch.fd, NAME, &options, NULL),
	    RT_EEXIST);
	ck_assert_int_eq(
	    rt_fs_exists(rt_fs_posix(), scratch.fd, NAME, &exists, NULL),
	    RT_OK);
	ck_assert(exists);
	rtt_scratch_fini(&scratch);
}
END_TEST

START_TEST(a_table_without_entries_is_not_made)
{
	struct rt_table_options options =
	    rtt_table_options(RT_COMPRESSION_NONE);
	struct rt_table_writer *writer = NULL;
	struct rt_table_info info;
	struct rtt_scratch scratch;
	bool exists = true;

	rtt_scratch_init(&scratch);
	ck_assert_int_eq(rt_table_writer_open(&writer, rt_fs_posix(),
			     scratch.fd, NAME, &options, NULL),
	    RT_OK);
	ck_assert_int_eq(rt_table_writer_finish(writer, &info, NULL),
	    RT_EINVAL);
	ck_assert_int_eq(
	    rt_fs_exists(rt_fs_posix(), scratch.fd, NAME, &exists, NULL),
	    RT_OK);
	ck_assert(!exists);
	rtt_scratch_fini(&scratch);
}
END_TEST

/* Both ways show what lies in the range, and come to an end. */
static void
assert_range(struct rt_table_reader *reader, const struct rtt_model *model,
    size_t from, size_t to)
{
	struct rt_range range = { model->entries[from].key,
		model->entries[to].key };
	struct rt_iter *iter =
	    rt_table_reader_iter_range(reader, 0, 0, &range);
	size_t at = from;

	for (rt_iter_seek_first(iter); iter->valid && at < to;
	    rt_iter_next(iter))
		rtt_entry_assert_equal(&iter->entry, &model->entries[at++]);
	ck_assert_uint_eq(at, to);
	while (iter->valid)
		rt_iter_next(iter);
	rt_iter_seek_for_prev(iter, model->entries[to - 1].key, 0);
	for (; iter->valid && at > from; rt_iter_prev(iter))
		rtt_entry_assert_equal(&iter->entry, &model->entries[--at]);
	ck_assert_uint_eq(at, from);
	while (iter->valid)
		rt_iter_prev(iter);
	ck_assert_int_eq(iter->code, RT_OK);
	rt_iter_free(iter);
}

START_TEST(blocks_outside_of_a_range_are_not_read)
{
	struct rt_block_cache *cache = rt_block_cache_new(64 << 20);
	struct rt_table_options options =
	    rtt_table_options(RT_COMPRESSION_NONE);
	struct rtt_random random = rtt_random_new();
	struct rtt_model model = { .count = 0 };
	struct rt_table_reader *reader;
	struct rt_table_info info;
	struct rtt_scratch scratch;

	fill_clusters(&model);
	rtt_scratch_init(&scratch);
	rtt_model_write(&model, scratch.fd, NAME, &options, &info);
	for (size_t round = 0; round < 40; round++) {
		size_t from = rtt_random_below(&random, model.count - 30);
		struct rt_block_cache_stats before, after;

		reader = open_table(&scratch, &info, cache);
		rt_block_cache_get_stats(cache, &before);
		/* Some ten entries to a block: three blocks, or four. */
		assert_range(reader, &model, from, from + 20);
		rt_block_cache_get_stats(cache, &after);
		ck_assert_uint_le(after.misses + after.hits - before.misses -
		    before.hits, 2 * 6);
		rt_table_reader_unref(reader);
	}
	rt_table_info_fini(&info);
	rtt_scratch_fini(&scratch);
	rtt_model_fini(&model);
	rt_block_cache_free(cache);
}
END_TEST

RTT_MAIN("table", random_tables_read_back, cached_tables_read_back,
    versions_of_a_key_span_blocks, extreme_sizes_read_back,
    many_blocks_with_shared_prefixes_are_found,
    blocks_outside_of_a_range_are_not_read,
    two_levels_hold_little_in_memory,
    a_table_without_its_filter_reads_the_same, a_get_in_steps_is_a_get,
    a_block_of_the_page_cache_passes_a_full_cache_by,
    info_tells_what_was_written, a_tombstone_keeps_a_table_from_expiring_whole,
    writer_refuses_disorder_and_malformed_entries,
    a_taken_name_is_refused_and_left_alone, a_table_without_entries_is_not_made)
