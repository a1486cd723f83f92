/* Tables that are not what was written: cut, flipped, of another kind. */
#include "libcommon/table/table_reader.h"

#include <stdlib.h>

#include "libcommon/base/coding.h"
#include "libcommon/base/crc32c.h"
#include "libcommon/base/hash.h"
#include "libcommon/table/table_format.h"
#include "tests/support/runner.h"
#include "tests/support/scratch_dir.h"
#include "tests/unit/libcommon/table/table_model.h"

#define NAME "d-1.sst"

/* A small table, its bytes, and what went in. */
struct fixture {
	struct rtt_scratch scratch;
	struct rtt_model model;
	struct rt_table_info info;
	struct rt_buf bytes;
	int fd; /* the file, to put other bytes in */
};

static void
fixture_init_with(struct fixture *fixture,
    const struct rt_table_options *options)
{
	*fixture = (struct fixture){ .fd = -1 };
	rtt_scratch_init(&fixture->scratch);
	for (uint64_t i = 0; i < 27; i++) {
		char key[] = { 'k', (char)('a' + i / 3), 'x', '\0' };

		rtt_model_add(&fixture->model, rt_slice(key, i % 4), i + 1,
		    i % 9 == 8 ? -1 : (ptrdiff_t)(30 + i), i % 5);
	}
	rtt_model_sort(&fixture->model);
	rtt_model_write(&fixture->model, fixture->scratch.fd, NAME, options,
	    &fixture->info);
	ck_assert_int_eq(rt_fs_read_file(rt_fs_posix(), fixture->scratch.fd,
			     NAME, 1 << 20, &fixture->bytes, NULL),
	    RT_OK);
	ck_assert_uint_eq(fixture->bytes.len, fixture->info.size);
	ck_assert_uint_eq(rt_crc32c(0, fixture->bytes.data, fixture->bytes.len),
	    fixture->info.crc32c);
	ck_assert_int_eq(rt_fs_open_write(rt_fs_posix(), fixture->scratch.fd,
			     NAME, &fixture->fd, NULL),
	    RT_OK);
}

static void
fixture_init(struct fixture *fixture, enum rt_compression compression,
    unsigned bloom_bits_per_key)
{
	struct rt_table_options options = rtt_table_options(compression);

	options.bloom_bits_per_key = bloom_bits_per_key;
	fixture_init_with(fixture, &options);
}

static void
fixture_fini(struct fixture *fixture)
{
	rt_fs_close(rt_fs_posix(), &fixture->fd, NULL);
	rtt_scratch_fini(&fixture->scratch);
	rtt_model_fini(&fixture->model);
	rt_table_info_fini(&fixture->info);
	rt_buf_fini(&fixture->bytes);
}

static void
put(struct fixture *fixture, const void *data, size_t len, uint64_t offset)
{
	ck_assert_int_eq(rt_fs_write_exact(rt_fs_posix(), fixture->fd, data,
			     len, offset, NULL),
	    RT_OK);
}

static enum rt_code
open_any(struct fixture *fixture, struct rt_table_reader **reader,
    bool *filter_damaged)
{
	struct rt_err err = { .code = RT_OK };
	enum rt_code code = rt_table_reader_open(reader, rt_fs_posix(),
	    fixture->scratch.fd, NAME, NULL, NULL, filter_damaged, &err);

	ck_assert_int_eq(err.code, code);
	if (code != RT_OK)
		ck_assert_ptr_nonnull(strstr(err.text, NAME));
	return code;
}

/* Every answer of a damaged table is right or an error. Gets ask for some of
 * the keys, another part of them with another `from`. */
static void
assert_right_or_error(struct fixture *fixture, struct rt_table_reader *reader,
    size_t from)
{
	struct rt_iter *iter = rt_table_reader_iter(reader, 0, 4096);
	size_t at = 0;

	for (size_t i = from % 8; i < fixture->model.count; i += 8) {
		const struct rt_entry *entry = &fixture->model.entries[i];
		struct rt_table_found found;
		struct rt_err err = { .code = RT_OK };
		enum rt_code code = rt_table_reader_get(reader, entry->key,
		    rt_hash64(entry->key), entry->seq, 0, &found, &err);

		if (code != RT_OK) {
			ck_assert_int_eq(code, RT_EDAMAGED);
			ck_assert_ptr_nonnull(strstr(err.text, NAME));
			continue;
		}
		ck_assert_uint_eq(found.seq, entry->seq);
		ck_assert_int_eq(found.type, entry->type);
		ck_assert(rt_slice_equal(found.value, entry->value));
		rt_table_found_fini(&found);
	}
	for (rt_iter_seek_first(iter); iter->valid; rt_iter_next(iter))
		rtt_entry_assert_equal(&iter->entry,
		    &fixture->model.entries[at++]);
	if (iter->code == RT_OK)
		ck_assert_uint_eq(at, fixture->model.count);
	else
		ck_assert_int_eq(iter->code, RT_EDAMAGED);
	rt_iter_free(iter);
}

