/* Tables of format 1 that were written when it was made, and after something
 * was added to it: they can be read for ever, and an uncompressed one is written
 * to the byte as it was since the last addition. */
#include "libcommon/table/table_reader.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/support/runner.h"
#include "tests/support/scratch_dir.h"
#include "tests/unit/libcommon/table/table_model.h"

static const struct {
	const char *name;
	enum rt_compression compression;
	unsigned bloom_bits_per_key;
	size_t part_blocks; /* of an index of two levels, or 0 */
	bool is_written;    /* to the byte; compressors may change theirs */
} files[] = {
	{ "v1-none.sst", RT_COMPRESSION_NONE, 10, 0, false },
	{ "v1-snappy.sst", RT_COMPRESSION_SNAPPY, 16, 0, false },
	{ "v1-lz4.sst", RT_COMPRESSION_LZ4, 0, 0, false },
	{ "v1-zstd.sst", RT_COMPRESSION_ZSTD, 6, 0, false },
	/* with counts of keys */
	{ "v1-none-counts.sst", RT_COMPRESSION_NONE, 10, 0, false },
	/* with a restart for each 8 entries, not 16 */
	{ "v1-none-restarts.sst", RT_COMPRESSION_NONE, 10, 0, true },
	/* with an index of two levels */
	{ "v1-none-levels.sst", RT_COMPRESSION_NONE, 10, 3, true },
	{ "v1-snappy-levels.sst", RT_COMPRESSION_SNAPPY, 0, 1, false },
	{ "v1-lz4-levels.sst", RT_COMPRESSION_LZ4, 10, 2, false },
	{ "v1-zstd-levels.sst", RT_COMPRESSION_ZSTD, 16, 100, false },
};

static void
fill(struct rtt_model *model)
{
	for (unsigned i = 0; i < 60; i++) {
		char key[16];

		snprintf(key, sizeof(key), "key:%04u", i / 2 * 7);
		rtt_model_add(model, rt_slice_cstr(key), 500 - i,
		    i % 11 == 10 ? -1 : (ptrdiff_t)(i % 50),
		    i % 3 == 0 ? 1700000000000 + i : 0);
	}
	/* Versions of a key over several blocks, and one block of its own. */
	for (unsigned i = 0; i < 100; i++)
		rtt_model_add(model, rt_slice_cstr("versions"), 1000 + i * 300,
		    30, 0);
	rtt_model_add(model, rt_slice_cstr("wide"), 7, 3000, 0);
	rtt_model_add(model, rt_slice(NULL, 0), RT_SEQ_MAX, 1, 0);
	rtt_model_sort(model);
}

static void
write_files(const struct rtt_model *model, const struct rtt_scratch *scratch)
{
	for (size_t i = 0; i < RT_COUNTOF(files); i++) {
		struct rt_table_options options =
		    rtt_table_options(files[i].compression);
		struct rt_table_info info;

		options.bloom_bits_per_key = files[i].bloom_bits_per_key;
		options.index_part_blocks = files[i].part_blocks;
		options.index_bytes_max = files[i].part_blocks != 0 ? 1 : 0;
		rtt_model_write(model, scratch->fd, files[i].name, &options,
		    &info);
		rt_table_info_fini(&info);
	}
}

static int
open_golden(void)
{
	const char *srcdir = getenv("RTT_SRCDIR");
	char path[4096];
	int dir = -1;

	snprintf(path, sizeof(path), "%s/tests/unit/libcommon/table/golden",
	    srcdir != NULL ? srcdir : "..");
	ck_assert_int_eq(rt_fs_open_dir(rt_fs_posix(), path, &dir, NULL),
	    RT_OK);
	return dir;
}

START_TEST(old_tables_are_read)
{
	struct rtt_model model = { .count = 0 };
	int dir = open_golden();

	fill(&model);
	for (size_t i = 0; i < RT_COUNTOF(files); i++) {
		struct rt_table_reader *reader = NULL;
		struct rt_err err = { .code = RT_OK };
		struct rt_iter *iter;

		ck_assert_int_eq(rt_table_reader_open(&reader, rt_fs_posix(),
				     dir, files[i].name, NULL, NULL, NULL,
				     &err),
		    RT_OK);
		ck_assert_int_eq(rt_table_reader_verify(reader, 0, &err),
		    RT_OK);
		iter = rt_table_reader_iter(reader, 0, 0);
		rt_iter_seek_first(iter);
		rtt_model_assert_iter(&model, 0, iter);
		rt_iter_free(iter);
		rt_table_reader_unref(reader);
	}
	rt_fs_close(rt_fs_posix(), &dir, NULL);
	rtt_model_fini(&model);
}
END_TEST

START_TEST(tables_are_written_as_ever)
{
	struct rtt_model model = { .count = 0 };
	struct rtt_scratch scratch;
	int dir = open_golden();

	fill(&model);
	rtt_scratch_init(&scratch);
	write_files(&model, &scratch);
	for (size_t i = 0; i < RT_COUNTOF(files); i++) {
		struct rt_buf golden = { 0 }, written = { 0 };

		if (!files[i].is_written)
			continue;
		ck_assert_int_eq(rt_fs_read_file(rt_fs_posix(), dir,
				     files[i].name, 1 << 20, &golden, NULL),
		    RT_OK);
		ck_assert_int_eq(rt_fs_read_file(rt_fs_posix(), scratch.fd,
				     files[i].name, 1 << 20, &written, NULL),
		    RT_OK);
		ck_assert(rt_slice_equal(rt_buf_slice(&golden),
		    rt_buf_slice(&written)));
		rt_buf_fini(&golden);
		rt_buf_fini(&written);
	}
	rt_fs_close(rt_fs_posix(), &dir, NULL);
	rtt_scratch_fini(&scratch);
	rtt_model_fini(&model);
}
END_TEST

RTT_MAIN("table_golden", old_tables_are_read, tables_are_written_as_ever)
