#include "riptided/engine/checkpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "libcommon/base/invariant.h"
#include "libcommon/manifest/manifest_store.h"
#include "libcommon/os/mutex.h"
#include "libcommon/table/value.h"
#include "riptided/engine/compact.h"
#include "riptided/engine/snapshots.h"
#include "tests/support/fault_fs.h"
#include "tests/support/runner.h"
#include "tests/support/scratch_dir.h"

#define KEYS 300
#define NOW_MS 1000

/* An engine in a directory, the original or a copy. */
struct database {
	char dir[300];
	struct rt_config config;
	struct rtd_engine *engine;
	struct rtd_reader *reader;
	struct rtd_write_batch batch;
};

struct fixture {
	struct rtt_scratch scratch;
	struct database db;
};

static void
open_database(struct database *db, struct rt_fs *fs)
{
	struct rt_err err = { 0 };
	struct rtd_engine_options options = {
		.fs = fs,
		.clock = rt_clock_system(),
		.config = &db->config,
	};

	rt_config_init(&db->config);
	free(db->config.dir);
	db->config.dir = rt_strdup(db->dir);
	db->config.memtable_size = 64 << 10;
	db->config.appendfsync = RT_FSYNC_NO;
	db->config.disk_reserve = 0;
	ck_assert_msg(rtd_engine_open(&db->engine, &options, &err) == RT_OK,
	    "%s", err.text);
	db->reader = rtd_reader_new(db->engine);
}

static void
close_database(struct database *db)
{
	rtd_reader_free(db->reader);
	rtd_engine_close(db->engine, NULL);
	rtd_write_batch_fini(&db->batch);
	rt_config_fini(&db->config);
	db->batch = (struct rtd_write_batch){ 0 };
}

static void
init(struct fixture *f)
{
	*f = (struct fixture){ 0 };
	rtt_scratch_init(&f->scratch);
	snprintf(f->db.dir, sizeof(f->db.dir), "%s/data", f->scratch.path);
	open_database(&f->db, rt_fs_posix());
}

static void
fini(struct fixture *f)
{
	close_database(&f->db);
	rtt_scratch_fini(&f->scratch);
}

static uint64_t
commit(struct database *db)
{
	struct rt_err err = { 0 };
	uint64_t seq = 0;

	while (!rtd_engine_has_room(db->engine))
		usleep(1000);
	ck_assert_msg(rtd_engine_write(db->engine, &db->batch, &seq, &err) ==
	    RT_OK, "%s", err.text);
	rtd_engine_end_turn(db->engine);
	rtd_write_batch_clear(&db->batch);
	return seq;
}

static void
put(struct database *db, uint32_t keyspace, unsigned key, unsigned value)
{
	char name[16], text[200];

	snprintf(name, sizeof(name), "key%u", key);
	snprintf(text, sizeof(text), "%u %0150u", value, key);
	rtd_write_batch_put(&db->batch, keyspace, rt_slice_cstr(name),
	    rt_slice_cstr(text), 0);
	commit(db);
}

/* The value that put() gave, 0: there is none. */
static unsigned
get(struct database *db, uint32_t keyspace, unsigned key)
{
	struct rtd_value value = { .seq = 0 };
	struct rt_err err = { 0 };
	char name[16], text[16] = { 0 };
	enum rt_code code;

	snprintf(name, sizeof(name), "key%u", key);
	code = rtd_reader_get(db->reader,
	    &(struct rtd_read){ .keyspace = keyspace, .now_ms = NOW_MS },
	    rt_slice_cstr(name), &value, &err);
	ck_assert_msg(code == RT_OK || code == RT_ENOTFOUND, "%s", err.text);
	if (code == RT_OK)
		memcpy(text, value.bytes.data, sizeof(text) - 1);
	rtd_value_fini(&value);
	return (unsigned)strtoul(text, NULL, 10);
}

struct running {
	struct rtd_checkpoint *checkpoint;
	enum rt_code code;
	struct rt_err *err;
	atomic_bool done;
};

static void *
run_aside(void *arg)
{
	struct running *running = arg;

	running->code = rtd_checkpoint_run(running->checkpoint, running->err);
	atomic_store(&running->done, true);
	return NULL;
}

/* On a thread of its own, as in the daemon: turns of the loop go on. */
static enum rt_code
begin_and_run(struct database *db, const char *name, struct rt_err *err)
{
	struct running running = { .err = err };
	enum rt_code code = rtd_checkpoint_begin(db->engine,
	    rt_slice_cstr(name), &running.checkpoint, err);
	pthread_t thread;

	if (code != RT_OK)
		return code;
	rt_thread_start(&thread, "checkpoint", run_aside, &running);
	while (!atomic_load(&running.done)) {
		rtd_engine_end_turn(db->engine);
		usleep(1000);
	}
	rt_thread_join(thread);
	rtd_checkpoint_free(running.checkpoint);
	return running.code;
}

