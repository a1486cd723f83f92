#include "libcommon/manifest/manifest_codec.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libcommon/manifest/manifest_build.h"
#include "libcommon/manifest/manifest_edit.h"
#include "tests/support/draw_manifest.h"
#include "tests/support/runner.h"
#include "tests/unit/libcommon/manifest/manifest_wire.h"

/* Unknown fields bear this number and, as value, a mark and where they are. */
#define NEW_FIELD 1000
#define MARK UINT64_C(0xfeedfacecafe0000)

enum place {
	IN_ROOT, IN_RUN, IN_TABLE, IN_ID, IN_DROP, IN_KEYSPACE, IN_OBSOLETE,
	IN_STAYING_TABLE, IN_STAYING_ID, PLACES
};

static void
put_mark(struct rt_buf *out, bool marked, enum place place)
{
	if (marked)
		wire_fixed64(out, NEW_FIELD, MARK + place);
}

static void
put_table(struct rt_buf *run, uint64_t number, const char *smallest,
    const char *largest, uint64_t seq, bool marked, enum place place)
{
	struct rt_buf id = { 0 }, table = { 0 };

	wire_varint(&id, 2, number);
	put_mark(&id, marked, place + 1);
	put_mark(&table, marked, place);
	wire_message(&table, 1, &id);
	wire_fixed64(&table, 2, number * 77);
	wire_varint(&table, 3, 4096);
	wire_bytes(&table, 4, rt_slice_cstr(smallest));
	wire_bytes(&table, 5, rt_slice_cstr(largest));
	wire_varint(&table, 6, seq);
	wire_varint(&table, 7, seq + 1);
	wire_varint(&table, 8, 2);
	wire_varint(&table, 9, 1);
	wire_varint(&table, 10, 1000);
	wire_varint(&table, 11, 2000);
	rt_buf_put_varint(&table, 12 << 3 | 5);
	rt_buf_put_fixed32(&table, 0xc0ffee);
	wire_varint(&table, 13, 55);
	if (place == IN_TABLE)
		wire_varint(&table, 15, 1234);
	wire_message(run, 3, &table);
}

static void
put_pair(struct rt_buf *out, uint32_t field, uint64_t first, uint64_t second,
    bool marked, enum place place)
{
	struct rt_buf message = { 0 };

	put_mark(&message, marked, place);
	wire_varint(&message, 1, first);
	wire_varint(&message, 2, second);
	wire_message(out, field, &message);
}

/* d-2 at level 0 above d-1 at level 1, d-7 obsolete. */
static void
write_message(struct rt_buf *out, bool marked)
{
	struct rt_buf run = { 0 };

	put_mark(out, marked, IN_ROOT);
	wire_bytes(out, 1, rt_slice_cstr("0123456789abcdef"));
	wire_varint(out, 2, 41);	/* generation */
	wire_varint(out, 3, 5);
	wire_varint(out, 4, 6);
	wire_varint(out, 5, 10);	/* next file */
	wire_varint(out, 6, 20);	/* next run */
	wire_varint(out, 7, 9);		/* flushed */
	wire_varint(out, 8, 3);
	wire_varint(out, 9, 12);
	wire_bytes(out, 10, rt_slice_cstr("\4\7"));	/* snapshots, packed */
	put_pair(out, 11, 0, 8, marked, IN_DROP);
	put_pair(out, 12, 3, 4, marked, IN_KEYSPACE);
	wire_varint(out, 13, 99);
	wire_varint(&run, 1, 2);
	put_table(&run, 2, "....sb", "....sd", 8, marked, IN_TABLE);
	wire_message(out, 14, &run);
	wire_varint(&run, 1, 1);
	wire_varint(&run, 2, 1);
	put_mark(&run, marked, IN_RUN);
	put_table(&run, 1, "....sm", "....sn", 5, marked, IN_STAYING_TABLE);
	wire_message(out, 14, &run);
	put_pair(out, 15, 0, 7, marked, IN_OBSOLETE);
	wire_varint(out, 16, 3);
	wire_varint(out, 17, 1);
	wire_varint(out, 18, 6);
	wire_varint(out, 19, 512);
	wire_varint(out, 24, 8);	/* request */
	wire_varint(out, 25, 4);
	wire_varint(out, 26, 7);
	wire_varint(out, 27, 2);	/* kept when damage was left out */
	wire_varint(out, 28, 77);
}

