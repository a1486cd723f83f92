#include "libcommon/manifest/manifest_watch.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "libcommon/manifest/manifest_store.h"
#include "tests/support/runner.h"
#include "tests/support/scratch_dir.h"

START_TEST(a_publish_wakes_the_watcher)
{
	struct rtt_scratch scratch;
	struct rt_manifest_store *store;
	struct rt_manifest_watch *watch;
	struct rt_manifest_edit *edit;

	rtt_scratch_init(&scratch);
	ck_assert_int_eq(rt_manifest_watch_open(&watch, scratch.path, NULL),
	    RT_ENOTFOUND);
	ck_assert_int_eq(rt_manifest_store_open(&store, rt_fs_posix(),
	    scratch.fd, true, NULL), RT_OK);
	ck_assert_int_eq(rt_manifest_watch_open(&watch, scratch.path, NULL),
	    RT_OK);
	ck_assert_int_ge(rt_manifest_watch_fd(watch), 0);
	ck_assert(!rt_manifest_watch_drain(watch));
	ck_assert(!rt_manifest_watch_wait(watch, 0));

	ck_assert_int_eq(rt_manifest_store_create(store, NULL), RT_OK);
	ck_assert(rt_manifest_watch_wait(watch, 60000));
	ck_assert(!rt_manifest_watch_drain(watch));

	edit = rt_manifest_edit_new(RT_ROLE_DAEMON, 0);
	rt_manifest_edit_claim(edit, 0);
	ck_assert_int_eq(rt_manifest_store_publish(store, edit, NULL, NULL,
	    NULL), RT_OK);
	rt_manifest_edit_free(edit);
	ck_assert(rt_manifest_watch_drain(watch));

	rt_manifest_watch_close(watch);
	rt_manifest_store_close(store);
	rtt_scratch_fini(&scratch);
}
END_TEST

START_TEST(other_files_do_not_wake_it)
{
	struct rtt_scratch scratch;
	struct rt_manifest_store *store;
	struct rt_manifest_watch *watch;
	char path[300];

	rtt_scratch_init(&scratch);
	ck_assert_int_eq(rt_manifest_store_open(&store, rt_fs_posix(),
	    scratch.fd, true, NULL), RT_OK);
	ck_assert_int_eq(rt_manifest_watch_open(&watch, scratch.path, NULL),
	    RT_OK);
	snprintf(path, sizeof(path), "%s/manifest/notes", scratch.path);
	close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	ck_assert(!rt_manifest_watch_drain(watch));
	rt_manifest_watch_close(watch);
	rt_manifest_watch_close(NULL);
	rt_manifest_store_close(store);
	rtt_scratch_fini(&scratch);
}
END_TEST

RTT_MAIN("manifest_watch", a_publish_wakes_the_watcher,
    other_files_do_not_wake_it)