static void
make(struct database *db, const char *name)
{
	struct rt_err err = { 0 };

	ck_assert_msg(begin_and_run(db, name, &err) == RT_OK, "%s", err.text);
}

/* Start on the copy. */
static void
open_copy(struct database *copy, const struct database *of, const char *name)
{
	*copy = (struct database){ 0 };
	ck_assert_int_lt(snprintf(copy->dir, sizeof(copy->dir),
	    "%.200s/checkpoints/%s", of->dir, name), (int)sizeof(copy->dir));
	open_database(copy, rt_fs_posix());
}

static bool
exists(const struct database *db, const char *below)
{
	char path[500];

	snprintf(path, sizeof(path), "%s/%s", db->dir, below);
	return access(path, F_OK) == 0;
}

START_TEST(it_has_everything_written_before)
{
	struct database copy;
	struct fixture f;

	init(&f);
	/* More than one memtable, so that some may wait for their flush. */
	for (unsigned i = 0; i < 4 * KEYS; i++)
		put(&f.db, 0, i % KEYS, i + 1);
	make(&f.db, "one");
	for (unsigned i = 0; i < KEYS; i++)
		put(&f.db, 0, i, 9999);
	make(&f.db, "two");

	open_copy(&copy, &f.db, "one");
	for (unsigned i = 0; i < KEYS; i++)
		ck_assert_uint_eq(get(&copy, 0, i), 3 * KEYS + i + 1);
	/* It is a database: it takes writes, and the original goes on. */
	put(&copy, 0, 0, 1);
	put(&f.db, 0, 1, 2);
	close_database(&copy);
	open_copy(&copy, &f.db, "one");
	ck_assert_uint_eq(get(&copy, 0, 0), 1);
	ck_assert_uint_eq(get(&copy, 0, 1), 3 * KEYS + 2);
	close_database(&copy);
	ck_assert_uint_eq(get(&f.db, 0, 0), 9999);
	ck_assert_uint_eq(get(&f.db, 0, 1), 2);
	fini(&f);
}
END_TEST

START_TEST(an_empty_database_has_one_too)
{
	struct database copy;
	struct fixture f;

	init(&f);
	make(&f.db, "empty");
	open_copy(&copy, &f.db, "empty");
	ck_assert_uint_eq(get(&copy, 0, 1), 0);
	put(&copy, 0, 1, 1);
	close_database(&copy);
	fini(&f);
}
END_TEST

START_TEST(drops_and_swaps_come_through)
{
	struct database copy;
	struct fixture f;

	init(&f);
	put(&f.db, 0, 1, 10);
	put(&f.db, 1, 1, 11);
	put(&f.db, 2, 1, 12);
	make(&f.db, "before");
	rtd_write_batch_swap(&f.db.batch, 0, 1);
	commit(&f.db);
	rtd_write_batch_drop(&f.db.batch, 2);
	commit(&f.db);
	make(&f.db, "after");
	for (unsigned after = 0; after < 2; after++) {
		open_copy(&copy, &f.db, after ? "after" : "before");
		ck_assert_uint_eq(rtd_engine_keyspace(copy.engine, 0), after);
		ck_assert_uint_eq(get(&copy, 0, 1), 10);
		ck_assert_uint_eq(get(&copy, 1, 1), 11);
		ck_assert_uint_eq(get(&copy, 2, 1), after ? 0 : 12);
		close_database(&copy);
	}
	fini(&f);
}
END_TEST

static const struct rt_manifest *
load_manifest(const char *path)
{
	const struct rt_manifest *manifest = NULL;
	struct rt_manifest_store *store = NULL;
	struct rt_err err = { 0 };
	int dir = -1;

	ck_assert_int_eq(rt_fs_open_dir(rt_fs_posix(), path, &dir, NULL),
	    RT_OK);
	ck_assert_int_eq(rt_manifest_store_open(&store, rt_fs_posix(), dir,
	    false, NULL), RT_OK);
	ck_assert_msg(rt_manifest_store_load(store, &manifest, &err) == RT_OK,
	    "%s", err.text);
	rt_manifest_store_close(store);
	rt_fs_close(rt_fs_posix(), &dir, NULL);
	return manifest;
}