static void
write_file(struct rt_buf *file, bool marked)
{
	struct rt_buf message = { 0 };

	write_message(&message, marked);
	wire_file(file, 41, rt_buf_slice(&message));
	rt_buf_fini(&message);
}

static const struct rt_manifest *
decode(const struct rt_buf *file)
{
	const struct rt_manifest *manifest = NULL;
	struct rt_err err = { 0 };

	ck_assert_msg(rt_manifest_decode(rt_buf_slice(file), &manifest,
	    &err) == RT_OK, "%s", err.text);
	return manifest;
}

static void
encode(const struct rt_manifest *manifest, struct rt_buf *file)
{
	rt_buf_clear(file);
	ck_assert_int_eq(rt_manifest_encode(manifest, file, NULL), RT_OK);
}

START_TEST(every_field_is_read)
{
	struct rt_buf file = { 0 };
	const struct rt_manifest_table *table;
	const struct rt_manifest *m;

	write_file(&file, false);
	m = decode(&file);
	ck_assert_mem_eq(m->database_uuid, "0123456789abcdef", 16);
	ck_assert_uint_eq(m->generation, 41);
	ck_assert_uint_eq(m->daemon_epoch, 5);
	ck_assert_uint_eq(m->compactor_epoch, 6);
	ck_assert_uint_eq(m->next_daemon_file, 10);
	ck_assert_uint_eq(m->next_run_id, 20);
	ck_assert_uint_eq(m->flushed_seq, 9);
	ck_assert_uint_eq(m->wal_floor, 3);
	ck_assert_uint_eq(m->max_seq, 12);
	ck_assert_uint_eq(m->snapshots_count, 2);
	ck_assert_uint_eq(m->snapshots[1], 7);
	ck_assert_uint_eq(rt_manifest_drop_seq(m, 0), 8);
	ck_assert_uint_eq(rt_manifest_drop_seq(m, 1), 0);
	ck_assert_uint_eq(rt_manifest_keyspace(m, 3), 4);
	ck_assert_uint_eq(rt_manifest_keyspace(m, 4), 4);
	ck_assert_uint_eq(m->expiry_clock_ms, 99);
	ck_assert_uint_eq(m->daemon_features, 3);
	ck_assert_uint_eq(m->compactor_features, 1);
	ck_assert_uint_eq(m->clean_wal, 6);
	ck_assert_uint_eq(m->clean_wal_bytes, 512);
	ck_assert_uint_eq(m->compact_asked, 8);
	ck_assert_uint_eq(m->compact_seq, 4);
	ck_assert_uint_eq(m->compact_done, 7);
	ck_assert_uint_eq(m->tolerated_seq, 2);
	ck_assert_uint_eq(m->tolerated_ms, 77);
	ck_assert_uint_eq(m->obsolete_count, 1);
	ck_assert_uint_eq(m->obsolete[0].number, 7);
	ck_assert_uint_eq(rt_manifest_level0_runs(m), 1);
	ck_assert_uint_eq(rt_manifest_level_bytes(m, 1), 4096);
	ck_assert_uint_eq(rt_manifest_level_tables(m, 2), 0);
	table = &m->runs[0].tables[0];
	ck_assert_ptr_eq(rt_manifest_find(m, table->id, NULL), table);
	ck_assert_ptr_null(rt_manifest_find(m, m->obsolete[0], NULL));
	ck_assert_uint_eq(table->unique_id, 154);
	ck_assert(rt_slice_equal(table->largest, rt_slice_cstr("....sd")));
	ck_assert_uint_eq(table->min_seq, 8);
	ck_assert_uint_eq(table->max_seq, 9);
	ck_assert_uint_eq(table->entries, 2);
	ck_assert_uint_eq(table->tombstones, 1);
	ck_assert_uint_eq(table->expire_min_ms, 1000);
	ck_assert_uint_eq(table->expire_max_ms, 2000);
	ck_assert_uint_eq(table->crc32c, 0xc0ffee);
	ck_assert_uint_eq(table->payload, 55);
	ck_assert_uint_eq(table->tombstones_since_s, 1234);
	/* As older programs write it. */
	ck_assert_uint_eq(m->runs[1].tables[0].tombstones_since_s, 0);
	rt_manifest_unref(m);
	rt_buf_fini(&file);
}
END_TEST

