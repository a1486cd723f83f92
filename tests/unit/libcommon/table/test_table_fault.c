/* Disks that refuse: writers leave no file, readers give errors. */
#include "libcommon/table/table_reader.h"

#include <errno.h>

#include "libcommon/base/hash.h"
#include "tests/support/fault_fs.h"
#include "tests/support/runner.h"
#include "tests/support/scratch_dir.h"
#include "tests/unit/libcommon/table/table_model.h"

#define NAME "d-1.sst"
#define CALLS_MAX 1000

static void
fill(struct rtt_model *model)
{
	char key[4];

	for (uint64_t i = 0; i < 60; i++) {
		key[0] = (char)('a' + i / 10);
		key[1] = (char)('a' + i % 10);
		rtt_model_add(model, rt_slice(key, 2), i + 1, 30000, 0);
	}
}

/* Write until something fails. */
static enum rt_code
write_table(const struct rtt_model *model, struct rt_fs *fs, int dir,
    size_t part_blocks, struct rt_table_info *info)
{
	struct rt_table_options options =
	    rtt_table_options(RT_COMPRESSION_NONE);
	struct rt_table_writer *writer = NULL;
	struct rt_err err = { .code = RT_OK };
	enum rt_code code, again;

	options.index_part_blocks = part_blocks;
	options.index_bytes_max = part_blocks != 0 ? 1 : 0;
	options.write_behind_bytes = 300000;
	options.drop_cache = true;
	code = rt_table_writer_open(&writer, fs, dir, NAME, &options, &err);
	if (code != RT_OK)
		return code;
	for (size_t i = 0; i < model->count && code == RT_OK; i++)
		code = rt_table_writer_add(writer, &model->entries[i], &err);
	/* After a failure it takes no more, and does not finish. */
	if (code != RT_OK)
		ck_assert_int_eq(rt_table_writer_add(writer,
				     &model->entries[model->count - 1], NULL),
		    code);
	again = rt_table_writer_finish(writer, info, &err);
	if (code != RT_OK)
		ck_assert_int_eq(again, code);
	if (again != RT_OK)
		ck_assert_ptr_nonnull(strstr(err.text, NAME));
	return again;
}

static void
fail_each_call(int os_errno, enum rt_code expected, bool short_transfer)
{
	struct rtt_model model = { .count = 0 };
	struct rtt_fault_fs fault;
	struct rtt_scratch scratch;
	long n;

	fill(&model);
	rtt_scratch_init(&scratch);
	rtt_fault_fs_init(&fault);
	fault.short_transfer = short_transfer;
	for (n = 1; n < CALLS_MAX; n++) {
		struct rt_table_info info = { .size = 0 };
		enum rt_code code;
		bool exists;

		rtt_fault_fs_arm(&fault, n, false, os_errno);
		code = write_table(&model, &fault.fs, scratch.fd, n % 2 ? 0 : 2,
		    &info);
		rtt_fault_fs_disarm(&fault);
		ck_assert_int_eq(rt_fs_exists(rt_fs_posix(), scratch.fd, NAME,
				     &exists, NULL),
		    RT_OK);
		/* What fails and is only a hint does no harm. */
		ck_assert(exists == (code == RT_OK));
		if (code == RT_OK)
			rt_fs_unlink(rt_fs_posix(), scratch.fd, NAME, NULL);
		else
			ck_assert_int_eq(code, expected);
		rt_table_info_fini(&info);
		if (atomic_load(&fault.failed) == 0)
			break;
		atomic_store(&fault.failed, 0);
	}
	ck_assert_int_gt(n, 8);
	ck_assert_int_lt(n, CALLS_MAX);
	rtt_scratch_fini(&scratch);
	rtt_model_fini(&model);
}

START_TEST(a_writer_without_space_leaves_no_file)
{
	fail_each_call(ENOSPC, RT_ENOSPC, false);
}
END_TEST