static void
flip_every_bit(const struct rt_table_options *options)
{
	struct fixture fixture;

	fixture_init_with(&fixture, options);
	for (size_t bit = 0; bit < fixture.bytes.len * 8; bit++) {
		uint8_t byte =
		    fixture.bytes.data[bit / 8] ^ (uint8_t)(1 << bit % 8);
		struct rt_table_reader *reader = NULL;
		enum rt_code code;

		put(&fixture, &byte, 1, bit / 8);
		code = open_any(&fixture, &reader, NULL);
		if (code == RT_OK) {
			assert_right_or_error(&fixture, reader, bit);
			ck_assert_int_eq(rt_table_reader_verify(reader,
					     fixture.info.crc32c, NULL),
			    RT_EDAMAGED);
			ck_assert_int_eq(
			    rt_table_reader_verify(reader, 0, NULL),
			    RT_EDAMAGED);
			rt_table_reader_unref(reader);
		} else {
			ck_assert_int_eq(code, RT_EDAMAGED);
		}
		put(&fixture, &fixture.bytes.data[bit / 8], 1, bit / 8);
	}
	fixture_fini(&fixture);
}

START_TEST(flipped_bits_never_give_a_wrong_value)
{
	struct rt_table_options options =
	    rtt_table_options(RT_COMPRESSION_NONE);

	flip_every_bit(&options);
	/* A partition for each block. */
	options.index_bytes_max = 1;
	options.index_part_blocks = 1;
	flip_every_bit(&options);
}
END_TEST

START_TEST(flipped_bits_of_compressed_tables_neither)
{
	static const enum rt_compression compressions[] = {
		RT_COMPRESSION_SNAPPY, RT_COMPRESSION_LZ4, RT_COMPRESSION_ZSTD
	};

	for (size_t i = 0; i < RT_COUNTOF(compressions); i++) {
		struct rt_table_options options =
		    rtt_table_options(compressions[i]);

		options.bloom_bits_per_key = 0;
		flip_every_bit(&options);
		options.index_bytes_max = 1;
		options.index_part_blocks = 2;
		flip_every_bit(&options);
	}
}
END_TEST

START_TEST(a_cut_table_is_refused)
{
	struct fixture fixture;

	fixture_init(&fixture, RT_COMPRESSION_LZ4, 10);
	for (size_t len = fixture.bytes.len; len-- > 0;) {
		struct rt_table_reader *reader = NULL;

		ck_assert_int_eq(
		    rt_fs_truncate(rt_fs_posix(), fixture.fd, len, NULL),
		    RT_OK);
		ck_assert_int_eq(open_any(&fixture, &reader, NULL),
		    RT_EDAMAGED);
	}
	fixture_fini(&fixture);
}
END_TEST

START_TEST(a_table_with_bytes_behind_it_is_refused)
{
	struct rt_table_reader *reader = NULL;
	struct fixture fixture;

	fixture_init(&fixture, RT_COMPRESSION_NONE, 10);
	put(&fixture, "more", 4, fixture.bytes.len);
	ck_assert_int_eq(open_any(&fixture, &reader, NULL), RT_EDAMAGED);
	fixture_fini(&fixture);
}
END_TEST

START_TEST(a_damaged_filter_is_left_aside)
{
	uint64_t filter_at;
	struct rt_table_reader *reader = NULL;
	struct fixture fixture;
	bool damaged = false;

	fixture_init(&fixture, RT_COMPRESSION_NONE, 10);
	filter_at = rt_get_fixed64(
	    fixture.bytes.data + fixture.bytes.len - RT_TABLE_FOOTER_BYTES + 8);
	/* A filter of zeros would deny every key. */
	for (uint64_t i = 0; i < 64; i++)
		put(&fixture, "", 1, filter_at + i);
	ck_assert_int_eq(open_any(&fixture, &reader, &damaged), RT_OK);
	ck_assert(damaged);
	for (size_t i = 0; i < fixture.model.count; i++) {
		struct rt_slice key = fixture.model.entries[i].key;
		struct rt_table_found found;

		ck_assert(rt_table_reader_may_contain(reader, rt_hash64(key)));
		ck_assert_int_eq(rt_table_reader_get(reader, key,
				     rt_hash64(key), RT_SEQ_MAX, 0, &found,
				     NULL),
		    RT_OK);
		rt_table_found_fini(&found);
	}
	rt_table_reader_unref(reader);
	fixture_fini(&fixture);
}
END_TEST

START_TEST(a_filter_spares_reads_and_is_counted)
{
	uint64_t useful = rt_table_filter_useful();
	struct rt_table_reader *reader = NULL;
	struct fixture fixture;
	unsigned denied = 0;

	fixture_init(&fixture, RT_COMPRESSION_NONE, 10);
	ck_assert_int_eq(open_any(&fixture, &reader, NULL), RT_OK);
	for (uint64_t i = 0; i < 1000; i++)
		denied += !rt_table_reader_may_contain(reader,
		    rt_hash64(rt_slice(&i, sizeof(i))));
	ck_assert_uint_ge(denied, 900);
	ck_assert_uint_eq(rt_table_filter_useful() - useful, denied);
	rt_table_reader_unref(reader);
	fixture_fini(&fixture);
}
END_TEST

