/* RIPTIDE WHY: what makes this server slow, or made it: holds of writes with
 * their causes, what took long in the last minute, and what is about to. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "libcommon/daemon/latency.h"
#include "riptided/cmd/compactor_look.h"
#include "riptided/cmd/handlers.h"

#define FINDINGS_MAX 32
#define LATELY_S 60
/* From so many tables in level 0 on, times l0-compaction-trigger, reads feel
 * them. */
#define TRIGGERS 5

struct finding {
	const char *cause;
	const char *state;	/* "refused", "waiting", "slow", "risk", "past" */
	const char *advice;
	int64_t since_ms;	/* for how long; -1: not known */
	uint64_t debt_bytes;	/* what has to be done before it ends */
	int64_t eta_s;		/* -1: not known */
	char detail[320];
};

struct findings {
	struct rtd_server_state *server;
	struct rtd_engine_stats engine;
	struct rtd_engine_durations times;
	struct rtd_compactor_look compactor;
	struct finding list[FINDINGS_MAX];
	size_t count;
};

/* What is beyond the room is less important: the worst comes first. */
static struct finding *
add(struct findings *findings, const char *cause, const char *state,
    const char *advice)
{
	static struct finding too_many;
	struct finding *finding = findings->count < FINDINGS_MAX
	    ? &findings->list[findings->count++] : &too_many;

	*finding = (struct finding){ .cause = cause, .state = state,
		.advice = advice, .since_ms = -1, .eta_s = -1 };
	return finding;
}

static void RT_PRINTF(2, 3)
detail(struct finding *finding, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (vsnprintf(finding->detail, sizeof(finding->detail), fmt, ap) < 0)
		finding->detail[0] = '\0';
	va_end(ap);
}

/* -- writes -- */

static const char *const hold_advice[] = {
	[RTD_HOLD_MEMTABLES] = "It ends with the next flush. For longer "
	    "bursts raise memtable-max-count or memtable-size; if it stays, "
	    "the disk takes less than clients write",
	[RTD_HOLD_MEMORY] = "It ends with the next flush. Raise memory-limit, "
	    "a quarter of which is for memtables",
	[RTD_HOLD_LOG] = "It goes on by itself as soon as memtables are "
	    "flushed. Look at the disk and at the log for why it failed",
	[RTD_HOLD_LOG_STUCK] = "Look at the disk: writes come back by "
	    "themselves when it takes them",
	[RTD_HOLD_FENCED] = "Stop this daemon: another one has the directory",
	[RTD_HOLD_DISK] = "Make room: FLUSHDB what is not needed, release "
	    "snapshots, remove checkpoints, or let the compactor work. "
	    "RIPTIDE DU tells where the bytes are",
	[RTD_HOLD_READ_BACK] = "Memory or disk give back other bytes than they "
	    "got: check both before anything else",
	[RTD_HOLD_FLUSH] = "Look at the disk, and at the log for the error of "
	    "the flush; it is tried again each second",
};

/* How long the flusher will be at what is frozen, by its pace so far. */
static void
estimate_flush(const struct findings *findings, struct finding *finding)
{
	double ns_per_byte;

	finding->debt_bytes = findings->engine.memtable_bytes;
	if (findings->engine.flush_bytes == 0)
		return;
	ns_per_byte = (double)findings->times.flushes.sum /
	    (double)findings->engine.flush_bytes;
	finding->eta_s = (int64_t)((double)finding->debt_bytes * ns_per_byte /
	    1e9);
}

static void
describe_hold(const struct findings *findings, enum rtd_write_hold hold,
    struct finding *finding)
{
	const struct rtd_engine_stats *e = &findings->engine;
	const struct rt_config *config = findings->server->config;

