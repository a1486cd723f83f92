#include "libcommon/manifest/manifest_store.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libcommon/base/attr.h"
#include "libcommon/manifest/manifest_watch.h"
#include "tests/support/fault_fs.h"
#include "tests/support/runner.h"
#include "tests/support/scratch_dir.h"

#define EDITS 300

static struct rt_slice
key(void)
{
	return rt_slice("\0\0\0\0sk", 6);
}

static struct rt_manifest_store *
open_store(struct rt_fs *fs, int dir)
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
	struct rt_err err = { 0 };

	rtt_scratch_init(scratch);
	store = open_store(rt_fs_posix(), scratch->fd);
	ck_assert_msg(rt_manifest_store_create(store, &err) == RT_OK, "%s",
	    err.text);
	return store;
}

/* The edit of a flush that wrote d-<number> with one version. */
static struct rt_manifest_edit *
flush_edit(uint64_t epoch, uint64_t number)
{
	struct rt_manifest_edit *edit =
	    rt_manifest_edit_new(RT_ROLE_DAEMON, epoch);
	struct rt_manifest_table table = {
		.id = { 0, number },
		.unique_id = number,
		.size = 100,
		.smallest = key(),
		.largest = key(),
		.min_seq = number,
		.max_seq = number,
		.entries = 1,
	};

	rt_manifest_edit_add_run(edit, &table);
	rt_manifest_edit_set_next_file(edit, number + 1);
	rt_manifest_edit_set_flushed(edit, number, number);
	return edit;
}

static enum rt_code
publish(struct rt_manifest_store *store, struct rt_manifest_edit *edit)
{
	struct rt_err err = { 0 };
	enum rt_code code =
	    rt_manifest_store_publish(store, edit, NULL, NULL, &err);

	rt_manifest_edit_free(edit);
	return code;
}