START_TEST(another_table_than_expected_is_refused)
{
	static const uint8_t right[RT_UUID_BYTES] = "uuid of a test";
	static const uint8_t wrong[RT_UUID_BYTES] = "uuid of a tent";
	struct rt_table_reader *reader = NULL;
	struct rt_table_expect expects[4];
	struct fixture fixture;

	fixture_init(&fixture, RT_COMPRESSION_NONE, 10);
	for (size_t i = 0; i < RT_COUNTOF(expects); i++)
		expects[i] = (struct rt_table_expect){
			.size = fixture.info.size,
			.unique_id = RTT_TABLE_UNIQUE_ID,
			.database_uuid = right,
		};
	expects[1].size++;
	expects[2].unique_id++;
	expects[3].database_uuid = wrong;
	for (size_t i = 0; i < RT_COUNTOF(expects); i++)
		ck_assert_int_eq(rt_table_reader_open(&reader, rt_fs_posix(),
				     fixture.scratch.fd, NAME, &expects[i],
				     NULL, NULL, NULL),
		    i == 0 ? RT_OK : RT_EDAMAGED);
	rt_table_reader_unref(reader);
	ck_assert_int_eq(rt_table_reader_open(&reader, rt_fs_posix(),
			     fixture.scratch.fd, "d-2.sst", NULL, NULL, NULL,
			     NULL),
	    RT_ENOTFOUND);
	fixture_fini(&fixture);
}
END_TEST

START_TEST(a_newer_table_is_refused_as_such)
{
	static const struct {
		size_t at;
		uint32_t value;
		enum rt_code code;
	} cases[] = {
		{ 80, RT_TABLE_FORMAT + 1, RT_EFORMAT },
		{ 80, 0, RT_EDAMAGED },
		{ 64, 0x2u, RT_EFORMAT },
		{ 64, RT_TABLE_INCOMPAT_INDEX_LEVELS, RT_EDAMAGED },
		{ 64, 0x80000000u, RT_EFORMAT },
		{ 68, 1, RT_OK },
		{ 72, 1, RT_OK },
	};
	struct fixture fixture;

	fixture_init(&fixture, RT_COMPRESSION_NONE, 10);
	for (size_t i = 0; i < RT_COUNTOF(cases); i++) {
		uint8_t footer[RT_TABLE_FOOTER_BYTES];
		uint64_t at = fixture.bytes.len - sizeof(footer);
		struct rt_table_reader *reader = NULL;

		memcpy(footer, fixture.bytes.data + at, sizeof(footer));
		rt_put_fixed32(footer + cases[i].at, cases[i].value);
		rt_put_fixed32(footer + 84, rt_crc32c(0, footer, 84));
		put(&fixture, footer, sizeof(footer), at);
		ck_assert_int_eq(open_any(&fixture, &reader, NULL),
		    cases[i].code);
		rt_table_reader_unref(reader);
	}
	fixture_fini(&fixture);
}
END_TEST

START_TEST(sections_outside_the_file_are_refused)
{
	struct fixture fixture;

	fixture_init(&fixture, RT_COMPRESSION_NONE, 10);
	/* data bytes, then offset and size of filter, index, properties */
	for (size_t i = 0; i < 7; i++) {
		for (unsigned shift = 8; shift < 64; shift++) {
			uint8_t footer[RT_TABLE_FOOTER_BYTES];
			uint64_t at = fixture.bytes.len - sizeof(footer);
			struct rt_table_reader *reader = NULL;
			uint64_t value;

			memcpy(footer, fixture.bytes.data + at, sizeof(footer));
			value = rt_get_fixed64(footer + 8 * i) +
			    (UINT64_C(1) << shift);
			rt_put_fixed64(footer + 8 * i, value);
			rt_put_fixed32(footer + 84, rt_crc32c(0, footer, 84));
			put(&fixture, footer, sizeof(footer), at);
			if (open_any(&fixture, &reader, NULL) == RT_OK) {
				/* Inside by chance: only the filter's. */
				ck_assert(i == 1 || i == 2);
				assert_right_or_error(&fixture, reader, shift);
				rt_table_reader_unref(reader);
			}
		}
	}
	fixture_fini(&fixture);
}
END_TEST

RTT_MAIN("table_damage", flipped_bits_never_give_a_wrong_value,
    flipped_bits_of_compressed_tables_neither, a_cut_table_is_refused,
    a_table_with_bytes_behind_it_is_refused, a_damaged_filter_is_left_aside,
    a_filter_spares_reads_and_is_counted,
    another_table_than_expected_is_refused, a_newer_table_is_refused_as_such,
    sections_outside_the_file_are_refused)
