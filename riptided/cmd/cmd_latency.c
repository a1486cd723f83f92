/* LATENCY: events that took longer than latency-monitor-threshold, and the
 * times of commands. */
#include <inttypes.h>

#include "libcommon/daemon/latency.h"
#include "riptided/cmd/handlers.h"
#include "riptided/cmd/latency_graph.h"

/* Up to which power of two nanoseconds LATENCY HISTOGRAM tells; from about a
 * microsecond to the end of all. */
#define FIRST_BITS 10
#define LAST_BITS RT_DURATIONS_BITS

static bool
find_event(struct rt_slice name, enum rt_latency_event *event)
{
	for (int i = 0; i < RT_LATENCY_EVENTS; i++) {
		*event = (enum rt_latency_event)i;
		if (rt_slice_equal_nocase(name, rt_latency_name(*event)))
			return true;
	}
	return false;
}

void
rtd_cmd_latency_latest(struct rtd_call *call)
{
	struct rtd_resp_writer *reply = rtd_call_reply(call);
	struct rt_latency_series series[RT_LATENCY_EVENTS];
	size_t used = 0;

	for (int i = 0; i < RT_LATENCY_EVENTS; i++) {
		rt_latency_get((enum rt_latency_event)i, &series[i]);
		used += series[i].count != 0;
	}
	rtd_reply_array(reply, used);
	for (int i = 0; i < RT_LATENCY_EVENTS; i++) {
		const struct rt_latency_sample *last;

		if (series[i].count == 0)
			continue;
		last = &series[i].samples[series[i].count - 1];
		rtd_reply_array(reply, 4);
		rtd_reply_bulk_cstr(reply,
		    rt_latency_name((enum rt_latency_event)i));
		rtd_reply_integer(reply, last->at_s);
		rtd_reply_integer(reply, (int64_t)last->ms);
		rtd_reply_integer(reply, (int64_t)series[i].max_ms);
	}
}

void
rtd_cmd_latency_history(struct rtd_call *call)
{
	struct rtd_resp_writer *reply = rtd_call_reply(call);
	struct rt_latency_series series = { .count = 0 };
	enum rt_latency_event event;

	if (find_event(call->argv[2], &event))
		rt_latency_get(event, &series);
	rtd_reply_array(reply, series.count);
	for (size_t i = 0; i < series.count; i++) {
		rtd_reply_array(reply, 2);
		rtd_reply_integer(reply, series.samples[i].at_s);
		rtd_reply_integer(reply, (int64_t)series.samples[i].ms);
	}
}

void
rtd_cmd_latency_reset(struct rtd_call *call)
{
	enum rt_latency_event event;
	int64_t forgotten = 0;

	for (int i = 0; call->argc == 2 && i < RT_LATENCY_EVENTS; i++)
		forgotten += rt_latency_reset((enum rt_latency_event)i);
	for (size_t i = 2; i < call->argc; i++)
		if (find_event(call->argv[i], &event))
			forgotten += rt_latency_reset(event);
	rtd_reply_integer(rtd_call_reply(call), forgotten);
}

void
rtd_cmd_latency_graph(struct rtd_call *call)
{
	struct rt_slice name = call->argv[2];
	struct rt_latency_series series = { .count = 0 };
	enum rt_latency_event event;
	struct rt_buf text = { 0 };

	if (find_event(name, &event))
		rt_latency_get(event, &series);
	if (series.count == 0) {
		rtd_reply_error(rtd_call_reply(call),
		    "ERR No samples available for event '%.*s'",
		    (int)(name.len < 128 ? name.len : 128),
		    name.len != 0 ? (const char *)name.data : "");
		return;
	}
	rtd_latency_graph(rt_latency_name(event), &series,
	    call->server->now_ms / 1000, &text);
	rtd_reply_verbatim(rtd_call_reply(call), rt_buf_slice(&text));
	rt_buf_fini(&text);
}

/* -- times of commands -- */

/* Times are told where the count rises, as Redis does. */
static size_t
rises(const struct rt_durations *times, unsigned *bits, uint64_t *counts)
{
	uint64_t before = 0;
	size_t used = 0;

	for (unsigned i = FIRST_BITS; i <= LAST_BITS; i++) {
		uint64_t count = rt_durations_below(times, i);

		if (count == before)
			continue;
		bits[used] = i;
		counts[used++] = before = count;
	}
	return used;
}