static uint64_t
claim(struct rt_manifest_store *store, enum rt_role role)
{
	struct rt_manifest_edit *edit = rt_manifest_edit_new(role, 0);
	const struct rt_manifest *made = NULL;
	struct rt_err err = { 0 };
	uint64_t epoch;

	rt_manifest_edit_claim(edit, 0);
	ck_assert_msg(rt_manifest_store_publish(store, edit, &made, NULL,
	    &err) == RT_OK, "%s", err.text);
	epoch = role == RT_ROLE_DAEMON ? made->daemon_epoch :
	    made->compactor_epoch;
	rt_manifest_unref(made);
	rt_manifest_edit_free(edit);
	return epoch;
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

static void
damage_highest(const struct rtt_scratch *scratch,
    struct rt_manifest_store *store, off_t at)
{
	char name[RT_PATH_NAME_BYTES];
	struct rt_err err = { 0 };
	uint64_t highest = 0;
	unsigned char byte = 0;
	char path[600];
	int fd;

	ck_assert_int_eq(rt_manifest_store_highest(store, &highest, &err),
	    RT_OK);
	snprintf(path, sizeof(path), "%s/manifest/%s", scratch->path,
	    rt_path_manifest(name, highest));
	ck_assert_int_eq(chmod(path, 0600), 0);
	fd = open(path, O_RDWR | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(pread(fd, &byte, 1, at), 1);
	byte ^= 0x40;
	ck_assert_int_eq(pwrite(fd, &byte, 1, at), 1);
	close(fd);
}

START_TEST(a_database_is_created_once)
{
	struct rtt_scratch scratch;
	struct rt_manifest_store *store = new_database(&scratch);
	struct rt_err err = { 0 };
	const struct rt_manifest *manifest;

	ck_assert_int_eq(rt_manifest_store_create(store, &err), RT_EEXIST);
	manifest = load(store);
	ck_assert_uint_eq(manifest->generation, 1);
	rt_manifest_unref(manifest);
	rt_manifest_store_close(store);
	rtt_scratch_fini(&scratch);
}
END_TEST

START_TEST(no_manifest_is_not_found)
{
	struct rtt_scratch scratch;
	struct rt_manifest_store *store = NULL;
	const struct rt_manifest *manifest = NULL;
	struct rt_err err = { 0 };

	rtt_scratch_init(&scratch);
	ck_assert_int_eq(rt_manifest_store_open(&store, rt_fs_posix(),
	    scratch.fd, false, &err), RT_ENOTFOUND);
	store = open_store(rt_fs_posix(), scratch.fd);
	ck_assert_int_eq(rt_manifest_store_load(store, &manifest, &err),
	    RT_ENOTFOUND);
	rt_manifest_store_close(store);
	rtt_scratch_fini(&scratch);
}
END_TEST

START_TEST(a_later_claim_fences_the_earlier)
{
	struct rtt_scratch scratch;
	struct rt_manifest_store *store = new_database(&scratch);
	uint64_t first = claim(store, RT_ROLE_DAEMON);
	uint64_t second = claim(store, RT_ROLE_DAEMON);

	ck_assert_uint_eq(second, first + 1);
	ck_assert_int_eq(publish(store, flush_edit(first, 1)), RT_EFENCED);
	ck_assert_int_eq(publish(store, flush_edit(second, 1)), RT_OK);
	rt_manifest_store_close(store);
	rtt_scratch_fini(&scratch);
}
END_TEST

START_TEST(a_damaged_highest_is_refused_and_no_older_is_taken)
{
	struct rtt_scratch scratch;
	struct rt_manifest_store *store = new_database(&scratch);
	const struct rt_manifest *manifest = NULL;
	struct rt_err err = { 0 };
	uint64_t epoch = claim(store, RT_ROLE_DAEMON);

	damage_highest(&scratch, store, 70);
	ck_assert_int_eq(rt_manifest_store_load(store, &manifest, &err),
	    RT_EDAMAGED);
	ck_assert_ptr_null(manifest);
	ck_assert_int_eq(publish(store, flush_edit(epoch, 1)), RT_EDAMAGED);
	rt_manifest_store_close(store);
	rtt_scratch_fini(&scratch);
}
END_TEST

START_TEST(collecting_keeps_the_last_sixteen)
{
	struct rtt_scratch scratch;
	struct rt_manifest_store *store = new_database(&scratch);
	const struct rt_manifest *manifest = NULL;
	struct rt_err err = { 0 };

	for (int i = 1; i < 40; i++)
		claim(store, RT_ROLE_DAEMON);
	ck_assert_int_eq(rt_manifest_store_collect(store, &err), RT_OK);
	for (uint64_t g = 1; g <= 40; g++) {
		enum rt_code code = rt_manifest_store_load_generation(store, g,
		    &manifest, &err);

		ck_assert_msg((code == RT_OK) == (g > 40 - RT_MANIFESTS_KEPT),
		    "generation %d", (int)g);
		if (code == RT_OK)
			rt_manifest_unref(manifest);
	}
	rt_manifest_store_close(store);
	rtt_scratch_fini(&scratch);
}
END_TEST

START_TEST(foreign_files_are_let_be)
{
	static const char *const names[] = { "manifest/README",
		"manifest/MANIFEST-", "manifest/MANIFEST-x",
		"manifest/MANIFEST-1x" };
	struct rtt_scratch scratch;
	struct rt_manifest_store *store = new_database(&scratch);
	struct rt_err err = { 0 };
	uint64_t highest = 0;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		int fd = openat(scratch.fd, names[i],
		    O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

		ck_assert_int_ge(fd, 0);
		close(fd);
	}
	ck_assert_int_eq(rt_manifest_store_highest(store, &highest, &err),
	    RT_OK);
	ck_assert_uint_eq(highest, 1);
	ck_assert_int_eq(rt_manifest_store_collect(store, &err), RT_OK);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		ck_assert_int_eq(faccessat(scratch.fd, names[i], F_OK, 0), 0);
	rt_manifest_store_close(store);
	rtt_scratch_fini(&scratch);
}
END_TEST

struct publisher {
	int dir;
	enum rt_role role;
	uint64_t epoch;
	int published;
};

/* Each has a store of its own, as the two processes have. */
static void *
publish_many(void *arg)
{
	struct publisher *self = arg;
	struct rt_manifest_store *store = NULL;
	struct rt_err err = { 0 };

	if (rt_manifest_store_open(&store, rt_fs_posix(), self->dir, false,
	    &err) != RT_OK)
		return NULL;
	for (uint64_t i = 1; i <= EDITS; i++) {
		struct rt_manifest_edit *edit;

		if (self->role == RT_ROLE_DAEMON) {
			edit = flush_edit(self->epoch, i);
		} else {
			edit = rt_manifest_edit_new(self->role, self->epoch);
			rt_manifest_edit_set_expiry_clock(edit, i);
		}
		if (publish(store, edit) == RT_OK)
			self->published++;
		if (self->role == RT_ROLE_DAEMON && i % 8 == 0 &&
		    rt_manifest_store_collect(store, &err) != RT_OK)
			break;
	}
	rt_manifest_store_close(store);
	return NULL;
}

/* The generation counts the edits: none is lost, none goes in twice. */
START_TEST(two_publishers_lose_no_edit_and_repeat_none)
{
	struct rtt_scratch scratch;
	struct rt_manifest_store *store = new_database(&scratch);
	struct publisher both[2] = {
		{ scratch.fd, RT_ROLE_DAEMON, claim(store, RT_ROLE_DAEMON), 0 },
		{ scratch.fd, RT_ROLE_COMPACTOR,
		    claim(store, RT_ROLE_COMPACTOR), 0 },
	};
	const struct rt_manifest *manifest;
	pthread_t threads[2];

	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL,
		    publish_many, &both[i]), 0);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	ck_assert_int_eq(both[0].published, EDITS);
	ck_assert_int_eq(both[1].published, EDITS);
	manifest = load(store);
	ck_assert_uint_eq(manifest->generation, 3 + 2 * EDITS);
	ck_assert_uint_eq(manifest->runs_count, EDITS);
	ck_assert_uint_eq(manifest->expiry_clock_ms, EDITS);
	for (size_t i = 0; i < EDITS; i++)
		ck_assert_uint_eq(manifest->runs[i].tables[0].id.number,
		    EDITS - i);
	rt_manifest_unref(manifest);
	rt_manifest_store_close(store);
	rtt_scratch_fini(&scratch);
}
END_TEST

