/* Each script is recorded and then cut short in many ways; what is left must
 * keep the promises. RTT_SEED repeats a run's choices, RTT_STATES sets how many
 * states a script gets, RTT_SCRIPT picks one by name. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "libcommon/daemon/log.h"
#include "tests/powercut/replayer.h"
#include "tests/support/runner.h"

#define STATES 400

static unsigned long
setting(const char *name, unsigned long usual)
{
	const char *given = getenv(name);

	return given != NULL && given[0] != '\0' ? strtoul(given, NULL, 10)
						 : usual;
}

static double
now_s(void)
{
	return (double)rt_clock_monotonic_ns(rt_clock_system()) / 1e9;
}

START_TEST(promises_hold_after_a_power_cut)
{
	const struct rtt_powercut_script *script = &rtt_powercut_scripts[_i];
	const char *only = getenv("RTT_SCRIPT");
	struct rtt_replay replay = {
		.seed = setting("RTT_SEED", (unsigned long)time(NULL)),
		.states = setting("RTT_STATES", STATES),
	};
	double began = now_s();
	bool good;

	if (only != NULL && strcmp(only, script->name) != 0)
		return;
	good = rtt_replay_script(&replay, script);
	printf("# %s: RTT_SEED=%llu events %zu points %zu (%zu exhausted) "
	    "states %zu, lived on %zu, compacted %zu, cut again %zu; %.2f s\n",
	    script->name, (unsigned long long)replay.seed, replay.events,
	    replay.points, replay.exhausted, replay.judged, replay.lived_on,
	    replay.compacted, replay.cut_again, now_s() - began);
	fflush(stdout);
	free(replay.places);
	ck_assert_msg(good, "%s: %s", script->name, replay.failure);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("powercut");
	TCase *tcase = tcase_create("powercut");

	rt_log_set_level(RT_LOG_WARNING);
	if (getenv("RTT_LOG") == NULL && freopen("/dev/null", "w", stderr) ==
	    NULL)
		return EXIT_FAILURE;
	tcase_set_timeout(tcase, 36000);
	tcase_add_loop_test(tcase, promises_hold_after_a_power_cut, 0,
	    (int)rtt_powercut_scripts_count);
	suite_add_tcase(suite, tcase);
	return rtt_run(suite);
}
