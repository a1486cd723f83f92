/* The engine alone against a plain array: random operations on few keys.
 * RTT_SEED repeats one script; RTT_ROUNDS does more of them. A script that fails
 * is made shorter before it is printed. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "libcommon/daemon/log.h"
#include "tests/model/engine_subject.h"
#include "tests/support/runner.h"

#define OPS 8000
#define ROUNDS 10
#define SHRINK_TRIES 250

static bool
fails(void *arg, const struct rtt_script *script)
{
	return rtt_engine_run(script, arg);
}

static unsigned long
from_environment(const char *name, unsigned long otherwise)
{
	const char *text = getenv(name);

	return text != NULL ? strtoul(text, NULL, 10) : otherwise;
}

START_TEST(the_engine_does_what_a_plain_array_does)
{
	unsigned long rounds = from_environment("RTT_ROUNDS",
	    getenv("RTT_SEED") != NULL ? 1 : ROUNDS);
	unsigned long seed =
	    from_environment("RTT_SEED", (unsigned long)time(NULL) * 1000);
	struct rtt_script script;
	char failure[RTT_FAILURE_BYTES];

	/* A disk that dies makes it warn; that is no news. */
	rt_log_set_level((enum rt_loglevel)(RT_LOG_WARNING + 1));
	for (; rounds > 0; rounds--, seed++) {
		printf("# RTT_SEED=%lu\n", seed);
		fflush(stdout);	/* a crash shall not take it along */
		rtt_script_make(&script, seed, OPS);
		if (rtt_engine_run(&script, failure)) {
			printf("# %s; looking for a shorter script\n", failure);
			fflush(stdout);
			rtt_script_shrink(&script, fails, failure,
			    SHRINK_TRIES);
			rtt_engine_run(&script, failure);
			rtt_script_print(&script);
			fflush(stdout);
			ck_abort_msg("RTT_SEED=%lu: %s", seed, failure);
		}
		rtt_script_fini(&script);
	}
}
END_TEST

RTT_MAIN("engine-model", the_engine_does_what_a_plain_array_does)
