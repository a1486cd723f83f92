#include "libcommon/manifest/manifest_store.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/fault_fs.h"
#include "tests/support/runner.h"
#include "tests/support/scratch_dir.h"
#include "tests/unit/libcommon/manifest/manifest_wire.h"

static struct rt_manifest_store *
open_store(int dir, struct rt_fs *fs)
{
	struct rt_manifest_store *store = NULL;
	struct rt_err err = { 0 };

	ck_assert_msg(rt_manifest_store_open(&store, fs, dir, true, &err) ==
	    RT_OK, "%s", err.text);
	return store;
}

static struct rt_manifest_store *
new_database(struct rtt_scratch *scratch)
{
	struct rt_manifest_store *store;

	rtt_scratch_init(scratch);
	store = open_store(scratch->fd, rt_fs_posix());
	ck_assert_int_eq(rt_manifest_store_create(store, NULL), RT_OK);
	return store;
}

static const struct rt_manifest *
load(struct rt_manifest_store *store)
{
	const struct rt_manifest *manifest = NULL;
	struct rt_err err = { 0 };

	ck_assert_msg(rt_manifest_store_load(store, &manifest, &err) == RT_OK,
	    "%s", err.text);
	return manifest;
}

/* The n-th flush by the daemon of that epoch; n also is its only sequence. */
static struct rt_manifest_edit *
flush_edit(uint64_t epoch, uint64_t n)
{
	struct rt_manifest_edit *edit =
	    rt_manifest_edit_new(RT_ROLE_DAEMON, epoch);
	struct rt_manifest_table table = {
		.id = { 0, n },
		.size = 100,
		.smallest = rt_slice_cstr("....sa"),
		.largest = rt_slice_cstr("....sz"),
		.min_seq = n,
		.max_seq = n,
	};

	rt_manifest_edit_add_run(edit, &table);
	rt_manifest_edit_set_flushed(edit, n, n);
	return edit;
}

static enum rt_code
publish(struct rt_manifest_store *store, struct rt_manifest_edit *edit,
    const struct rt_manifest **out, bool *unknown)
{
	struct rt_err err = { 0 };
	enum rt_code code =
	    rt_manifest_store_publish(store, edit, out, unknown, &err);

	ck_assert_int_eq(err.code, code);
	rt_manifest_edit_free(edit);
	return code;
}

static void
publish_flush(struct rt_manifest_store *store, uint64_t n)
{
	ck_assert_int_eq(publish(store, flush_edit(0, n), NULL, NULL), RT_OK);
}

/* Generations that change nothing but the clock. */
static void
publish_ticks(struct rt_manifest_store *store, unsigned count)
{
	while (count-- > 0)
		ck_assert_int_eq(publish(store,
		    rt_manifest_edit_new(RT_ROLE_COMPACTOR, 0), NULL, NULL),
		    RT_OK);
}

static bool
holds(const struct rt_manifest *m, uint64_t maker_epoch, uint64_t number)
{
	struct rt_file_id id = { maker_epoch, number };

	return rt_manifest_find(m, id, NULL) != NULL;
}

static void
count_name(void *arg, const char *name)
{
	unsigned *counts = arg;
	uint64_t generation;

	if (rt_path_parse_manifest(name, &generation))
		counts[0]++;
	else
		counts[1]++;
}

static int
manifest_dir(const struct rtt_scratch *scratch)
{
	int dir = openat(scratch->fd, "manifest",
	    O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	ck_assert_int_ge(dir, 0);
	return dir;
}

/* How many generations, and how many other files, are there. */
static void
count_files(const struct rtt_scratch *scratch, unsigned counts[2])
{
	int dir = manifest_dir(scratch);

	counts[0] = counts[1] = 0;
	ck_assert_int_eq(rt_fs_list(rt_fs_posix(), dir, count_name, counts,
	    NULL), RT_OK);
	close(dir);
}

static void
put_file(const struct rtt_scratch *scratch, const char *name, const void *data,
    size_t len)
{
	int dir = manifest_dir(scratch), fd;

	fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, data, len), (ssize_t)len);
	close(fd);
	close(dir);
}

/* -- beginning -- */