	switch (hold) {
	case RTD_HOLD_MEMTABLES:
	case RTD_HOLD_MEMORY:
		detail(finding, "%" PRIu64 " memtables wait for their flush, "
		    "memtable-max-count is %" PRId64 "; %" PRIu64
		    " bytes in all", e->immutable_memtables,
		    config->memtable_max_count, e->memtable_bytes);
		estimate_flush(findings, finding);
		break;
	case RTD_HOLD_DISK:
		detail(finding, "%" PRIu64 " bytes are free, disk-reserve is %"
		    PRIu64, e->disk_free_bytes, config->disk_reserve);
		finding->debt_bytes = config->disk_reserve >
		    e->disk_free_bytes ? config->disk_reserve -
			e->disk_free_bytes : 0;
		break;
	case RTD_HOLD_FLUSH:
	case RTD_HOLD_READ_BACK:
		detail(finding, "%s", e->flush_error);
		estimate_flush(findings, finding);
		break;
	default:
		detail(finding, "%s", e->write_error);
		break;
	}
}

static void
holds(struct findings *findings)
{
	struct rtd_server_state *server = findings->server;
	const struct rtd_write_holds *holds = &server->write_holds;
	enum rtd_write_hold hold = holds->current;
	struct finding *finding;

	if (hold == RTD_HOLD_NONE)
		return;
	finding = add(findings, rtd_write_hold_name(hold),
	    rtd_write_hold_refuses(hold) ? "refused" : "waiting",
	    hold_advice[hold]);
	finding->since_ms = (int64_t)((server->now_us - holds->since_us) /
	    1000);
	describe_hold(findings, hold, finding);
}

static void
past_holds(struct findings *findings)
{
	const struct rtd_server_state *server = findings->server;

	for (int i = RTD_HOLD_NONE + 1; i < RTD_HOLDS; i++) {
		const struct rtd_write_hold_count *count =
		    &server->write_holds.by[i];
		struct finding *finding;

		if (count->last_ms == 0)
			continue;
		finding = add(findings,
		    rtd_write_hold_name((enum rtd_write_hold)i), "past",
		    hold_advice[i]);
		finding->since_ms = server->now_ms - count->last_ms;
		detail(finding, "%" PRIu64 " times, %" PRIu64 " ms in all, %"
		    PRIu64 " writes refused; ended so long ago", count->begun,
		    count->usec / 1000, count->refused);
	}
}

static void
paused(struct findings *findings)
{
	struct rtd_server_state *server = findings->server;
	struct finding *finding;

	if (server->paused_until_us <= server->now_us)
		return;
	finding = add(findings, "client-pause", "waiting",
	    "CLIENT UNPAUSE ends it");
	finding->eta_s = (int64_t)((server->paused_until_us - server->now_us) /
	    1000000);
	detail(finding, "CLIENT PAUSE holds %s",
	    server->paused_all ? "all commands" : "writes");
}

static void
client_buffers(struct findings *findings)
{
	const struct rtd_server_state *server = findings->server;

	if (server->client_memory_max == 0 ||
	    rtd_lanes_client_memory(server) <= server->client_memory_max)
		return;
	detail(add(findings, "client-buffers", "waiting", "Raise memory-limit, "
	    "or let clients read their replies and send less at once"),
	    "clients' buffers take %" PRIu64 " bytes of %" PRIu64
	    ": nobody is read from until there is room",
	    rtd_lanes_client_memory(server), server->client_memory_max);
}

/* -- what took long -- */

static void
lately(struct findings *findings)
{
	int64_t now_s = findings->server->now_ms / 1000;
	struct rt_latency_series series;

	for (int i = 0; i < RT_LATENCY_EVENTS; i++) {
		enum rt_latency_event event = (enum rt_latency_event)i;
		uint64_t longest = 0, count = 0;

		rt_latency_get(event, &series);
		for (uint64_t j = 0; j < series.count; j++) {
			if (now_s - series.samples[j].at_s > LATELY_S)
				continue;
			count++;
			if (series.samples[j].ms > longest)
				longest = series.samples[j].ms;
		}
		if (count != 0)
			detail(add(findings, rt_latency_name(event), "slow",
			    "LATENCY DOCTOR tells what to do about it"),
			    "up to %" PRIu64 " ms, in %" PRIu64
			    " of the last %d seconds", longest, count,
			    LATELY_S);
	}
}

