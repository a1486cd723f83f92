/* DEBUG, as far as test suites of clients ask for it: off unless
 * enable-debug-command allows it. Nothing here changes data, and a SLEEP keeps
 * no one but its own client waiting. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "libcommon/base/glob.h"
#include "libcommon/base/invariant.h"
#include "libcommon/base/number.h"
#include "riptided/cmd/cmd_job.h"
#include "riptided/cmd/handlers.h"

static bool
is_local(const struct rtd_client *client)
{
	/* A peer of the unix socket is "path:0". */
	return strncmp(client->peer, "127.", 4) == 0 ||
	    strncmp(client->peer, "[::1]", 5) == 0 || client->peer[0] == '/';
}

static bool
is_allowed(const struct rtd_call *call)
{
	switch ((enum rt_debug_command)
	    call->server->config->enable_debug_command) {
	case RT_DEBUG_YES:
		return true;
	case RT_DEBUG_LOCAL:
		return is_local(call->client);
	case RT_DEBUG_NO:
		break;
	}
	return false;
}

static void
reply_ok(struct rtd_call *call)
{
	rtd_reply_ok(rtd_call_reply(call));
}

/* -- SLEEP -- */

struct sleeping {
	struct rtd_cmd_job job;
	struct timespec time;
};

static void
sleeping_work(struct rtd_cmd_job *job)
{
	nanosleep(&((struct sleeping *)job)->time, NULL);
}

static void
sleeping_reply(struct rtd_cmd_job *job)
{
	rtd_reply_ok(&job->client->reply);
}

static void
sleeping_free(struct rtd_cmd_job *job)
{
	free(job);
}

#define SLEEP_S_MAX 3600

static void
debug_sleep(struct rtd_call *call)
{
	struct sleeping *sleeping;
	char text[32] = "";
	double seconds;

	if (call->argv[2].len < sizeof(text))
		memcpy(text, call->argv[2].data, call->argv[2].len);
	seconds = strtod(text, NULL);
	/* Within an EXEC the loop itself would sleep. */
	if (!(seconds > 0) || call->lane->pending != NULL) {
		reply_ok(call);
		return;
	}
	if (seconds > SLEEP_S_MAX)
		seconds = SLEEP_S_MAX;
	sleeping = rt_alloc_zero(1, sizeof(*sleeping));
	sleeping->time.tv_sec = (time_t)seconds;
	sleeping->time.tv_nsec = (long)(fmod(seconds, 1) * 1e9);
	sleeping->job.work = sleeping_work;
	sleeping->job.reply = sleeping_reply;
	sleeping->job.free = sleeping_free;
	rtd_cmd_job_start(&sleeping->job, call);
}

/* -- OBJECT -- */

static void
debug_object(struct rtd_call *call)
{
	struct rtd_value value = { 0 };
	enum rtd_lookup lookup = rtd_call_get(call, call->argv[2], &value);
	struct rt_buf text = { 0 };

	if (lookup == RTD_FOUND) {
		/* The form of Redis; an address would tell something. */
		rt_buf_printf(&text, "Value at:0x0 refcount:1 encoding:%s "
		    "serializedlength:%zu lru:0 lru_seconds_idle:0",
		    rtd_object_encoding(value.bytes), value.bytes.len + 1);
		rt_buf_append_byte(&text, 0);
		rtd_reply_simple(rtd_call_reply(call), (char *)text.data);
	} else if (lookup == RTD_ABSENT) {
		rtd_reply_error(rtd_call_reply(call), "ERR no such key");
	}
	rt_buf_fini(&text);
	rtd_value_fini(&value);
}

/* -- STRINGMATCH-LEN -- */

#define MATCH_BYTES_MAX ((int64_t)1 << 20)

/* Whether the pattern fits so many times an "a". */
static void
debug_match(struct rtd_call *call)
{
	struct rt_buf text = { 0 };
	int64_t len;

	if (!rtd_call_i64(call, call->argv[2], &len))
		return;
	if (len < 0 || len > MATCH_BYTES_MAX) {
		rtd_reply_error(rtd_call_reply(call),
		    "ERR length is out of range");
		return;
	}
	rt_buf_reserve(&text, (size_t)len + 1);
	memset(text.data, 'a', (size_t)len);
	rtd_reply_integer(rtd_call_reply(call), rt_glob_match(call->argv[3],
	    rt_slice(text.data, (size_t)len), false));
	rt_buf_fini(&text);
}

/* -- PROTOCOL: one value of each kind, for parsers -- */

static void
protocol_string(struct rtd_resp_writer *reply)
{
	rtd_reply_bulk_cstr(reply, "Hello World");
}

static void
protocol_integer(struct rtd_resp_writer *reply)
{
	rtd_reply_integer(reply, 12345);
}

static void
protocol_double(struct rtd_resp_writer *reply)
{
	rtd_reply_double(reply, 3.141);
}

static void
protocol_null(struct rtd_resp_writer *reply)
{
	rtd_reply_null(reply);
}

