#include "libcommon/os/path.h"

#include "libcommon/base/attr.h"
#include "tests/support/runner.h"

START_TEST(names_round_trip)
{
	static const uint64_t numbers[] = { 1, 9, 10, 12345678901234567890u,
		UINT64_MAX };
	char name[RT_PATH_NAME_BYTES];
	struct rt_file_id id;
	uint64_t number;

	for (size_t i = 0; i < RT_COUNTOF(numbers); i++) {
		ck_assert(rt_path_parse_manifest(
		    rt_path_manifest(name, numbers[i]), &number));
		ck_assert_uint_eq(number, numbers[i]);
		ck_assert(rt_path_parse_wal(rt_path_wal(name, numbers[i]),
		    &number));
		ck_assert_uint_eq(number, numbers[i]);
		ck_assert(rt_path_parse_table(rt_path_table(name,
		    (struct rt_file_id){ 0, numbers[i] }), &id));
		ck_assert_uint_eq(id.maker_epoch, 0);
		ck_assert_uint_eq(id.number, numbers[i]);
		ck_assert(rt_path_parse_table(rt_path_table(name,
		    (struct rt_file_id){ numbers[i], 7 }), &id));
		ck_assert_uint_eq(id.maker_epoch, numbers[i]);
		ck_assert_uint_eq(id.number, 7);
	}
}
END_TEST

START_TEST(names_sort_like_generations)
{
	char a[RT_PATH_NAME_BYTES], b[RT_PATH_NAME_BYTES];

	ck_assert_int_lt(strcmp(rt_path_manifest(a, 9),
	    rt_path_manifest(b, 10)), 0);
}
END_TEST

START_TEST(what_is_not_exactly_ours_is_refused)
{
	static const char *const others[] = { "", ".", "MANIFEST-", "MANIFEST-1",
		"MANIFEST-000000000000000000001", "MANIFEST-0000000000000000000x",
		"MANIFEST-00000000000000000001.tmp", "manifest-00000000000000000001",
		"1.wal~", "01.wal", ".wal", "-1.wal", "1.WAL", "wal", "d-1.sst.tmp",
		"d-.sst", "d-0.sst", "d-01.sst", "d1.sst", "c-1.sst", "c0-1.sst",
		"c1-.sst", "c1-0.sst", "x1-1.sst", "c1-1-1.sst", "d--1.sst",
		"99999999999999999999999.wal", "d-sst" };
	struct rt_file_id id = { 42, 42 };
	uint64_t number = 42;

	for (size_t i = 0; i < RT_COUNTOF(others); i++) {
		ck_assert_msg(!rt_path_parse_manifest(others[i], &number) &&
		    !rt_path_parse_wal(others[i], &number) &&
		    !rt_path_parse_table(others[i], &id), "%s was taken",
		    others[i]);
		ck_assert_uint_eq(number, 42);
		ck_assert_uint_eq(id.number, 42);
	}
}
END_TEST

START_TEST(checkpoints_have_careful_names)
{
	static const char *const good[] = { "a", "nightly-2026.11.23", "_x",
		"-", "a.", ("01234567890123456789012345678901234567890123456789"
			    "01234567890123") };
	static const char *const bad[] = { "", ".", "..", ".a", "a/b", "a b",
		"a\n", "\xc3\xa4", "a:b", ("0123456789012345678901234567890123456789"
			"0123456789012345678901234"), ".tmp-a" };
	char part[RT_PATH_CHECKPOINT_BYTES];

	for (size_t i = 0; i < RT_COUNTOF(good); i++) {
		ck_assert(rt_path_is_checkpoint(rt_slice_cstr(good[i])));
		rt_path_checkpoint_part(part, good[i]);
		ck_assert_str_eq(part + strlen(part) - strlen(good[i]),
		    good[i]);
		ck_assert(rt_path_is_checkpoint_part(part));
		ck_assert(!rt_path_is_checkpoint(rt_slice_cstr(part)));
		ck_assert(!rt_path_is_checkpoint_part(good[i]));
	}
	for (size_t i = 0; i < RT_COUNTOF(bad); i++)
		ck_assert_msg(!rt_path_is_checkpoint(rt_slice_cstr(bad[i])),
		    "%s was taken", bad[i]);
	ck_assert(!rt_path_is_checkpoint(rt_slice("a\0b", 3)));
	ck_assert(!rt_path_is_checkpoint_part(".tmp-"));
	ck_assert(!rt_path_is_checkpoint_part(".tmp-.a"));
}
END_TEST

RTT_MAIN("path", checkpoints_have_careful_names, names_round_trip, names_sort_like_generations,
    what_is_not_exactly_ours_is_refused)