START_TEST(a_new_database_has_generation_1)
{
	struct rtt_scratch scratch;
	struct rt_manifest_store *store, *again;
	const struct rt_manifest *m = NULL;
	uint64_t highest = 7;

	rtt_scratch_init(&scratch);
	ck_assert_int_eq(rt_manifest_store_open(&store, rt_fs_posix(),
	    scratch.fd, false, NULL), RT_ENOTFOUND);
	store = open_store(scratch.fd, rt_fs_posix());
	ck_assert_int_eq(rt_manifest_store_load(store, &m, NULL),
	    RT_ENOTFOUND);
	ck_assert_int_eq(rt_manifest_store_highest(store, &highest, NULL),
	    RT_OK);
	ck_assert_uint_eq(highest, 0);
	ck_assert_int_eq(rt_manifest_store_create(store, NULL), RT_OK);
	ck_assert_int_eq(rt_manifest_store_create(store, NULL), RT_EEXIST);
	again = open_store(scratch.fd, rt_fs_posix());
	m = load(again);
	ck_assert_uint_eq(m->generation, 1);
	ck_assert_uint_eq(m->next_daemon_file, 1);
	ck_assert_uint_eq(m->wal_floor, 1);
	rt_manifest_unref(m);
	rt_manifest_store_close(again);
	rt_manifest_store_close(store);
	rt_manifest_store_close(NULL);
	rtt_scratch_fini(&scratch);
}
END_TEST

START_TEST(a_publish_is_the_next_generation)
{
	struct rtt_scratch scratch;
	struct rt_manifest_store *store = new_database(&scratch);
	const struct rt_manifest *m = NULL;
	bool unknown = true;
	unsigned counts[2];

	ck_assert_int_eq(publish(store, flush_edit(0, 1), &m, &unknown),
	    RT_OK);
	ck_assert(!unknown);
	ck_assert_uint_eq(m->generation, 2);
	rt_manifest_unref(m);
	m = load(store);
	ck_assert_uint_eq(m->generation, 2);
	ck_assert(holds(m, 0, 1));
	rt_manifest_unref(m);
	ck_assert_int_eq(rt_manifest_store_load_generation(store, 1, &m, NULL),
	    RT_OK);
	ck_assert(!holds(m, 0, 1));
	rt_manifest_unref(m);
	count_files(&scratch, counts);
	ck_assert_uint_eq(counts[0], 2);
	ck_assert_uint_eq(counts[1], 0);
	rt_manifest_store_close(store);
	rtt_scratch_fini(&scratch);
}
END_TEST

START_TEST(a_fenced_role_publishes_nothing)
{
	struct rtt_scratch scratch;
	struct rt_manifest_store *store = new_database(&scratch);
	struct rt_manifest_edit *claim =
	    rt_manifest_edit_new(RT_ROLE_DAEMON, 0);
	const struct rt_manifest *m;
	bool unknown = true;

	rt_manifest_edit_claim(claim, 0);
	ck_assert_int_eq(publish(store, claim, &m, NULL), RT_OK);
	ck_assert_uint_eq(m->daemon_epoch, 1);
	rt_manifest_unref(m);
	ck_assert_int_eq(publish(store, flush_edit(0, 1), &m, &unknown),
	    RT_EFENCED);
	ck_assert(!unknown);
	ck_assert_int_eq(publish(store, flush_edit(1, 1), NULL, NULL), RT_OK);
	ck_assert_int_eq(publish(store, flush_edit(1, 1), NULL, &unknown),
	    RT_ECONFLICT);
	ck_assert(!unknown);
	m = load(store);
	ck_assert_uint_eq(m->generation, 3);
	rt_manifest_unref(m);
	rt_manifest_store_close(store);
	rtt_scratch_fini(&scratch);
}
END_TEST

/* -- damage, newer programs, foreign files -- */

