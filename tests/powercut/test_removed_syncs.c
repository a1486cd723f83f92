/* The test of the test: each place that syncs or links is made to do nothing,
 * in turn, and the replay must find a broken promise. A place that may as well
 * be left out is on a list, with the reason, and must not be found.
 *
 * Places are told apart by function and line; with RTT_PATHS set also by their
 * callers. RTT_SEED, RTT_STATES (for each place and script). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "libcommon/base/buf.h"
#include "libcommon/base/invariant.h"
#include "libcommon/daemon/log.h"
#include "tests/powercut/replayer.h"
#include "tests/support/runner.h"

#define STATES 300
/* What is needed only for an instant gets so many times more states. */
#define PATIENCE 8
/* And what is needless so many times less. */
#define NEEDLESS_PART 4
#define SCRIPTS_MAX 64

/* What may be left out, by the beginning of its path. Of those with a word in
 * common one at least is needed: all of them together are found. */
static const struct {
	const char *path;
	const char *together;	/* NULL: needless by itself */
	const char *reason;
	bool by_path;		/* other callers need it */
} needless[] = {
	{ .path = "dirsync open_directory",
	    .together = "directories",
	    .reason = "a later sync of the data directory comes before "
		"anything in it counts" },
	{ .path = "dirsync rt_manifest_store_open",
	    .together = "directories",
	    .reason = "publish_first syncs the data directory again" },
	{ .path = "dirsync publish_first",
	    .together = "directories",
	    .reason = "needed only where the start before was cut short" },
	{ .path = "sync prepare",
	    .reason = "zeros are no record; who writes over them syncs the "
		"file" },
	{ .path = "sync make_first_file < begin_again",
	    .reason = "after a failure the memtables are empty, so that no "
		"rotation comes before a record, whose sync takes the "
		"header along" },
	{ .path = "rename rt_compactor_status_save",
	    .reason = "the status is for people and outlives nothing" },
	{ .path = "rename write_file < save",
	    .reason = "a record of progress that is lost costs its job the "
		"time it took" },
	{ .path = "link adopt",
	    .reason = "an output that is not there is made anew" },
	{ .path = "dirsync rt_manifest_store_sync_dir < publish_first < "
		"rt_manifest_store_create",
	    .reason = "the claim that follows syncs the same directory",
	    .by_path = true },
	{ .path = "link write_and_link < publish_once < "
		"rt_manifest_store_publish < publish_clean_stop",
	    .reason = "the log has everything; the mark tells damage from a "
		"torn tail",
	    .by_path = true },
	{ .path = "dirsync rt_manifest_store_sync_dir < settle < "
		"publish_once < rt_manifest_store_publish < "
		"publish_clean_stop",
	    .reason = "likewise",
	    .by_path = true },
	{ .path = "dirsync rt_manifest_store_sync_dir < settle < "
		"publish_once < rt_manifest_store_publish < "
		"rtc_publisher_publish",
	    .together = "merges",
	    .reason = "who unlinks the inputs syncs the directory first",
	    .by_path = true },
	{ .path = "dirsync rt_manifest_store_sync_dir < rtc_sweeper_drain",
	    .together = "merges",
	    .reason = "the publish before has synced it",
	    .by_path = true },
	{ .path = "dirsync rt_manifest_store_sync_dir < settle < "
		"publish_once < rt_manifest_store_publish < drain_obsolete",
	    .reason = "a table that is on the list and gone does no harm",
	    .by_path = true },
	{ .path = "dirsync rt_manifest_store_sync_dir < "
		"rt_manifest_store_collect",
	    .reason = "each publisher syncs its own before the next one's, "
		"and sixteen stay",
	    .by_path = true },
};

/* A place, and the scripts that come by. */
struct suspect {
	struct rtt_place place;
	bool scripts[SCRIPTS_MAX];
};

struct search {
	struct rtt_namer *namer;
	bool by_path;
	uint64_t seed;
	size_t states;
	struct suspect *suspects;
	size_t count;
	size_t judged;
};

static unsigned long
setting(const char *name, unsigned long usual)
{
	const char *given = getenv(name);

	return given != NULL && given[0] != '\0' ? strtoul(given, NULL, 10)
						 : usual;
}

static const char *
name_of(const struct search *search, const struct rtt_place *place)
{
	return search->by_path ? place->path : place->site;
}

static void
note_place(struct search *search, const struct rtt_place *place, size_t script)
{
	struct suspect *suspect = NULL;

	for (size_t i = 0; i < search->count; i++)
		if (search->suspects[i].place.call == place->call &&
		    strcmp(name_of(search, &search->suspects[i].place),
			name_of(search, place)) == 0)
			suspect = &search->suspects[i];
	if (suspect == NULL) {
		search->suspects = rt_realloc(search->suspects,
		    (search->count + 1) * sizeof(*suspect));
		suspect = &search->suspects[search->count++];
		*suspect = (struct suspect){ .place = *place };
	}
	suspect->scripts[script] = true;
}

/* Every script once, as it is. */
static void
find_places(struct search *search)
{
	for (size_t i = 0; i < rtt_powercut_scripts_count; i++) {
		struct rtt_replay replay = { .namer = search->namer };

		ck_assert_msg(rtt_replay_script(&replay,
		    &rtt_powercut_scripts[i]), "%s", replay.failure);
		for (size_t j = 0; j < replay.places_count; j++)
			note_place(search, &replay.places[j], i);
		free(replay.places);
	}
}