/* -- what is about to -- */

static bool
is_soon_done(const struct rtd_compactor_look *look)
{
	int64_t eta_s = rt_compactor_eta_s(&look->status);

	return look->held && eta_s >= 0 && eta_s <= LATELY_S;
}

static void
compaction(struct findings *findings)
{
	const struct rtd_engine_stats *e = &findings->engine;
	const struct rtd_compactor_look *look = &findings->compactor;
	uint64_t tables_max = TRIGGERS *
	    (uint64_t)findings->server->config->l0_compaction_trigger;
	struct finding *finding;

	if (e->l0_files <= tables_max && (look->status.debt_bytes == 0 ||
		is_soon_done(look)))
		return;
	finding = add(findings, "compaction-debt", "risk", look->held
		? "Writes do not wait for it, but reads look into more tables "
		  "and the disk fills. Raise compaction-rate-limit or "
		  "compaction-threads if it does not shrink"
		: "Start riptide-compactd, or set compactor spawn: reads look "
		  "into more and more tables, and the disk fills");
	finding->debt_bytes = look->status.debt_bytes;
	if (look->held)
		finding->eta_s = rt_compactor_eta_s(&look->status);
	detail(finding, "%" PRIu64 " tables in level 0, the compactor is %s",
	    e->l0_files, rtd_compactor_state(look));
	if (look->status.last_error[0] != '\0') {
		finding = add(findings, "compactor-error", "risk",
		    "Look at the compactor's log");
		detail(finding, "%s", look->status.last_error);
	}
}

static void
disk(struct findings *findings)
{
	const struct rtd_engine_stats *e = &findings->engine;
	uint64_t reserve = findings->server->config->disk_reserve;

	if (findings->server->write_holds.current == RTD_HOLD_DISK ||
	    reserve == 0 || e->disk_free_bytes == 0 ||
	    e->disk_free_bytes / 2 >= reserve)
		return;
	detail(add(findings, "disk-reserve", "risk",
	    hold_advice[RTD_HOLD_DISK]),
	    "%" PRIu64 " bytes are free; writes are refused below %" PRIu64,
	    e->disk_free_bytes, reserve);
}

/* -- the reply -- */

static void
reply_text(struct rtd_resp_writer *reply, const char *name, const char *text)
{
	rtd_reply_bulk_cstr(reply, name);
	rtd_reply_bulk_cstr(reply, text);
}

static void
reply_number(struct rtd_resp_writer *reply, const char *name, int64_t value)
{
	rtd_reply_bulk_cstr(reply, name);
	rtd_reply_integer(reply, value);
}

static void
reply_finding(struct rtd_resp_writer *reply, const struct finding *finding)
{
	rtd_reply_map(reply, 7);
	reply_text(reply, "cause", finding->cause);
	reply_text(reply, "state", finding->state);
	reply_text(reply, "detail", finding->detail);
	reply_number(reply, "since-ms", finding->since_ms);
	reply_number(reply, "debt-bytes", (int64_t)finding->debt_bytes);
	reply_number(reply, "eta-seconds", finding->eta_s);
	reply_text(reply, "advice", finding->advice);
}

void
rtd_cmd_riptide_why(struct rtd_call *call)
{
	struct rtd_resp_writer *reply = rtd_call_reply(call);
	struct findings findings = { .server = call->server };

	rtd_engine_get_stats(call->server->engine, &findings.engine);
	rtd_engine_get_durations(call->server->engine, &findings.times);
	rtd_compactor_look(call->server->config->dir, &findings.compactor);
	rtd_write_holds_look(call->server);
	holds(&findings);
	paused(&findings);
	client_buffers(&findings);
	lately(&findings);
	disk(&findings);
	compaction(&findings);
	past_holds(&findings);
	rtd_reply_array(reply, findings.count);
	for (size_t i = 0; i < findings.count; i++)
		reply_finding(reply, &findings.list[i]);
}