START_TEST(a_damaged_highest_generation_is_never_passed_over)
{
	struct rtt_scratch scratch;
	struct rt_manifest_store *store = new_database(&scratch);
	char name[RT_PATH_NAME_BYTES];
	const struct rt_manifest *m = NULL;
	struct rt_err err = { 0 };
	struct rt_buf bytes = { 0 };
	bool unknown = true;
	int dir;

	publish_flush(store, 1);
	publish_flush(store, 2);
	rt_path_manifest(name, 3);
	dir = manifest_dir(&scratch);
	ck_assert_int_eq(rt_fs_read_file(rt_fs_posix(), dir, name, 100000,
	    &bytes, NULL), RT_OK);
	close(dir);
	for (size_t len = 0; len < bytes.len; len += 13) {
		put_file(&scratch, name, bytes.data, len);
		ck_assert_int_eq(rt_manifest_store_load(store, &m, &err),
		    RT_EDAMAGED);
		ck_assert_ptr_nonnull(strstr(err.text, name));
	}
	ck_assert_int_eq(publish(store, flush_edit(0, 3), NULL, &unknown),
	    RT_EDAMAGED);
	ck_assert(!unknown);
	/* Whole, but of another generation. */
	rt_path_manifest(name, 9);
	put_file(&scratch, name, bytes.data, bytes.len);
	ck_assert_int_eq(rt_manifest_store_load(store, &m, NULL), RT_EDAMAGED);
	rt_buf_fini(&bytes);
	rt_manifest_store_close(store);
	rtt_scratch_fini(&scratch);
}
END_TEST