START_TEST(what_is_written_again_is_the_same)
{
	struct rt_buf file = { 0 }, once = { 0 }, twice = { 0 };
	const struct rt_manifest *m;

	write_file(&file, true);
	m = decode(&file);
	encode(m, &once);
	rt_manifest_unref(m);
	m = decode(&once);
	ck_assert_uint_eq(m->runs[0].tables[0].tombstones_since_s, 1234);
	ck_assert_uint_eq(m->runs[1].tables[0].tombstones_since_s, 0);
	encode(m, &twice);
	rt_manifest_unref(m);
	ck_assert_uint_eq(once.len, twice.len);
	ck_assert_mem_eq(once.data, twice.data, once.len);
	rt_buf_fini(&file);
	rt_buf_fini(&once);
	rt_buf_fini(&twice);
}
END_TEST

/* -- damage -- */

static enum rt_code
try(const uint8_t *data, size_t len)
{
	const struct rt_manifest *manifest = NULL;
	uint8_t *copy = malloc(len + 1);
	struct rt_err err = { 0 };
	enum rt_code code;

	/* Of its own size, for the sanitizer's sake. */
	copy = realloc(copy, len == 0 ? 1 : len);
	ck_assert_ptr_nonnull(copy);
	memcpy(copy, data, len);
	code = rt_manifest_decode(rt_slice(copy, len), &manifest, &err);
	ck_assert(code == RT_OK || err.code == code);
	ck_assert((code == RT_OK) == (manifest != NULL));
	rt_manifest_unref(manifest);
	free(copy);
	return code;
}

START_TEST(every_truncation_is_refused)
{
	struct rt_buf file = { 0 };

	write_file(&file, true);
	for (size_t len = 0; len < file.len; len++)
		ck_assert_int_eq(try(file.data, len), RT_EDAMAGED);
	rt_buf_append_byte(&file, 0);
	ck_assert_int_eq(try(file.data, file.len), RT_EDAMAGED);
	rt_buf_fini(&file);
}
END_TEST