/* One publish with its n-th file call failing. True when n was beyond it. */
static bool
publish_failing_at(long n, bool for_ever)
{
	struct rtt_scratch scratch;
	struct rt_manifest_store *store = new_database(&scratch), *faulty;
	uint64_t epoch = claim(store, RT_ROLE_DAEMON);
	struct rt_manifest_edit *edit = flush_edit(epoch, 1);
	const struct rt_manifest *manifest;
	struct rtt_fault_fs fault;
	struct rt_err err = { 0 };
	bool unknown = false, beyond, is_in;
	enum rt_code code;

	rtt_fault_fs_init(&fault);
	faulty = open_store(&fault.fs, scratch.fd);
	rtt_fault_fs_arm(&fault, n, for_ever, EIO);
	code = rt_manifest_store_publish(faulty, edit, NULL, &unknown, &err);
	beyond = atomic_load(&fault.failed) == 0;
	rtt_fault_fs_disarm(&fault);
	manifest = load(store);
	is_in = rt_manifest_edit_is_in(edit, manifest);
	if (code == RT_OK)
		ck_assert_msg(is_in, "call %ld: a success is lost", n);
	else if (!unknown)
		ck_assert_msg(!is_in, "call %ld: a failure is in", n);
	rt_manifest_unref(manifest);
	rt_manifest_edit_free(edit);
	rt_manifest_store_close(faulty);
	rt_manifest_store_close(store);
	rtt_scratch_fini(&scratch);
	return beyond;
}

START_TEST(any_failing_call_leaves_a_manifest_and_an_honest_answer)
{
	for (int for_ever = 0; for_ever < 2; for_ever++) {
		long n = 1;

		while (!publish_failing_at(n, for_ever != 0))
			ck_assert_int_lt(++n, 1000);
		ck_assert_int_gt(n, 4);
	}
}
END_TEST

START_TEST(a_watch_wakes_on_a_publish)
{
	struct rtt_scratch scratch;
	struct rt_manifest_store *store = new_database(&scratch);
	struct rt_manifest_watch *watch = NULL;
	struct rt_err err = { 0 };

	ck_assert_msg(rt_manifest_watch_open(&watch, scratch.path, &err) ==
	    RT_OK, "%s", err.text);
	ck_assert(!rt_manifest_watch_wait(watch, 0));
	claim(store, RT_ROLE_DAEMON);
	ck_assert(rt_manifest_watch_wait(watch, 60000));
	rt_manifest_watch_drain(watch);
	ck_assert(!rt_manifest_watch_drain(watch));
	rt_manifest_watch_close(watch);
	rt_manifest_store_close(store);
	rtt_scratch_fini(&scratch);
}
END_TEST

RTT_MAIN("manifest_store", a_database_is_created_once,
    no_manifest_is_not_found, a_later_claim_fences_the_earlier,
    a_damaged_highest_is_refused_and_no_older_is_taken,
    collecting_keeps_the_last_sixteen, foreign_files_are_let_be,
    two_publishers_lose_no_edit_and_repeat_none,
    any_failing_call_leaves_a_manifest_and_an_honest_answer,
    a_watch_wakes_on_a_publish)