static void
reply_times(struct rtd_resp_writer *reply, const struct rtd_command *command)
{
	unsigned bits[LAST_BITS - FIRST_BITS + 1];
	uint64_t counts[LAST_BITS - FIRST_BITS + 1];
	size_t used = rises(command->times, bits, counts);
	char name[RTD_COMMAND_NAME_BYTES];

	rtd_reply_bulk_cstr(reply, rtd_call_command_name(command, name));
	rtd_reply_map(reply, 2);
	rtd_reply_bulk_cstr(reply, "calls");
	rtd_reply_integer(reply, (int64_t)rt_durations_count(command->times));
	rtd_reply_bulk_cstr(reply, "histogram_usec");
	rtd_reply_map(reply, used);
	for (size_t i = 0; i < used; i++) {
		rtd_reply_integer(reply,
		    (int64_t)(((UINT64_C(1) << bits[i]) - 1) / 1000));
		rtd_reply_integer(reply, (int64_t)counts[i]);
	}
}

/* Whether the arguments ask for it: all, by name, or by its container's. */
static bool
is_asked_for(const struct rtd_call *call, const struct rtd_command *command)
{
	if (call->argc == 2)
		return true;
	for (size_t i = 2; i < call->argc; i++) {
		const struct rtd_command *asked =
		    rtd_command_find(call->argv[i]);

		if (asked != NULL &&
		    (asked == command || asked == command->container))
			return true;
	}
	return false;
}

void
rtd_cmd_latency_histogram(struct rtd_call *call)
{
	struct rtd_resp_writer *reply = rtd_call_reply(call);
	size_t count, used = 0;
	const struct rtd_command *table = rtd_command_table(&count);

	for (size_t i = 0; i < count; i++)
		used += table[i].times != NULL && is_asked_for(call, &table[i]);
	rtd_reply_map(reply, used);
	for (size_t i = 0; i < count; i++)
		if (table[i].times != NULL && is_asked_for(call, &table[i]))
			reply_times(reply, &table[i]);
}

/* -- the doctor -- */

static const char *const advice[] = {
	[RT_LATENCY_COMMAND] = "Commands ran long on the loop, and everybody "
	    "waited. SLOWLOG GET names them: smaller values, fewer keys a "
	    "command, or SCAN instead of KEYS.",
	[RT_LATENCY_FAST_COMMAND] = "Commands that take little ran long: the "
	    "processor was busy with something else, or memory was swapped. "
	    "Look at the machine's load and at used_memory_rss.",
	[RT_LATENCY_WAL_WRITE] = "Handing records to the log's file took long: "
	    "the system writes back more than the disk takes. Is the disk "
	    "shared? compaction-rate-limit bounds what the compactor writes.",
	[RT_LATENCY_WAL_SYNC] = "The disk was slow to sync, and with "
	    "appendfsync always every write waits for that. A disk with a "
	    "protected cache, appendfsync everysec, or a compactor with less "
	    "to write help.",
	[RT_LATENCY_FLUSH] = "Turning a memtable into a table took long. That "
	    "alone slows nobody; write-stall tells when it did.",
	[RT_LATENCY_COLD_READ] = "Reads waited for the disk. A larger "
	    "block-cache-size or memory-limit keeps more in memory.",
	[RT_LATENCY_WRITE_STALL] = "Writes waited for room: more came than "
	    "flushes take away. RIPTIDE WHY tells what it was; a larger "
	    "memtable-size or memtable-max-count takes longer bursts.",
};

static void
tell_event(enum rt_latency_event event, struct rt_buf *text)
{
	struct rt_latency_series series;
	uint64_t sum = 0;

	rt_latency_get(event, &series);
	if (series.count == 0)
		return;
	for (size_t i = 0; i < series.count; i++)
		sum += series.samples[i].ms;
	rt_buf_printf(text, "%s: %" PRIu64 " seconds with one, %" PRIu64
	    " ms on average, %" PRIu64 " ms at worst.\n  %s\n\n",
	    rt_latency_name(event), series.count, sum / series.count,
	    series.max_ms, advice[event]);
}

void
rtd_cmd_latency_doctor(struct rtd_call *call)
{
	int64_t threshold_ms =
	    call->server->config->latency_monitor_threshold;
	struct rt_buf text = { 0 };

	for (int i = 0; i < RT_LATENCY_EVENTS; i++)
		tell_event((enum rt_latency_event)i, &text);
	if (text.len == 0 && threshold_ms == 0)
		rt_buf_printf(&text, "No event is watched: CONFIG SET "
		    "latency-monitor-threshold to the milliseconds from which "
		    "one is worth knowing of.\n");
	else if (text.len == 0)
		rt_buf_printf(&text, "Nothing took %" PRId64 " ms or longer "
		    "since the start or the last LATENCY RESET.\n",
		    threshold_ms);
	rtd_reply_verbatim(rtd_call_reply(call), rt_buf_slice(&text));
	rt_buf_fini(&text);
}