static void
protocol_array(struct rtd_resp_writer *reply)
{
	rtd_reply_array(reply, 3);
	for (int i = 0; i < 3; i++)
		rtd_reply_integer(reply, i);
}

static void
protocol_set(struct rtd_resp_writer *reply)
{
	rtd_reply_set(reply, 3);
	for (int i = 0; i < 3; i++)
		rtd_reply_integer(reply, i);
}

static void
protocol_map(struct rtd_resp_writer *reply)
{
	rtd_reply_map(reply, 3);
	for (int i = 0; i < 3; i++) {
		rtd_reply_integer(reply, i);
		rtd_reply_bool(reply, i == 1);
	}
}

static void
protocol_true(struct rtd_resp_writer *reply)
{
	rtd_reply_bool(reply, true);
}

static void
protocol_false(struct rtd_resp_writer *reply)
{
	rtd_reply_bool(reply, false);
}

static void
protocol_verbatim(struct rtd_resp_writer *reply)
{
	rtd_reply_verbatim(reply, rt_slice_cstr("This is a verbatim\nstring"));
}

static const struct kind {
	const char *name;
	void (*write)(struct rtd_resp_writer *reply);
} kinds[] = {
	{ "string", protocol_string }, { "integer", protocol_integer },
	{ "double", protocol_double }, { "null", protocol_null },
	{ "array", protocol_array }, { "set", protocol_set },
	{ "map", protocol_map }, { "true", protocol_true },
	{ "false", protocol_false }, { "verbatim", protocol_verbatim },
};

static void
debug_protocol(struct rtd_call *call)
{
	for (size_t i = 0; i < RT_COUNTOF(kinds); i++)
		if (rtd_call_arg_is(call, 2, kinds[i].name)) {
			kinds[i].write(rtd_call_reply(call));
			return;
		}
	rtd_reply_error(rtd_call_reply(call), "ERR Wrong protocol type name. "
	    "Please use one of the following: string|integer|double|null|"
	    "array|set|map|true|false|verbatim");
}

/* -- the others -- */

/* Expiry is on every read, so there is nothing to switch. */
static void
debug_set_active_expire(struct rtd_call *call)
{
	int64_t on;

	if (rtd_call_i64(call, call->argv[2], &on))
		reply_ok(call);
}

/* What a restart would read is on the disk. */
static void
debug_reload(struct rtd_call *call)
{
	rtd_engine_flush(call->server->engine);
	reply_ok(call);
}

static const struct subcommand {
	const char *name;
	size_t argc_min, argc_max;
	void (*run)(struct rtd_call *call);
	const char *help;
} subcommands[] = {
	{ "CHANGE-REPL-ID", 2, 2, reply_ok, "Accepted: there is none." },
	{ "JMAP", 2, 2, reply_ok, "Accepted." },
	{ "LOADAOF", 2, 2, debug_reload, "Flush the memtable." },
	{ "OBJECT", 3, 4, debug_object, "Tell about the value of a key." },
	{ "PROTOCOL", 3, 3, debug_protocol, "Reply with a value of a kind." },
	{ "RELOAD", 2, 5, debug_reload, "Flush the memtable." },
	{ "SET-ACTIVE-EXPIRE", 3, 3, debug_set_active_expire,
	    "Accepted: what has ended is never seen." },
	{ "SLEEP", 3, 3, debug_sleep, "Wait, this client alone." },
	{ "STRINGMATCH-LEN", 4, 4, debug_match,
	    "Match a pattern against so many letters." },
};

static void
debug_help(struct rtd_call *call)
{
	struct rtd_resp_writer *reply = rtd_call_reply(call);

	rtd_reply_array(reply, 2 * RT_COUNTOF(subcommands));
	for (size_t i = 0; i < RT_COUNTOF(subcommands); i++) {
		rtd_reply_simple(reply, subcommands[i].name);
		rtd_reply_simple(reply, subcommands[i].help);
	}
}

void
rtd_cmd_debug(struct rtd_call *call)
{
	if (!is_allowed(call)) {
		rtd_reply_error(rtd_call_reply(call), "ERR DEBUG command not "
		    "allowed. If the enable-debug-command option is set to "
		    "\"local\", you can run it from a local connection, "
		    "otherwise you need to set this option in the "
		    "configuration file, and then restart the server.");
		return;
	}
	if (call->argc == 2 && rtd_call_arg_is(call, 1, "HELP")) {
		debug_help(call);
		return;
	}
	for (size_t i = 0; i < RT_COUNTOF(subcommands); i++)
		if (rtd_call_arg_is(call, 1, subcommands[i].name) &&
		    call->argc >= subcommands[i].argc_min &&
		    call->argc <= subcommands[i].argc_max) {
			subcommands[i].run(call);
			return;
		}
	rtd_reply_error(rtd_call_reply(call), "ERR unknown subcommand or wrong "
	    "number of arguments for '%.*s'. Try DEBUG HELP.",
	    (int)(call->argv[1].len < 128 ? call->argv[1].len : 128),
	    call->argv[1].len != 0 ? (const char *)call->argv[1].data : "");
}
