#include "bench/scratch.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/runner.h"
#include "tests/support/scratch_dir.h"

static bool
is_there(const char *path)
{
	return access(path, F_OK) == 0;
}

static void
write_file(const char *path)
{
	FILE *file = fopen(path, "w");

	ck_assert_ptr_nonnull(file);
	fputs("x", file);
	ck_assert_int_eq(fclose(file), 0);
}

START_TEST(a_missing_directory_is_made_and_goes_again)
{
	struct rtt_scratch base;
	struct rtb_scratch scratch;
	char dir[300], file[400];

	rtt_scratch_init(&base);
	snprintf(dir, sizeof(dir), "%s/new", base.path);
	ck_assert_int_eq(rtb_scratch_init(&scratch, dir, NULL), RT_OK);
	snprintf(file, sizeof(file), "%s/file", dir);
	write_file(file);
	rtb_scratch_fini(&scratch);
	ck_assert(!is_there(dir));
	rtt_scratch_fini(&base);
}
END_TEST

START_TEST(an_empty_directory_is_emptied_and_kept)
{
	struct rtt_scratch base;
	struct rtb_scratch scratch;
	char below[300], file[400];

	rtt_scratch_init(&base);
	ck_assert_int_eq(rtb_scratch_init(&scratch, base.path, NULL), RT_OK);
	snprintf(below, sizeof(below), "%s/below", base.path);
	ck_assert_int_eq(mkdir(below, 0700), 0);
	snprintf(file, sizeof(file), "%s/file", below);
	write_file(file);
	rtb_scratch_fini(&scratch);
	ck_assert(is_there(base.path));
	ck_assert(!is_there(below));
	rtt_scratch_fini(&base);
}
END_TEST

START_TEST(what_is_not_empty_is_refused_and_left_alone)
{
	struct rtt_scratch base;
	struct rtb_scratch scratch;
	struct rt_err err = { .code = RT_OK };
	char file[300];

	rtt_scratch_init(&base);
	snprintf(file, sizeof(file), "%s/precious", base.path);
	write_file(file);
	ck_assert_int_eq(rtb_scratch_init(&scratch, base.path, &err),
	    RT_EEXIST);
	ck_assert_int_eq(rtb_scratch_init(&scratch, file, &err), RT_EEXIST);
	ck_assert(is_there(file));
	rtt_scratch_fini(&base);
}
END_TEST

START_TEST(bytes_of_a_tree_are_those_of_its_files)
{
	struct rtt_scratch base;
	char file[300];

	rtt_scratch_init(&base);
	ck_assert_uint_eq(rtb_tree_bytes(base.path), 0);
	snprintf(file, sizeof(file), "%s/file", base.path);
	write_file(file);
	sync();
	ck_assert_uint_gt(rtb_tree_bytes(base.path), 0);
	ck_assert_uint_le(rtb_tree_bytes(base.path), 1 << 16);
	rtt_scratch_fini(&base);
}
END_TEST

RTT_MAIN("scratch", a_missing_directory_is_made_and_goes_again,
    an_empty_directory_is_emptied_and_kept,
    what_is_not_empty_is_refused_and_left_alone,
    bytes_of_a_tree_are_those_of_its_files)
