/* What the engine does when a table that it flushed is read back as something
 * else: the memtable and its log stay, it is tried again, and writes end when
 * it was no chance. */
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libcommon/base/invariant.h"
#include "libcommon/table/value.h"
#include "riptided/engine/engine.h"
#include "riptided/engine/write_hold.h"
#include "tests/support/runner.h"
#include "tests/support/scratch_dir.h"

#define WAIT_MS_MAX 30000
#define FILES_MAX 4096
#define PIECE_BYTES 4096

/* -- a disk that keeps other bytes of new tables than it was given -- */

static struct rt_fs fs;
static _Atomic bool is_garbled[FILES_MAX];	/* by descriptor */
static _Atomic int tables_garbled;		/* so many more */
static _Atomic unsigned tables_made;

static int
open_file(struct rt_fs *self, int dir, const char *name, int flags,
    mode_t mode)
{
	size_t len = strlen(name);
	bool makes_table = (flags & O_CREAT) != 0 && len > 4 &&
	    strcmp(name + len - 4, ".sst") == 0;
	int fd = rt_fs_posix()->openat(self, dir, name, flags, mode);

	if (fd < 0 || fd >= FILES_MAX)
		return fd;
	atomic_store(&is_garbled[fd], makes_table &&
	    atomic_load(&tables_garbled) > 0);
	if (atomic_load(&is_garbled[fd]))
		atomic_fetch_sub(&tables_garbled, 1);
	if (makes_table)
		atomic_fetch_add(&tables_made, 1);
	return fd;
}

static ssize_t
write_file(struct rt_fs *self, int fd, const void *data, size_t len,
    off_t offset)
{
	uint8_t other[PIECE_BYTES];

	if (!atomic_load(&is_garbled[fd]))
		return rt_fs_posix()->pwrite(self, fd, data, len, offset);
	len = len < sizeof(other) ? len : sizeof(other);
	memcpy(other, data, len);
	/* In the first block. */
	if (offset == 0)
		other[0] ^= 1;
	return rt_fs_posix()->pwrite(self, fd, other, len, offset);
}

/* -- the engine on it -- */

struct fixture {
	struct rtt_scratch scratch;
	struct rt_config config;
	struct rtd_engine *engine;
	unsigned keys;			/* put so far: key n has value n */
};

static void
open_engine(struct fixture *f)
{
	struct rtd_engine_options options = {
		.fs = &fs,
		.clock = rt_clock_system(),
		.config = &f->config,
	};
	struct rt_err err = { 0 };

	ck_assert_msg(rtd_engine_open(&f->engine, &options, &err) == RT_OK,
	    "%s", err.text);
}

static void
init(struct fixture *f)
{
	*f = (struct fixture){ .keys = 0 };
	fs = *rt_fs_posix();
	fs.openat = open_file;
	fs.pwrite = write_file;
	rtt_scratch_init(&f->scratch);
	rt_config_init(&f->config);
	free(f->config.dir);
	f->config.dir = rt_alloc(300);
	snprintf(f->config.dir, 300, "%s/data", f->scratch.path);
	f->config.memtable_size = 1 << 20;
	f->config.disk_reserve = 0;
	open_engine(f);
}

static void
fini(struct fixture *f)
{
	ck_assert_int_eq(rtd_engine_close(f->engine, NULL), RT_OK);
	rt_config_fini(&f->config);
	rtt_scratch_fini(&f->scratch);
}

static enum rt_code
put(struct fixture *f)
{
	struct rtd_write_batch batch = { 0 };
	uint64_t seq = 0;
	enum rt_code code;
	char key[16];

	snprintf(key, sizeof(key), "%u", f->keys);
	rtd_write_batch_put(&batch, 0, rt_slice_cstr(key), rt_slice_cstr(key),
	    RT_NO_EXPIRY);
	code = rtd_engine_write(f->engine, &batch, &seq, NULL);
	if (code == RT_OK)
		f->keys++;
	rtd_write_batch_fini(&batch);
	rtd_engine_end_turn(f->engine);
	return code;
}