START_TEST(a_writer_that_meets_an_error_leaves_no_file)
{
	fail_each_call(EIO, RT_EIO, false);
}
END_TEST

START_TEST(short_writes_are_completed)
{
	fail_each_call(EIO, RT_EIO, true);
}
END_TEST

/* The n-th call fails, for each n that a reader comes to. */
static void
fail_each_read(size_t part_blocks)
{
	struct rtt_model model = { .count = 0 };
	struct rt_table_info info;
	struct rtt_fault_fs fault;
	struct rtt_scratch scratch;
	enum rt_code code = RT_EIO;

	fill(&model);
	rtt_scratch_init(&scratch);
	rtt_fault_fs_init(&fault);
	ck_assert_int_eq(
	    write_table(&model, rt_fs_posix(), scratch.fd, part_blocks, &info),
	    RT_OK);
	for (long n = 1; code != RT_OK; n++) {
		struct rt_table_reader *reader = NULL;
		struct rt_iter *iter;
		size_t given = 0;

		ck_assert_int_lt(n, CALLS_MAX);
		rtt_fault_fs_arm(&fault, n, false, EIO);
		code = rt_table_reader_open(&reader, &fault.fs, scratch.fd,
		    NAME, NULL, NULL, NULL, NULL);
		if (code != RT_OK) {
			ck_assert_int_eq(code, RT_EIO);
			continue;
		}
		iter = rt_table_reader_iter(reader, 0, n % 2 ? 100000 : 0);
		for (rt_iter_seek_first(iter); iter->valid; rt_iter_next(iter))
			rtt_entry_assert_equal(&iter->entry,
			    &model.entries[given++]);
		code = iter->code;
		ck_assert(
		    code == RT_EIO || (code == RT_OK && given == model.count));
		/* The next seek begins afresh. */
		rtt_fault_fs_disarm(&fault);
		rt_iter_seek_first(iter);
		rtt_model_assert_iter(&model, 0, iter);
		rt_iter_free(iter);
		rt_table_reader_unref(reader);
	}
	rt_table_info_fini(&info);
	rtt_scratch_fini(&scratch);
	rtt_model_fini(&model);
}

START_TEST(a_reader_gives_the_errors_of_its_disk)
{
	fail_each_read(0);
}
END_TEST

START_TEST(partitions_that_cannot_be_read_are_errors)
{
	fail_each_read(1);
	fail_each_read(4);
}
END_TEST

START_TEST(a_get_gives_the_errors_of_its_disk)
{
	struct rtt_model model = { .count = 0 };
	struct rt_table_reader *reader = NULL;
	struct rt_table_info info;
	struct rtt_fault_fs fault;
	struct rtt_scratch scratch;

	fill(&model);
	rtt_scratch_init(&scratch);
	rtt_fault_fs_init(&fault);
	ck_assert_int_eq(
	    write_table(&model, rt_fs_posix(), scratch.fd, 2, &info), RT_OK);
	ck_assert_int_eq(rt_table_reader_open(&reader, &fault.fs, scratch.fd,
			     NAME, NULL, NULL, NULL, NULL),
	    RT_OK);
	/* The partition, then the block, then neither. */
	for (long n = 1; n <= 3; n++) {
		struct rt_slice key = model.entries[33].key;
		struct rt_err err = { .code = RT_OK };
		struct rt_table_found found;

		rtt_fault_fs_arm(&fault, n, false, EIO);
		ck_assert_int_eq(rt_table_reader_get(reader, key,
				     rt_hash64(key), RT_SEQ_MAX, 0, &found,
				     &err),
		    n == 3 ? RT_OK : RT_EIO);
		ck_assert(n == 3 || strstr(err.text, NAME) != NULL);
		rt_table_found_fini(&found);
		rtt_fault_fs_disarm(&fault);
	}
	rt_table_reader_unref(reader);
	rt_table_info_fini(&info);
	rtt_scratch_fini(&scratch);
	rtt_model_fini(&model);
}
END_TEST