START_TEST(a_huge_file_is_refused_unread)
{
	struct rtt_scratch scratch;
	struct rt_manifest_store *store = new_database(&scratch);
	const struct rt_manifest *m = NULL;
	char name[RT_PATH_NAME_BYTES];
	int dir, fd;

	dir = manifest_dir(&scratch);
	fd = openat(dir, rt_path_manifest(name, 2),
	    O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	ck_assert_int_eq(ftruncate(fd, (off_t)1 << 40), 0);
	close(fd);
	close(dir);
	ck_assert_int_eq(rt_manifest_store_load(store, &m, NULL), RT_EDAMAGED);
	rt_manifest_store_close(store);
	rtt_scratch_fini(&scratch);
}
END_TEST

/* Change one byte of generation 1's envelope. */
static void
change_byte(const struct rtt_scratch *scratch, size_t at, uint8_t value)
{
	char name[RT_PATH_NAME_BYTES];
	struct rt_buf bytes = { 0 };
	int dir = manifest_dir(scratch);

	rt_path_manifest(name, 1);
	ck_assert_int_eq(rt_fs_read_file(rt_fs_posix(), dir, name, 100000,
	    &bytes, NULL), RT_OK);
	bytes.data[at] = value;
	wire_reseal(&bytes);
	put_file(scratch, name, bytes.data, bytes.len);
	rt_buf_fini(&bytes);
	close(dir);
}

START_TEST(what_a_newer_program_wrote_is_refused)
{
	struct rtt_scratch scratch;
	struct rt_manifest_store *store = new_database(&scratch);
	const struct rt_manifest *m = NULL;
	struct rt_err err = { 0 };
	bool unknown = true;

	change_byte(&scratch, WIRE_FORMAT_AT, 3);
	ck_assert_int_eq(rt_manifest_store_load(store, &m, &err), RT_EFORMAT);
	ck_assert_ptr_nonnull(strstr(err.text, "written by format 3"));
	change_byte(&scratch, WIRE_FORMAT_AT, 1);
	change_byte(&scratch, WIRE_INCOMPAT_AT, 4);
	ck_assert_int_eq(rt_manifest_store_load(store, &m, NULL), RT_EFORMAT);
	change_byte(&scratch, WIRE_INCOMPAT_AT, 0);
	change_byte(&scratch, WIRE_RO_COMPAT_AT, 4);
	rt_manifest_unref(load(store));
	ck_assert_int_eq(publish(store, flush_edit(0, 1), NULL, &unknown),
	    RT_EFORMAT);
	ck_assert(!unknown);
	rt_manifest_store_close(store);
	rtt_scratch_fini(&scratch);
}
END_TEST

START_TEST(foreign_files_are_left_alone)
{
	static const char *const names[] = {
		"MANIFEST", "MANIFEST-9", "MANIFEST-00000000000000000099~",
		"MANIFEST-0000000000000000009x", "tmp-notes", "tmp-1-2-3",
		".MANIFEST-00000000000000000099.swp", "CURRENT",
	};
	struct rtt_scratch scratch;
	struct rt_manifest_store *store = new_database(&scratch);
	const struct rt_manifest *m;
	unsigned counts[2];
	int dir = manifest_dir(&scratch);
	const struct timespec old[2] = { { .tv_sec = 1 }, { .tv_sec = 1 } };

	for (size_t i = 0; i < RT_COUNTOF(names); i++) {
		put_file(&scratch, names[i], "hello", 5);
		ck_assert_int_eq(utimensat(dir, names[i], old, 0), 0);
	}
	ck_assert_int_eq(mkdirat(dir, "tmp-1-2-0000000000000003", 0700), 0);
	publish_flush(store, 1);
	publish_ticks(store, 20);
	ck_assert_int_eq(rt_manifest_store_collect(store, NULL), RT_OK);
	m = load(store);
	ck_assert_uint_eq(m->generation, 22);
	rt_manifest_unref(m);
	count_files(&scratch, counts);
	ck_assert_uint_eq(counts[0], RT_MANIFESTS_KEPT);
	ck_assert_uint_eq(counts[1], RT_COUNTOF(names) + 1);
	close(dir);
	rt_manifest_store_close(store);
	rtt_scratch_fini(&scratch);
}
END_TEST

/* -- collecting -- */

START_TEST(the_last_sixteen_generations_stay)
{
	struct rtt_scratch scratch;
	struct rt_manifest_store *store = new_database(&scratch);
	const struct rt_manifest *m = NULL;
	unsigned counts[2];

	publish_ticks(store, RT_MANIFESTS_KEPT - 1);
	ck_assert_int_eq(rt_manifest_store_collect(store, NULL), RT_OK);
	count_files(&scratch, counts);
	ck_assert_uint_eq(counts[0], RT_MANIFESTS_KEPT);
	publish_ticks(store, 10);
	ck_assert_int_eq(rt_manifest_store_collect(store, NULL), RT_OK);
	count_files(&scratch, counts);
	ck_assert_uint_eq(counts[0], RT_MANIFESTS_KEPT);
	ck_assert_int_eq(rt_manifest_store_load_generation(store, 10, &m,
	    NULL), RT_ENOTFOUND);
	ck_assert_int_eq(rt_manifest_store_load_generation(store, 11, &m,
	    NULL), RT_OK);
	rt_manifest_unref(m);
	rt_manifest_store_close(store);
	rtt_scratch_fini(&scratch);
}
END_TEST

START_TEST(old_temporary_files_go_and_young_ones_stay)
{
	const struct timespec old[2] = { { .tv_sec = 1 }, { .tv_sec = 1 } };
	struct rtt_scratch scratch;
	struct rt_manifest_store *store = new_database(&scratch);
	int dir = manifest_dir(&scratch);
	unsigned counts[2];

	put_file(&scratch, "tmp-77-1-00000000000000aa", "a", 1);
	put_file(&scratch, "tmp-77-2-00000000000000ab", "b", 1);
	ck_assert_int_eq(utimensat(dir, "tmp-77-2-00000000000000ab", old, 0),
	    0);
	ck_assert_int_eq(rt_manifest_store_collect(store, NULL), RT_OK);
	count_files(&scratch, counts);
	ck_assert_uint_eq(counts[1], 1);
	ck_assert_int_eq(faccessat(dir, "tmp-77-1-00000000000000aa", F_OK, 0),
	    0);
	close(dir);
	rt_manifest_store_close(store);
	rtt_scratch_fini(&scratch);
}
END_TEST

/* -- publishers that sleep: something happens around a link -- */

struct sleepy_fs {
	struct rt_fs fs;
	struct rtt_scratch *scratch;
	struct rt_manifest_store *other;
	/* Called once, instead of the first link; does it, or does not. */
	int (*link)(struct sleepy_fs *sleepy, int from_dir, const char *from,
	    int to_dir, const char *to);
	struct sleepy_fs *second;
	unsigned links;
};

static int
raw_link(int from_dir, const char *from, int to_dir, const char *to)
{
	struct rt_fs *fs = rt_fs_posix();

	return fs->linkat(fs, from_dir, from, to_dir, to);
}

static int
sleepy_linkat(struct rt_fs *fs, int from_dir, const char *from, int to_dir,
    const char *to)
{
	struct sleepy_fs *sleepy = (struct sleepy_fs *)fs;

	if (sleepy->links++ == 0)
		return sleepy->link(sleepy, from_dir, from, to_dir, to);
	return raw_link(from_dir, from, to_dir, to);
}

static struct rt_manifest_store *
open_sleepy(struct sleepy_fs *sleepy, struct rtt_scratch *scratch,
    struct rt_manifest_store *other)
{
	sleepy->fs = *rt_fs_posix();
	sleepy->fs.linkat = sleepy_linkat;
	sleepy->scratch = scratch;
	sleepy->other = other;
	return open_store(scratch->fd, &sleepy->fs);
}

/* Long enough for every generation from before to be collected. */
static void
let_time_pass(struct rt_manifest_store *store)
{
	publish_ticks(store, RT_MANIFESTS_KEPT + 4);
	ck_assert_int_eq(rt_manifest_store_collect(store, NULL), RT_OK);
}

/* Publish flush 7 through a store whose first link is `link`; it must be in
 * the highest generation afterwards, after `links` links. */
static void
publish_sleepily(int (*link)(struct sleepy_fs *, int, const char *, int,
    const char *), unsigned links)
{
	struct rtt_scratch scratch;
	struct rt_manifest_store *other = new_database(&scratch), *store;
	struct sleepy_fs sleepy = { .link = link };
	const struct rt_manifest *m = NULL, *highest;
	bool unknown = true;
	unsigned counts[2];

	store = open_sleepy(&sleepy, &scratch, other);
	ck_assert_int_eq(publish(store, flush_edit(0, 7), &m, &unknown),
	    RT_OK);
	ck_assert(!unknown);
	ck_assert(holds(m, 0, 7));
	highest = load(other);
	ck_assert(holds(highest, 0, 7));
	ck_assert_uint_eq(highest->generation, m->generation);
	ck_assert_uint_eq(sleepy.links, links);
	rt_manifest_unref(m);
	rt_manifest_unref(highest);
	count_files(&scratch, counts);
	ck_assert_uint_eq(counts[1], 0);
	rt_manifest_store_close(store);
	rt_manifest_store_close(other);
	rtt_scratch_fini(&scratch);
}

static int
lose_the_race(struct sleepy_fs *sleepy, int from_dir, const char *from,
    int to_dir, const char *to)
{
	publish_flush(sleepy->other, 3);
	return raw_link(from_dir, from, to_dir, to);
}

START_TEST(a_lost_race_is_run_again)
{
	publish_sleepily(lose_the_race, 2);
}
END_TEST

static int
sleep_before(struct sleepy_fs *sleepy, int from_dir, const char *from,
    int to_dir, const char *to)
{
	let_time_pass(sleepy->other);
	return raw_link(from_dir, from, to_dir, to);
}

START_TEST(a_name_brought_back_from_the_past_is_no_publish)
{
	publish_sleepily(sleep_before, 2);
}
END_TEST

static int
sleep_after(struct sleepy_fs *sleepy, int from_dir, const char *from,
    int to_dir, const char *to)
{
	int result = raw_link(from_dir, from, to_dir, to);

	let_time_pass(sleepy->other);
	return result;
}

START_TEST(a_publish_is_found_in_a_later_generation)
{
	publish_sleepily(sleep_after, 1);
}
END_TEST

static int
lose_the_file(struct sleepy_fs *sleepy, int from_dir, const char *from,
    int to_dir, const char *to)
{
	ck_assert_int_eq(unlinkat(from_dir, from, 0), 0);
	return raw_link(from_dir, from, to_dir, to);
}

START_TEST(a_temporary_file_taken_away_is_written_again)
{
	publish_sleepily(lose_the_file, 2);
}
END_TEST

/* Two sleep: the second has generation 2 as its base, the first brings that
 * name back just before the second looks for it. */
static struct {
	int from_dir, to_dir;
	char from[RT_PATH_NAME_BYTES], to[RT_PATH_NAME_BYTES];
	int result;
} first_sleeper;

static int
second_wakes(struct sleepy_fs *sleepy, int from_dir, const char *from,
    int to_dir, const char *to)
{
	let_time_pass(sleepy->other);
	first_sleeper.result = raw_link(first_sleeper.from_dir,
	    first_sleeper.from, first_sleeper.to_dir, first_sleeper.to);
	return raw_link(from_dir, from, to_dir, to);
}

static int
both_sleep(struct sleepy_fs *sleepy, int from_dir, const char *from, int to_dir,
    const char *to)
{
	struct sleepy_fs second = { .link = second_wakes };
	struct rt_manifest_store *store;
	struct rt_manifest_edit *edit =
	    rt_manifest_edit_new(RT_ROLE_COMPACTOR, 0);

	first_sleeper.from_dir = from_dir;
	first_sleeper.to_dir = to_dir;
	snprintf(first_sleeper.from, RT_PATH_NAME_BYTES, "%s", from);
	snprintf(first_sleeper.to, RT_PATH_NAME_BYTES, "%s", to);
	first_sleeper.result = -EIO;
	publish_ticks(sleepy->other, 1);
	store = open_sleepy(&second, sleepy->scratch, sleepy->other);
	rt_manifest_edit_set_expiry_clock(edit, 12345, NULL);
	ck_assert_int_eq(publish(store, edit, NULL, NULL), RT_OK);
	ck_assert_uint_eq(second.links, 2);
	rt_manifest_store_close(store);
	return first_sleeper.result;
}

START_TEST(a_base_brought_back_by_another_proves_nothing)
{
	publish_sleepily(both_sleep, 2);
	ck_assert_int_eq(first_sleeper.result, 0);
}
END_TEST

/* -- every call fails once -- */

START_TEST(a_failure_at_any_call_loses_no_publish)
{
	struct rtt_fault_fs fault;
	struct rtt_scratch scratch;
	struct rt_manifest_store *store, *check = new_database(&scratch);
	const struct rt_manifest *m;
	uint64_t next = 1, published = 0;
	bool over = false;

	rtt_fault_fs_init(&fault);
	store = open_store(scratch.fd, &fault.fs);
	publish_ticks(check, RT_MANIFESTS_KEPT + 4);
	for (long n = 1; !over; n++) {
		struct rt_manifest_edit *edit = flush_edit(0, next);
		struct rt_err err = { 0 };
		bool unknown = false, there;
		enum rt_code code;

		rtt_fault_fs_arm(&fault, n, n % 2 == 0, EIO);
		code = rt_manifest_store_publish(store, edit, NULL, &unknown,
		    &err);
		if (rt_manifest_store_collect(store, NULL) == RT_OK)
			over = fault.failed == 0;
		rtt_fault_fs_disarm(&fault);
		m = load(check);
		there = rt_manifest_edit_is_in(edit, m);
		ck_assert(holds(m, 0, next) == there);
		if (code == RT_OK)
			ck_assert(there);
		else if (!unknown)
			ck_assert(!there);
		if (there)
			published = next++;
		for (uint64_t i = 1; i <= published; i++)
			ck_assert_msg(holds(m, 0, i), "%" PRIu64 " at %ld", i,
			    n);
		rt_manifest_unref(m);
		rt_manifest_edit_free(edit);
		ck_assert_int_lt(n, 1000);
	}
	ck_assert_uint_gt(published, 3);
	rt_manifest_store_close(store);
	rt_manifest_store_close(check);
	rtt_scratch_fini(&scratch);
}
END_TEST

START_TEST(a_failure_while_creating_leaves_all_or_nothing)
{
	struct rtt_fault_fs fault;
	bool over = false;

	for (long n = 1; !over; n++) {
		struct rtt_scratch scratch;
		struct rt_manifest_store *store = NULL;
		const struct rt_manifest *m = NULL;
		enum rt_code code, loaded;

		rtt_scratch_init(&scratch);
		rtt_fault_fs_init(&fault);
		rtt_fault_fs_arm(&fault, n, false, ENOSPC);
		code = rt_manifest_store_open(&store, &fault.fs, scratch.fd,
		    true, NULL);
		if (code == RT_OK)
			code = rt_manifest_store_create(store, NULL);
		over = fault.failed == 0;
		rtt_fault_fs_disarm(&fault);
		rt_manifest_store_close(store);
		store = open_store(scratch.fd, rt_fs_posix());
		loaded = rt_manifest_store_load(store, &m, NULL);
		ck_assert(loaded == RT_OK || loaded == RT_ENOTFOUND);
		if (code == RT_OK)
			ck_assert_int_eq(loaded, RT_OK);
		if (loaded == RT_ENOTFOUND)
			ck_assert_int_eq(rt_manifest_store_create(store, NULL),
			    RT_OK);
		rt_manifest_unref(m);
		rt_manifest_store_close(store);
		rtt_scratch_fini(&scratch);
		ck_assert_int_lt(n, 1000);
	}
}
END_TEST

/* -- two publishers at once -- */

enum { RACE_EDITS = 500 };

static void *
race_as_daemon(void *arg)
{
	const struct rtt_scratch *scratch = arg;
	struct rt_manifest_store *store =
	    open_store(scratch->fd, rt_fs_posix());

	for (uint64_t n = 1; n <= RACE_EDITS; n++) {
		publish_flush(store, n);
		if (n % 20 == 0)
			ck_assert_int_eq(rt_manifest_store_collect(store,
			    NULL), RT_OK);
	}
	rt_manifest_store_close(store);
	return NULL;
}

/* Merge the oldest table of level 0 with the one of level 1. */
static struct rt_manifest_edit *
merge_edit(const struct rt_manifest *m, uint64_t number)
{
	size_t runs = rt_manifest_level0_runs(m);
	const struct rt_manifest_table *newer = &m->runs[runs - 1].tables[0];
	const struct rt_manifest_table *older =
	    runs < m->runs_count ? &m->runs[runs].tables[0] : newer;
	struct rt_file_id inputs[2] = { newer->id, older->id };
	struct rt_manifest_table output = *newer;
	struct rt_manifest_edit *edit =
	    rt_manifest_edit_new(RT_ROLE_COMPACTOR, 1);

	output.id = (struct rt_file_id){ 1, number };
	output.min_seq = older->min_seq;
	rt_manifest_edit_replace(edit, inputs, older == newer ? 1 : 2, 1,
	    &output, 1);
	return edit;
}

static void *
race_as_compactor(void *arg)
{
	const struct rtt_scratch *scratch = arg;
	struct rt_manifest_store *store =
	    open_store(scratch->fd, rt_fs_posix());
	struct rt_manifest_edit *claim =
	    rt_manifest_edit_new(RT_ROLE_COMPACTOR, 0);

	rt_manifest_edit_claim(claim, 0);
	ck_assert_int_eq(publish(store, claim, NULL, NULL), RT_OK);
	for (uint64_t n = 1; n <= RACE_EDITS;) {
		const struct rt_manifest *m = load(store);

		if (rt_manifest_level0_runs(m) == 0)
			sched_yield();
		else
			ck_assert_int_eq(publish(store, merge_edit(m, n++),
			    NULL, NULL), RT_OK);
		rt_manifest_unref(m);
	}
	rt_manifest_store_close(store);
	return NULL;
}

START_TEST(two_publishers_lose_no_edit)
{
	struct rtt_scratch scratch;
	struct rt_manifest_store *store = new_database(&scratch);
	const struct rt_manifest *m;
	pthread_t daemon, compactor;

	ck_assert_int_eq(pthread_create(&daemon, NULL, race_as_daemon,
	    &scratch), 0);
	ck_assert_int_eq(pthread_create(&compactor, NULL, race_as_compactor,
	    &scratch), 0);
	pthread_join(daemon, NULL);
	pthread_join(compactor, NULL);
	m = load(store);
	/* One generation an edit, the claim, and the first. Each merge made
	 * one table of the next flush and all before; names occur once (M7). */
	ck_assert_uint_eq(m->generation, 2 * RACE_EDITS + 2);
	ck_assert_uint_eq(m->runs_count, 1);
	ck_assert_uint_eq(m->runs[0].tables[0].min_seq, 1);
	ck_assert_uint_eq(m->runs[0].tables[0].max_seq, RACE_EDITS);
	ck_assert(holds(m, 1, RACE_EDITS));
	ck_assert_uint_eq(m->obsolete_count, 2 * RACE_EDITS - 1);
	rt_manifest_unref(m);
	rt_manifest_store_close(store);
	rtt_scratch_fini(&scratch);
}
END_TEST

RTT_MAIN("manifest_store", a_new_database_has_generation_1,
    a_publish_is_the_next_generation, a_fenced_role_publishes_nothing,
    a_damaged_highest_generation_is_never_passed_over,
    a_huge_file_is_refused_unread, what_a_newer_program_wrote_is_refused,
    foreign_files_are_left_alone, the_last_sixteen_generations_stay,
    old_temporary_files_go_and_young_ones_stay, a_lost_race_is_run_again,
    a_name_brought_back_from_the_past_is_no_publish,
    a_publish_is_found_in_a_later_generation,
    a_temporary_file_taken_away_is_written_again,
    a_base_brought_back_by_another_proves_nothing,
    a_failure_at_any_call_loses_no_publish,
    a_failure_while_creating_leaves_all_or_nothing,
    two_publishers_lose_no_edit)
