#include "libcommon/table/read_ahead.h"

#include <errno.h>
#include <fcntl.h>

#include "tests/support/runner.h"

#define MIB RT_READ_AHEAD_BYTES
#define WINDOWS 8
#define FILE_BYTES ((WINDOWS - 1) * MIB + 5000)

/* A file of which some windows are in memory. */
struct file {
	struct rt_fs fs;
	bool was_there[WINDOWS];
	bool is_there[WINDOWS];
	bool asked[WINDOWS];
};

static ssize_t
read_now(struct rt_fs *fs, int fd, void *out, size_t len, off_t offset)
{
	const struct file *file = (const struct file *)fs;

	ck_assert_int_lt(offset, FILE_BYTES);
	return file->is_there[offset / (off_t)MIB] ? (ssize_t)len : -EAGAIN;
}

static int
take_advice(struct rt_fs *fs, int fd, off_t offset, off_t len, int advice)
{
	struct file *file = (struct file *)fs;
	size_t i = (size_t)offset / MIB;

	ck_assert_uint_eq((uint64_t)offset % MIB, 0);
	ck_assert_uint_eq((uint64_t)len, i + 1 < WINDOWS ? MIB : 5000);
	if (advice == POSIX_FADV_WILLNEED) {
		ck_assert(!file->asked[i]);
		file->asked[i] = file->is_there[i] = true;
	} else {
		ck_assert_int_eq(advice, POSIX_FADV_DONTNEED);
		ck_assert(file->asked[i]);
		file->is_there[i] = false;
	}
	return 0;
}

static struct rt_read_ahead
open_file(struct file *file, unsigned there)
{
	*file = (struct file){
		.fs = { .pread_nowait = read_now, .fadvise = take_advice },
	};
	for (size_t i = 0; i < WINDOWS; i++)
		file->was_there[i] = file->is_there[i] = there >> i & 1;
	return (struct rt_read_ahead){ .fs = &file->fs, .end = FILE_BYTES };
}

START_TEST(memory_is_afterwards_as_it_was)
{
	for (unsigned there = 0; there < 1u << WINDOWS; there++) {
		struct file file;
		struct rt_read_ahead ahead = open_file(&file, there);

		for (uint64_t at = 0; at < FILE_BYTES; at += 100000) {
			size_t i = (size_t)(at / MIB);

			rt_read_ahead_at(&ahead, at);
			/* This window and the next, and none before. */
			ck_assert(file.is_there[i]);
			ck_assert(i + 1 == WINDOWS || file.is_there[i + 1]);
			for (size_t j = 0; j < i; j++)
				ck_assert_int_eq(file.is_there[j],
				    file.was_there[j]);
		}
		rt_read_ahead_end(&ahead);
		for (size_t i = 0; i < WINDOWS; i++)
			ck_assert_int_eq(file.is_there[i], file.was_there[i]);
	}
}
END_TEST

START_TEST(a_reading_that_ends_early_leaves_nothing)
{
	struct file file;
	struct rt_read_ahead ahead = open_file(&file, 0);

	rt_read_ahead_at(&ahead, 2 * MIB);
	rt_read_ahead_at(&ahead, 4 * MIB + 1);
	rt_read_ahead_end(&ahead);
	for (size_t i = 0; i < WINDOWS; i++) {
		ck_assert(!file.is_there[i]);
		ck_assert_int_eq(file.asked[i], i >= 2 && i <= 5);
	}
	rt_read_ahead_at(&ahead, FILE_BYTES);
	ck_assert_uint_eq(ahead.now.to, 0);
}
END_TEST

RTT_MAIN("read_ahead", memory_is_afterwards_as_it_was,
    a_reading_that_ends_early_leaves_nothing)
