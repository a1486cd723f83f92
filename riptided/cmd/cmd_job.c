#include "riptided/cmd/cmd_job.h"

static void
run(struct rtd_job *base)
{
	struct rtd_cmd_job *job = (struct rtd_cmd_job *)base;

	job->work(job);
}

static void
done(struct rtd_job *base)
{
	struct rtd_cmd_job *job = (struct rtd_cmd_job *)base;
	struct rtd_server_state *server = job->server;
	struct rtd_client *client = job->client;
	size_t out_before = client->out.len;
	uint64_t nsec = rt_clock_monotonic_ns(server->clock) - job->start_ns;

	server->jobs_running--;
	rtd_command_end_job(server, job->command, job->words, nsec);
	if (!client->killed) {
		job->reply(job);
		rtd_command_finished(server, client, job->command, nsec,
		    out_before);
		if (RT_UNLIKELY(client->modes != 0))
			rtd_command_silence(client, out_before);
	}
	job->free(job);
	server->unpark_client(server, client);
}

/* Within an EXEC nothing else may happen meanwhile: everybody waits. */
static void
run_now(struct rtd_cmd_job *job, struct rtd_call *call)
{
	job->server = call->server;
	job->client = call->client;
	job->command = call->command;
	job->work(job);
	job->reply(job);
	job->free(job);
}

void
rtd_cmd_job_start(struct rtd_cmd_job *job, struct rtd_call *call)
{
	if (call->lane->pending != NULL) {
		run_now(job, call);
		return;
	}
	job->job.run = run;
	job->job.done = done;
	job->server = call->server;
	job->client = call->client;
	job->command = call->command;
	job->start_ns = rt_clock_monotonic_ns(call->server->clock);
	job->words = rtd_command_begin_job(call);
	call->client->parked = true;
	call->goes_on = true;
	call->server->jobs_running++;
	rtd_pool_submit(call->server->pool, &job->job);
}