/* Its line in the list, or -1. */
static int
find_needless(const struct search *search, const struct rtt_place *place)
{
	for (size_t i = 0; i < RT_COUNTOF(needless); i++)
		if ((search->by_path || !needless[i].by_path) &&
		    strncmp(place->path, needless[i].path,
			strlen(needless[i].path)) == 0)
			return (int)i;
	return -1;
}

/* True: without these places a promise was broken, in one of the scripts that
 * come by the first. */
static bool
is_caught(struct search *search, const struct suspect *suspect,
    const char *without, size_t states, char *how, size_t how_bytes)
{
	snprintf(how, how_bytes, "not caught");
	for (size_t i = 0; i < rtt_powercut_scripts_count; i++) {
		struct rtt_replay replay = {
			.namer = search->namer,
			.without = without,
			.seed = search->seed,
			.states = states,
			.quiet = true,
		};
		bool good;

		if (!suspect->scripts[i])
			continue;
		good = rtt_replay_script(&replay, &rtt_powercut_scripts[i]);
		free(replay.places);
		search->judged += replay.judged;
		if (good)
			continue;
		snprintf(how, how_bytes, "%s, state %zu: %.150s",
		    rtt_powercut_scripts[i].name, replay.judged,
		    replay.failure);
		/* While the power is on, nobody can tell a sync that did
		 * nothing: that is a failure of another kind. */
		if (replay.judged == 0 && suspect->place.call <=
		    RTT_CALL_SYNC_DIR)
			ck_abort_msg("%s: %s", without, how);
		return true;
	}
	return false;
}

/* One place does nothing. False: what became of it is not what should. */
static bool
try_place(struct search *search, const struct suspect *suspect, bool *caught)
{
	const char *name = name_of(search, &suspect->place);
	int listed = find_needless(search, &suspect->place);
	char how[300];
	bool right;

	*caught = is_caught(search, suspect, name, listed < 0 ? search->states :
	    search->states / NEEDLESS_PART, how, sizeof(how));
	/* Some are needed for an instant only. */
	if (!*caught && listed < 0)
		*caught = is_caught(search, suspect, name,
		    search->states * PATIENCE, how, sizeof(how));
	right = *caught == (listed < 0);
	printf("# %s%s: %s%s%s\n", right ? "" : "WRONG: ", name, how,
	    listed >= 0 ? "; needless: " : "",
	    listed >= 0 ? needless[listed].reason : "");
	fflush(stdout);
	return right;
}

/* All needless places with this word do nothing, which must be found. */
static bool
try_together(struct search *search, const char *word)
{
	const struct suspect *first = NULL;
	struct rt_buf without = { .len = 0 };
	char how[300] = "";
	bool caught;

	for (size_t i = 0; i < search->count; i++) {
		const struct rtt_place *place = &search->suspects[i].place;
		int listed = find_needless(search, place);

		if (listed < 0 || needless[listed].together == NULL ||
		    strcmp(needless[listed].together, word) != 0)
			continue;
		first = first == NULL ? &search->suspects[i] : first;
		rt_buf_printf(&without, "%s|", name_of(search, place));
	}
	rt_buf_append_byte(&without, '\0');
	caught = first != NULL && is_caught(search, first,
	    (const char *)without.data, search->states, how, sizeof(how));
	printf("# %sall of \"%s\" together: %s\n", caught ? "" : "WRONG: ",
	    word, how);
	rt_buf_fini(&without);
	return caught;
}

START_TEST(every_sync_and_link_is_needed)
{
	const char *only = getenv("RTT_PLACE");
	struct search search = {
		.namer = rtt_namer_open(),
		.by_path = getenv("RTT_PATHS") != NULL,
		.seed = setting("RTT_SEED", (unsigned long)time(NULL)),
		.states = setting("RTT_STATES", STATES),
	};
	size_t caught_count = 0, wrong = 0;
	bool caught;

	if (search.namer == NULL) {
		printf("# addr2line cannot tell places: skipped\n");
		return;
	}
	find_places(&search);
	for (size_t i = 0; i < search.count; i++) {
		if (only != NULL && strstr(search.suspects[i].place.path,
			only) == NULL)
			continue;
		wrong += !try_place(&search, &search.suspects[i], &caught);
		caught_count += caught;
	}
	wrong += only == NULL && !try_together(&search, "directories");
	printf("# RTT_SEED=%llu places %zu, caught %zu, states %zu\n",
	    (unsigned long long)search.seed, search.count, caught_count,
	    search.judged);
	fflush(stdout);
	free(search.suspects);
	rtt_namer_close(search.namer);
	ck_assert_msg(wrong == 0, "%zu places are not as they should be",
	    wrong);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("removed_syncs");
	TCase *tcase = tcase_create("removed_syncs");

	rt_log_set_level(RT_LOG_WARNING);
	if (getenv("RTT_LOG") == NULL && freopen("/dev/null", "w", stderr) ==
	    NULL)
		return EXIT_FAILURE;
	tcase_set_timeout(tcase, 36000);
	tcase_add_test(tcase, every_sync_and_link_is_needed);
	suite_add_tcase(suite, tcase);
	return rtt_run(suite);
}
