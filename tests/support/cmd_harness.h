/* cmd_harness: commands over the fake engine, without sockets: a line in, the
 * reply's bytes out. Jobs of the pool run at once, on the test's thread; the
 * wall clock is turned by the test. */
#ifndef TESTS_SUPPORT_CMD_HARNESS_H
#define TESTS_SUPPORT_CMD_HARNESS_H

#include "riptided/cmd/command.h"
#include "tests/support/scratch_dir.h"

struct rtt_cmd {
	struct rt_clock clock;		/* first: turned by wall_ms below */
	int64_t wall_ms;
	struct rtt_scratch scratch;
	struct rt_config config;
	struct rtd_server_state server;
	struct rtd_lane lane;
	struct rtd_client client;
	unsigned killed;		/* calls of kill_client */
	bool hung_up;			/* what client_hung_up says */
	/* Of the last command: how often it ran, and what happens each time
	 * before it runs again; may be NULL. */
	unsigned tries;
	void (*between_tries)(struct rtt_cmd *cmd);
	unsigned grew;			/* calls of output_grew */
	unsigned resumed;		/* calls of resume */
};

void rtt_cmd_init(struct rtt_cmd *cmd);
void rtt_cmd_fini(struct rtt_cmd *cmd);
/* As rtt_cmd_fini() and rtt_cmd_init(), in the same directory. */
void rtt_cmd_renew(struct rtt_cmd *cmd);
/* Forget what the commands kept in memory; the data stays. */
void rtt_cmd_restart(struct rtt_cmd *cmd);

/* Run one command and return its reply, NUL-ended, until the next one. */
const char *rtt_cmd_run(struct rtt_cmd *cmd, const struct rt_slice *argv,
    size_t argc);
/* The same from words between blanks; '' is an empty word. */
const char *rtt_cmd_line(struct rtt_cmd *cmd, const char *line);

#endif