/* A file system where nothing is in memory until a read has waited for it. */
struct cold_fs {
	struct rt_fs fs;
	unsigned waited;
	size_t partly; /* bytes that are in memory after all */
};

static ssize_t
cold_pread(struct rt_fs *fs, int fd, void *out, size_t len, off_t offset)
{
	((struct cold_fs *)fs)->waited++;
	return rt_fs_posix()->pread(rt_fs_posix(), fd, out, len, offset);
}

static ssize_t
cold_pread_nowait(struct rt_fs *fs, int fd, void *out, size_t len, off_t offset)
{
	size_t partly = ((struct cold_fs *)fs)->partly;

	if (partly == 0)
		return -EAGAIN;
	return rt_fs_posix()->pread(rt_fs_posix(), fd, out,
	    len < partly ? len : partly, offset);
}

static void
assert_nowait_never_waits(size_t part_blocks)
{
	struct rt_block_cache *cache = rt_block_cache_new(10 << 20);
	struct cold_fs cold = { .fs = *rt_fs_posix() };
	struct rtt_model model = { .count = 0 };
	struct rt_table_reader *reader = NULL;
	struct rt_table_found found;
	struct rt_table_info info;
	struct rtt_scratch scratch;
	struct rt_slice key;
	unsigned waited;

	cold.fs.pread = cold_pread;
	cold.fs.pread_nowait = cold_pread_nowait;
	fill(&model);
	key = model.entries[7].key;
	rtt_scratch_init(&scratch);
	ck_assert_int_eq(
	    write_table(&model, rt_fs_posix(), scratch.fd, part_blocks, &info),
	    RT_OK);
	ck_assert_int_eq(rt_table_reader_open(&reader, &cold.fs, scratch.fd,
			     NAME, NULL, cache, NULL, NULL),
	    RT_OK);
	waited = cold.waited;
#define GET(flags)                                                          \
	rt_table_reader_get(reader, key, rt_hash64(key), RT_SEQ_MAX, flags, \
	    &found, NULL)
	ck_assert_int_eq(GET(RT_TABLE_NOWAIT), RT_EAGAIN);
	cold.partly = 4096;
	ck_assert_int_eq(GET(RT_TABLE_NOWAIT), RT_EAGAIN);
	ck_assert_uint_eq(cold.waited, waited);
	ck_assert_int_eq(GET(0), RT_OK);
	rt_table_found_fini(&found);
	ck_assert_uint_gt(cold.waited, waited);
	/* Now it is in the cache. */
	ck_assert_int_eq(GET(RT_TABLE_NOWAIT), RT_OK);
	ck_assert(rt_slice_equal(found.value, model.entries[7].value));
	rt_table_found_fini(&found);
	key = model.entries[20].key;
	cold.partly = SIZE_MAX;
	ck_assert_int_eq(GET(RT_TABLE_NOWAIT), RT_OK);
	rt_table_found_fini(&found);
#undef GET
	rt_table_reader_unref(reader);
	rt_block_cache_free(cache);
	rt_table_info_fini(&info);
	rtt_scratch_fini(&scratch);
	rtt_model_fini(&model);
}

START_TEST(nowait_never_waits)
{
	assert_nowait_never_waits(0);
}
END_TEST

START_TEST(nowait_does_not_wait_for_a_partition)
{
	assert_nowait_never_waits(2);
}
END_TEST

RTT_MAIN("table_fault", a_writer_without_space_leaves_no_file,
    a_writer_that_meets_an_error_leaves_no_file, short_writes_are_completed,
    a_reader_gives_the_errors_of_its_disk,
    partitions_that_cannot_be_read_are_errors,
    a_get_gives_the_errors_of_its_disk, nowait_never_waits,
    nowait_does_not_wait_for_a_partition)