START_TEST(every_flipped_bit_is_refused)
{
	struct rt_buf file = { 0 };

	write_file(&file, true);
	for (size_t bit = 0; bit < file.len * 8; bit++) {
		file.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
		ck_assert_int_eq(try(file.data, file.len), RT_EDAMAGED);
		file.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	ck_assert_int_eq(try(file.data, file.len), RT_OK);
	rt_buf_fini(&file);
}
END_TEST

/* Behind a checksum that is right: no crash, whatever it says. */
START_TEST(a_message_of_nonsense_is_survived)
{
	struct rt_buf file = { 0 };

	write_file(&file, true);
	for (size_t at = RT_MANIFEST_ENVELOPE_BYTES; at < file.len; at++) {
		uint8_t kept = file.data[at];

		for (unsigned value = 0; value < 256; value += 5) {
			file.data[at] = (uint8_t)value;
			wire_reseal(&file);
			try(file.data, file.len);
		}
		file.data[at] = kept;
	}
	rt_buf_fini(&file);
}
END_TEST

/* A kilobyte of empty runs, each a struct, is damage and not a feast. */
START_TEST(a_message_that_swells_is_refused)
{
	struct rt_buf file = { 0 }, message = { 0 };

	for (unsigned i = 0; i < 200000; i++)
		wire_bytes(&message, 14, rt_slice(NULL, 0));
	wire_file(&file, 1, rt_buf_slice(&message));
	ck_assert_int_eq(try(file.data, file.len), RT_EDAMAGED);
	rt_buf_fini(&file);
	rt_buf_fini(&message);
}
END_TEST

/* -- newer programs -- */

static enum rt_code
try_changed(size_t at, uint8_t value, struct rt_err *err)
{
	const struct rt_manifest *manifest = NULL;
	struct rt_buf file = { 0 };
	enum rt_code code;

	write_file(&file, false);
	file.data[at] = value;
	wire_reseal(&file);
	code = rt_manifest_decode(rt_buf_slice(&file), &manifest, err);
	if (code == RT_OK && !rt_manifest_may_publish(manifest))
		code = RT_EREADONLY;
	rt_manifest_unref(manifest);
	rt_buf_fini(&file);
	return code;
}

START_TEST(a_newer_format_is_refused_with_both_numbers)
{
	struct rt_err err = { 0 };

	ck_assert_int_eq(try_changed(WIRE_FORMAT_AT, 3, &err), RT_EFORMAT);
	ck_assert_str_eq(err.text,
	    "written by format 3, this program reads up to 1");
}
END_TEST

START_TEST(unknown_feature_bits_do_what_they_say)
{
	ck_assert_int_eq(try_changed(WIRE_INCOMPAT_AT, 2, NULL), RT_EFORMAT);
	ck_assert_int_eq(try_changed(WIRE_INCOMPAT_AT + 7, 0x80, NULL),
	    RT_EFORMAT);
	ck_assert_int_eq(try_changed(WIRE_RO_COMPAT_AT, 1, NULL), RT_EREADONLY);
	ck_assert_int_eq(try_changed(WIRE_COMPAT_AT, 1, NULL), RT_OK);
}
END_TEST

/* Programs of before took two runs of a level for damage. */
START_TEST(several_runs_of_a_level_have_a_feature_bit)
{
	static const char *const drawings[] = {
		"L0 d-2 a..c seq=4-5\nL0 d-1 a..c seq=2-3\nL5 c1-1 a..c\n",
		"L5 c1-2 a..c seq=3-4\nL5+ c1-1 a..c seq=1-2\n",
	};

	for (uint64_t i = 0; i < RT_COUNTOF(drawings); i++) {
		const struct rt_manifest *drawn =
		    rtt_draw_manifest(drawings[i]), *again;
		struct rt_buf file = { 0 };

		encode(drawn, &file);
		ck_assert_uint_eq(rt_get_fixed64(file.data + WIRE_INCOMPAT_AT),
		    i);
		again = decode(&file);
		ck_assert_uint_eq(again->runs_count, drawn->runs_count);
		ck_assert_uint_eq(rt_manifest_deepest_runs(again), 5 * i);
		ck_assert_uint_eq(rt_manifest_level_runs(again, 5), 1 + i);
		rt_manifest_unref(drawn);
		rt_manifest_unref(again);
		rt_buf_fini(&file);
	}
}
END_TEST

START_TEST(the_envelope_agrees_with_the_message)
{
	ck_assert_int_eq(try_changed(WIRE_GENERATION_AT, 42, NULL),
	    RT_EDAMAGED);
	ck_assert_int_eq(try_changed(WIRE_LENGTH_AT, 1, NULL), RT_EDAMAGED);
}
END_TEST

static bool
holds_mark(const struct rt_buf *file, enum place place)
{
	uint8_t mark[8];

	rt_put_fixed64(mark, MARK + place);
	return memmem(file->data, file->len, mark, sizeof(mark)) != NULL;
}

/* Read, apply, write: what stays of the marks? */
static void
edit_file(struct rt_buf *file, struct rt_manifest_edit *edit)
{
	const struct rt_manifest *base = decode(file), *next = NULL;
	struct rt_err err = { 0 };

	ck_assert_msg(rt_manifest_edit_apply(edit, base, &next, &err) == RT_OK,
	    "%s", err.text);
	/* The copy does not lean on the base. */
	rt_manifest_unref(base);
	encode(next, file);
	rt_manifest_unref(next);
	rt_manifest_edit_free(edit);
}

static const struct rt_manifest_table a_table = {
	.smallest = { .data = (const uint8_t *)"....sb", .len = 6 },
	.largest = { .data = (const uint8_t *)"....sc", .len = 6 },
	.size = 10,
	.unknown = &a_table,	/* to be ignored */
};

START_TEST(the_daemon_carries_unknown_fields)
{
	struct rt_manifest_edit *edit =
	    rt_manifest_edit_new(RT_ROLE_DAEMON, 5);
	struct rt_manifest_table table = a_table;
	struct rt_buf file = { 0 };

	table.id = (struct rt_file_id){ 0, 11 };
	table.min_seq = table.max_seq = 13;
	rt_manifest_edit_add_run(edit, &table);
	rt_manifest_edit_set_flushed(edit, 14, 5);
	rt_manifest_edit_set_drop(edit, 0, 10);
	rt_manifest_edit_set_drop(edit, 9, 10);
	rt_manifest_edit_set_keyspace(edit, 1, 8);
	rt_manifest_edit_set_keyspace(edit, 3, 9);
	write_file(&file, true);
	file.data[WIRE_COMPAT_AT] = 0x42;
	wire_reseal(&file);
	edit_file(&file, edit);
	for (enum place place = IN_ROOT; place < PLACES; place++)
		ck_assert_msg(holds_mark(&file, place), "place %d", place);
	ck_assert_uint_eq(file.data[WIRE_COMPAT_AT], 0x42);
	rt_buf_fini(&file);
}
END_TEST

START_TEST(the_compactor_carries_unknown_fields_of_what_stays)
{
	struct rt_manifest_edit *edit =
	    rt_manifest_edit_new(RT_ROLE_COMPACTOR, 6);
	struct rt_manifest_table table = a_table;
	struct rt_file_id input = { 0, 2 };
	struct rt_buf file = { 0 };

	table.id = (struct rt_file_id){ 6, 1 };
	table.min_seq = table.max_seq = 8;
	rt_manifest_edit_replace(edit, &input, 1, 1, &table, 1);
	write_file(&file, true);
	edit_file(&file, edit);
	for (enum place place = IN_ROOT; place < PLACES; place++)
		ck_assert_msg(holds_mark(&file, place) ==
		    (place != IN_TABLE && place != IN_ID), "place %d", place);
	rt_buf_fini(&file);
}
END_TEST

START_TEST(a_moved_table_keeps_its_unknown_fields)
{
	struct rt_manifest_edit *edit =
	    rt_manifest_edit_new(RT_ROLE_COMPACTOR, 6);
	struct rt_buf file = { 0 };

	rt_manifest_edit_move(edit, (struct rt_file_id){ 0, 2 }, 1);
	write_file(&file, true);
	edit_file(&file, edit);
	for (enum place place = IN_ROOT; place < PLACES; place++)
		ck_assert_msg(holds_mark(&file, place), "place %d", place);
	rt_buf_fini(&file);
}
END_TEST

START_TEST(ten_thousand_tables_go_there_and_back)
{
	enum { TABLES = 10000 };
	struct rt_buf file = { 0 }, small = { 0 };
	const struct rt_manifest *base, *back;
	struct rt_manifest *m;
	char key[32];

	write_file(&small, false);
	base = decode(&small);
	m = rt_manifest_build_new();
	*m = *base;
	m->next_daemon_file = TABLES + 1;
	m->runs = rt_manifest_build_alloc(m, 1, sizeof(*m->runs));
	m->runs_count = 1;
	m->obsolete_count = 0;
	m->runs[0] = (struct rt_manifest_run){ .id = 1, .level = 6 };
	m->runs[0].tables_count = TABLES;
	m->runs[0].tables = rt_manifest_build_alloc(m, TABLES,
	    sizeof(*m->runs[0].tables));
	for (size_t i = 0; i < TABLES; i++) {
		struct rt_manifest_table *table = &m->runs[0].tables[i];

		*table = a_table;
		table->unknown = NULL;
		table->id.number = i + 1;
		table->min_seq = table->max_seq = 1;
		snprintf(key, sizeof(key), "....skey:%08zu:a", i);
		table->smallest = rt_manifest_build_bytes(m,
		    rt_slice_cstr(key));
		snprintf(key, sizeof(key), "....skey:%08zu:b", i);
		table->largest = rt_manifest_build_bytes(m,
		    rt_slice_cstr(key));
	}
	encode(m, &file);
	back = decode(&file);
	ck_assert_uint_eq(back->runs[0].tables_count, TABLES);
	for (size_t i = 0; i < TABLES; i++)
		ck_assert(rt_slice_equal(back->runs[0].tables[i].largest,
		    m->runs[0].tables[i].largest));
	rt_manifest_unref(back);
	rt_manifest_unref(m);
	rt_manifest_unref(base);
	rt_buf_fini(&file);
	rt_buf_fini(&small);
}
END_TEST

RTT_MAIN("manifest_codec", every_field_is_read,
    what_is_written_again_is_the_same, every_truncation_is_refused,
    every_flipped_bit_is_refused, a_message_of_nonsense_is_survived,
    a_message_that_swells_is_refused,
    a_newer_format_is_refused_with_both_numbers,
    unknown_feature_bits_do_what_they_say,
    several_runs_of_a_level_have_a_feature_bit,
    the_envelope_agrees_with_the_message, the_daemon_carries_unknown_fields,
    the_compactor_carries_unknown_fields_of_what_stays,
    a_moved_table_keeps_its_unknown_fields,
    ten_thousand_tables_go_there_and_back)