START_TEST(its_manifest_is_that_of_a_clean_stop)
{
	struct rtd_snapshot *snapshot = NULL;
	const struct rt_manifest *manifest, *original;
	struct fixture f;
	char path[400];

	init(&f);
	put(&f.db, 0, 1, 1);
	ck_assert_int_eq(rtd_snapshot_create(f.db.engine, 0, &snapshot, NULL),
	    RT_OK);
	put(&f.db, 0, 1, 2);
	ck_assert_uint_eq(rtd_compact_ask(f.db.engine), 1);
	make(&f.db, "m");
	snprintf(path, sizeof(path), "%s/checkpoints/m", f.db.dir);
	manifest = load_manifest(path);
	original = load_manifest(f.db.dir);
	ck_assert_mem_eq(manifest->database_uuid, original->database_uuid,
	    RT_DATABASE_UUID_BYTES);
	ck_assert_uint_eq(manifest->flushed_seq, 2);
	ck_assert_uint_eq(manifest->snapshots_count, 0);
	ck_assert_uint_eq(manifest->obsolete_count, 0);
	ck_assert(!rt_manifest_is_asked(manifest));
	ck_assert_uint_eq(manifest->clean_wal + 1, manifest->wal_floor);
	ck_assert_uint_ge(manifest->expiry_clock_ms,
	    original->expiry_clock_ms);
	ck_assert_uint_eq(manifest->clock_mark.boot_id,
	    original->clock_mark.boot_id);
	ck_assert_uint_eq(original->snapshots_count, 1);
	rt_manifest_unref(manifest);
	rt_manifest_unref(original);
	rtd_snapshot_unref(snapshot);
	fini(&f);
}
END_TEST

START_TEST(a_name_is_taken_once_and_checked)
{
	struct rt_err err = { 0 };
	struct fixture f;

	init(&f);
	put(&f.db, 0, 1, 1);
	make(&f.db, "a");
	ck_assert_int_eq(begin_and_run(&f.db, "a", &err), RT_EEXIST);
	ck_assert_str_eq(err.text, "checkpoint 'a' already exists");
	ck_assert_int_eq(begin_and_run(&f.db, ".a", &err), RT_EINVAL);
	ck_assert_int_eq(begin_and_run(&f.db, "", &err), RT_EINVAL);
	ck_assert_int_eq(begin_and_run(&f.db, "../a", &err), RT_EINVAL);
	make(&f.db, "b");
	fini(&f);
}
END_TEST

START_TEST(only_one_is_made_at_a_time)
{
	struct rtd_checkpoint *first = NULL, *second = NULL;
	struct rt_err err = { 0 };
	struct fixture f;

	init(&f);
	put(&f.db, 0, 1, 1);
	ck_assert_int_eq(rtd_checkpoint_begin(f.db.engine, rt_slice_cstr("a"),
	    &first, &err), RT_OK);
	ck_assert_int_eq(rtd_checkpoint_begin(f.db.engine, rt_slice_cstr("b"),
	    &second, &err), RT_EAGAIN);
	ck_assert_ptr_null(second);
	ck_assert_int_eq(rtd_checkpoint_run(first, &err), RT_OK);
	rtd_checkpoint_free(first);
	make(&f.db, "b");
	fini(&f);
}
END_TEST

/* In a half-made one nothing but our own names is removed. */
START_TEST(half_made_ones_go_at_a_start)
{
	static const char *const dirs[] = { "checkpoints/.tmp-a",
		"checkpoints/.tmp-a/sst", "checkpoints/.tmp-a/manifest",
		"checkpoints/.tmp-a/wal", "checkpoints/.tmp-b",
		"checkpoints/.tmp-b/sst", "checkpoints/.hidden" };
	static const char *const files[] = { "checkpoints/.tmp-a/sst/d-1.sst",
		"checkpoints/.tmp-a/sst/c2-7.sst",
		"checkpoints/.tmp-a/manifest/MANIFEST-00000000000000000007",
		"checkpoints/.tmp-a/manifest/tmp-1-0-00000000000000ff",
		"checkpoints/.tmp-a/CHECKSUMS",
		"checkpoints/.tmp-b/sst/d-1.sst",
		"checkpoints/.tmp-b/sst/mine.txt" };
	struct fixture f;
	char path[400];

	init(&f);
	put(&f.db, 0, 1, 1);
	make(&f.db, "whole");
	close_database(&f.db);
	for (size_t i = 0; i < RT_COUNTOF(dirs); i++) {
		snprintf(path, sizeof(path), "%s/%s", f.db.dir, dirs[i]);
		ck_assert_int_eq(mkdir(path, 0700), 0);
	}
	for (size_t i = 0; i < RT_COUNTOF(files); i++) {
		int fd;

		snprintf(path, sizeof(path), "%s/%s", f.db.dir, files[i]);
		fd = open(path, O_WRONLY | O_CREAT, 0600);
		ck_assert_int_ge(fd, 0);
		close(fd);
	}
	open_database(&f.db, rt_fs_posix());
	ck_assert(!exists(&f.db, "checkpoints/.tmp-a"));
	ck_assert(!exists(&f.db, "checkpoints/.tmp-b/sst/d-1.sst"));
	ck_assert(exists(&f.db, "checkpoints/.tmp-b/sst/mine.txt"));
	ck_assert(exists(&f.db, "checkpoints/.hidden"));
	ck_assert(exists(&f.db, "checkpoints/whole/CHECKSUMS"));
	/* Nor does it become a part of a checkpoint. */
	ck_assert_int_eq(begin_and_run(&f.db, "b", NULL), RT_EEXIST);
	make(&f.db, "a");
	fini(&f);
}
END_TEST

