/* MEMORY: what a key takes, and the process. */
#include <malloc.h>
#include <stdlib.h>

#include "libcommon/base/invariant.h"
#include "riptided/cmd/cmd_info.h"
#include "riptided/cmd/cmd_job.h"
#include "riptided/cmd/handlers.h"

/* What a version takes in the memtable: 24 bytes of header, a slot of the
 * index with its share of the bucket, key and value; on disk it is less. */
#define VERSION_BYTES 40

/* SAMPLES n, as often as one likes: strings have no parts to sample. False: the
 * error reply is written. */
static bool
samples_fit(struct rtd_call *call)
{
	int64_t samples;

	for (size_t i = 3; i < call->argc; i += 2) {
		if (!rtd_call_arg_is(call, i, "SAMPLES") ||
		    i + 1 == call->argc) {
			rtd_call_syntax_error(call);
			return false;
		}
		if (!rtd_call_i64(call, call->argv[i + 1], &samples))
			return false;
		if (samples < 0) {
			rtd_call_syntax_error(call);
			return false;
		}
	}
	return true;
}

void
rtd_cmd_memory_usage(struct rtd_call *call)
{
	struct rtd_value value = { 0 };
	enum rtd_lookup lookup;

	if (!samples_fit(call))
		return;
	lookup = rtd_call_get(call, call->argv[2], &value);
	if (lookup == RTD_FOUND)
		rtd_reply_integer(rtd_call_reply(call),
		    (int64_t)(VERSION_BYTES + RT_KEY_PREFIX_BYTES +
			call->argv[2].len +
			(value.expire_ms == RT_NO_EXPIRY ? 1 :
				RT_VALUE_HEADER_BYTES_MAX) +
			value.bytes.len));
	else if (lookup == RTD_ABSENT)
		rtd_reply_null(rtd_call_reply(call));
	rtd_value_fini(&value);
}

/* -- the process -- */

/* Under the names of Redis, as far as there is such a thing here. */
struct figure {
	const char *name;
	bool is_ratio;
	int64_t bytes;
	double ratio;
};

static double
ratio_of(uint64_t a, uint64_t b)
{
	return b != 0 ? (double)a / (double)b : 0;
}

void
rtd_cmd_memory_stats(struct rtd_call *call)
{
	struct rtd_resp_writer *reply = rtd_call_reply(call);
	struct rtd_info_memory memory;
	uint64_t clients = rtd_lanes_client_memory(call->server);

	rtd_info_memory(call->server, &memory);
	const struct figure figures[] = {
		{ "peak.allocated", false, (int64_t)memory.peak, 0 },
		{ "total.allocated", false, (int64_t)memory.used, 0 },
		{ "clients.normal", false, (int64_t)clients, 0 },
		{ "overhead.total", false,
		    (int64_t)(memory.used - memory.memtables), 0 },
		{ "dataset.bytes", false, (int64_t)memory.memtables, 0 },
		{ "dataset.percentage", true, 0,
		    100 * ratio_of(memory.memtables, memory.used) },
		{ "peak.percentage", true, 0,
		    100 * ratio_of(memory.used, memory.peak) },
		{ "allocator.allocated", false, (int64_t)memory.malloc_used,
		    0 },
		{ "allocator.active", false, (int64_t)memory.malloc_held, 0 },
		{ "allocator-fragmentation.ratio", true, 0,
		    ratio_of(memory.malloc_held, memory.malloc_used) },
		{ "allocator-fragmentation.bytes", false,
		    (int64_t)(memory.malloc_held - memory.malloc_used), 0 },
		{ "fragmentation", true, 0,
		    ratio_of(memory.resident, memory.used) },
		{ "fragmentation.bytes", false,
		    (int64_t)memory.resident - (int64_t)memory.used, 0 },
	};

	rtd_reply_map(reply, RT_COUNTOF(figures));
	for (size_t i = 0; i < RT_COUNTOF(figures); i++) {
		rtd_reply_bulk_cstr(reply, figures[i].name);
		if (figures[i].is_ratio)
			rtd_reply_double(reply, figures[i].ratio);
		else
			rtd_reply_integer(reply, figures[i].bytes);
	}
}

void
rtd_cmd_memory_doctor(struct rtd_call *call)
{
	struct rtd_info_memory memory;
	struct rt_buf text = { 0 };

	rtd_info_memory(call->server, &memory);
	if (memory.resident > 2 * memory.used &&
	    memory.resident - memory.used > (64 << 20))
		rt_buf_printf(&text, "The process holds %.1f times the memory "
		    "that is in use: MEMORY PURGE gives some of it back.\n",
		    ratio_of(memory.resident, memory.used));
	else
		rt_buf_printf(&text, "Nothing unusual: memory-limit bounds "
		    "memtables, cache, tables and clients; INFO memory tells "
		    "their shares.\n");
	rtd_reply_verbatim(rtd_call_reply(call), rt_buf_slice(&text));
	rt_buf_fini(&text);
}

void
rtd_cmd_memory_malloc_stats(struct rtd_call *call)
{
	struct mallinfo2 info = mallinfo2();
	struct rt_buf text = { 0 };

	rt_buf_printf(&text, "malloc of the C library: %zu bytes in use, %zu "
	    "in %zu maps of their own, %zu free, %zu held in all\n",
	    info.uordblks, info.hblkhd, info.hblks, info.fordblks,
	    info.arena + info.hblkhd);
	rtd_reply_verbatim(rtd_call_reply(call), rt_buf_slice(&text));
	rt_buf_fini(&text);
}

/* -- PURGE, which takes long when much was freed -- */

static void
purge_work(struct rtd_cmd_job *job)
{
	malloc_trim(0);
}

static void
purge_reply(struct rtd_cmd_job *job)
{
	rtd_reply_ok(&job->client->reply);
}

static void
purge_free(struct rtd_cmd_job *job)
{
	free(job);
}

void
rtd_cmd_memory_purge(struct rtd_call *call)
{
	struct rtd_cmd_job *job = rt_alloc_zero(1, sizeof(*job));

	job->work = purge_work;
	job->reply = purge_reply;
	job->free = purge_free;
	rtd_cmd_job_start(job, call);
}