static void
expect_all(struct fixture *f)
{
	struct rtd_reader *reader = rtd_reader_new(f->engine);

	for (unsigned n = 0; n < f->keys; n++) {
		const struct rtd_read read = { .now_ms = 1 };
		struct rtd_value value = { .seq = 0 };
		struct rt_err err = { 0 };
		char key[16];

		snprintf(key, sizeof(key), "%u", n);
		ck_assert_msg(rtd_reader_get(reader, &read, rt_slice_cstr(key),
		    &value, &err) == RT_OK, "%u: %s", n, err.text);
		ck_assert(rt_slice_equal(value.bytes, rt_slice_cstr(key)));
		rtd_value_fini(&value);
	}
	rtd_reader_free(reader);
}

/* Turns of the loop until the condition holds. */
#define TURNS_UNTIL(f, condition) \
	do { \
		unsigned turns_ = 0; \
		while (!(condition)) { \
			ck_assert_uint_lt(turns_++, WAIT_MS_MAX); \
			rtd_engine_end_turn((f)->engine); \
			usleep(1000); \
		} \
	} while (0)

static uint64_t
tables_of(struct fixture *f)
{
	struct rtd_engine_stats stats;

	rtd_engine_get_stats(f->engine, &stats);
	return stats.l0_files;
}

static unsigned
table_files(struct fixture *f)
{
	char command[400];
	unsigned count = 0;
	FILE *out;

	snprintf(command, sizeof(command), "ls %s/data/sst | wc -l",
	    f->scratch.path);
	out = popen(command, "r");
	ck_assert_ptr_nonnull(out);
	ck_assert_int_eq(fscanf(out, "%u", &count), 1);
	pclose(out);
	return count;
}

static void
restart(struct fixture *f)
{
	ck_assert_int_eq(rtd_engine_close(f->engine, NULL), RT_OK);
	open_engine(f);
}

/* -- the facts -- */

START_TEST(a_garbled_table_is_made_anew)
{
	unsigned made = atomic_load(&tables_made);
	struct fixture f;

	init(&f);
	for (unsigned i = 0; i < 100; i++)
		ck_assert_int_eq(put(&f), RT_OK);
	atomic_store(&tables_garbled, 1);
	rtd_engine_flush(f.engine);
	TURNS_UNTIL(&f, tables_of(&f) == 1);
	ck_assert_uint_eq(atomic_load(&tables_made) - made, 2);
	ck_assert_uint_eq(table_files(&f), 1);
	ck_assert_int_eq(put(&f), RT_OK);
	restart(&f);
	expect_all(&f);
	fini(&f);
}
END_TEST

START_TEST(two_garbled_tables_in_a_row_refuse_writes_until_one_is_sound)
{
	struct rt_err err = { 0 };
	struct fixture f;

	init(&f);
	for (unsigned i = 0; i < 100; i++)
		ck_assert_int_eq(put(&f), RT_OK);
	atomic_store(&tables_garbled, 1000);
	rtd_engine_flush(f.engine);
	TURNS_UNTIL(&f, rtd_engine_write_state(f.engine, &err) != RT_OK);
	ck_assert_int_eq(err.code, RT_EREADONLY);
	ck_assert_msg(strstr(err.text, "read back") != NULL, "%s", err.text);
	ck_assert_int_eq(rtd_engine_write_hold(f.engine), RTD_HOLD_READ_BACK);
	ck_assert_int_eq(put(&f), RT_EREADONLY);
	ck_assert_uint_eq(tables_of(&f), 0);
	expect_all(&f);
	atomic_store(&tables_garbled, 0);
	TURNS_UNTIL(&f, rtd_engine_write_state(f.engine, NULL) == RT_OK);
	ck_assert_int_eq(put(&f), RT_OK);
	ck_assert_uint_eq(table_files(&f), 1);
	restart(&f);
	expect_all(&f);
	fini(&f);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("garbled_tables");
	TCase *tcase = tcase_create("garbled_tables");

	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, a_garbled_table_is_made_anew);
	tcase_add_test(tcase,
	    two_garbled_tables_in_a_row_refuse_writes_until_one_is_sound);
	suite_add_tcase(suite, tcase);
	return rtt_run(suite);
}