START_TEST(a_cancelled_one_leaves_nothing)
{
	struct rt_err err = { 0 };
	struct fixture f;

	init(&f);
	put(&f.db, 0, 1, 1);
	make(&f.db, "a");
	put(&f.db, 0, 1, 2);
	rtd_checkpoint_cancel(f.db.engine);
	ck_assert_int_eq(begin_and_run(&f.db, "b", &err), RT_ESTOPPED);
	ck_assert(!exists(&f.db, "checkpoints/b"));
	ck_assert(!exists(&f.db, "checkpoints/.tmp-b"));
	fini(&f);
}
END_TEST

/* A file system without what hard links need. */
struct linkless_fs {
	struct rt_fs fs;
	int os_errno;
};

static int
refuse_link(struct rt_fs *fs, int from_dir, const char *from, int to_dir,
    const char *to)
{
	struct linkless_fs *linkless = (struct linkless_fs *)fs;

	if (from_dir != to_dir)
		return -linkless->os_errno;
	return rt_fs_posix()->linkat(fs, from_dir, from, to_dir, to);
}

START_TEST(without_hard_links_it_says_so)
{
	static const struct {
		int os_errno;
		const char *words;
	} cases[] = { { EXDEV, "not on one file system" },
		{ EPERM, "no hard links" }, { EMLINK, "links" } };
	struct linkless_fs linkless = { .fs = *rt_fs_posix() };
	struct fixture f;

	init(&f);
	put(&f.db, 0, 1, 1);
	close_database(&f.db);
	linkless.fs.linkat = refuse_link;
	open_database(&f.db, &linkless.fs);
	for (size_t i = 0; i < RT_COUNTOF(cases); i++) {
		struct rt_err err = { 0 };

		linkless.os_errno = cases[i].os_errno;
		ck_assert_int_eq(begin_and_run(&f.db, "x", &err), RT_EIO);
		ck_assert_msg(strstr(err.text, cases[i].words) != NULL, "%s",
		    err.text);
		ck_assert(!exists(&f.db, "checkpoints/x"));
		ck_assert(!exists(&f.db, "checkpoints/.tmp-x"));
	}
	fini(&f);
}
END_TEST

START_TEST(a_flush_that_fails_fails_it)
{
	struct rtt_fault_fs fault;
	struct rt_err err = { 0 };
	struct fixture f;

	init(&f);
	close_database(&f.db);
	rtt_fault_fs_init(&fault);
	open_database(&f.db, &fault.fs);
	put(&f.db, 0, 1, 1);
	while (rtd_engine_acked_seq(f.db.engine) <
	    rtd_engine_visible_seq(f.db.engine))
		usleep(1000);
	rtt_fault_fs_arm(&fault, 1, true, ENOSPC);
	ck_assert_int_eq(begin_and_run(&f.db, "x", &err), RT_ENOSPC);
	rtt_fault_fs_disarm(&fault);
	ck_assert(!exists(&f.db, "checkpoints/x"));
	ck_assert_msg(strncmp(err.text, "checkpoint 'x' not made: ", 25) == 0,
	    "%s", err.text);
	fini(&f);
}
END_TEST

RTT_MAIN("checkpoint", it_has_everything_written_before,
    an_empty_database_has_one_too, drops_and_swaps_come_through,
    its_manifest_is_that_of_a_clean_stop, a_name_is_taken_once_and_checked,
    only_one_is_made_at_a_time, half_made_ones_go_at_a_start,
    a_cancelled_one_leaves_nothing, without_hard_links_it_says_so,
    a_flush_that_fails_fails_it)
