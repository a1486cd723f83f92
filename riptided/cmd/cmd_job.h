/* cmd_job: a command whose work is done by the pool: the client is parked,
 * work() runs on a pool thread, reply() on the loop, and the client goes on.
 * Time and errors are counted as for any command. */
#ifndef RIPTIDED_CMD_CMD_JOB_H
#define RIPTIDED_CMD_CMD_JOB_H

#include "riptided/cmd/call.h"

/* Embedded first by the command's own struct. */
struct rtd_cmd_job {
	struct rtd_job job;
	struct rtd_server_state *server;
	struct rtd_client *client;	/* pool: hands off */
	const struct rtd_command *command;
	uint64_t start_ns;
	struct rtd_slowlog_entry *words;	/* in case it is slow */
	void (*work)(struct rtd_cmd_job *job);	/* pool thread */
	void (*reply)(struct rtd_cmd_job *job);	/* loop; not when killed */
	void (*free)(struct rtd_cmd_job *job);	/* loop; always, last */
};

/* work, reply and free are set. Park the client and start. Within an EXEC all
 * of it is done at once, on the loop. */
void rtd_cmd_job_start(struct rtd_cmd_job *job, struct rtd_call *call);

#endif
