/* The server as a whole: options, flushes, time, its end. */
#include <stdlib.h>
#include <strings.h>
#include <sys/time.h>

#include "libcommon/base/glob.h"
#include "libcommon/base/invariant.h"
#include "libcommon/daemon/log.h"
#include "riptided/cmd/handlers.h"
#include "riptided/cmd/notify.h"

/* -- CONFIG GET -- */

/* What Redis' tools ask for and has one answer here. */
static const struct fixed {
	const char *name, *value;
} fixed[] = {
	{ "appendonly", "yes" },
	{ "maxmemory", "0" },
	{ "maxmemory-policy", "noeviction" },
	{ "save", "" },
};

struct getting {
	struct rt_buf out;		/* replies, without the map's head */
	size_t pairs;
	const struct rt_slice *patterns;
	size_t which;			/* the pattern under way */
};

static void
reply_pair(struct getting *getting, const char *name, const char *value)
{
	struct rtd_resp_writer writer = { .out = &getting->out,
		.protocol = 2 };

	/* Each option once, with the first pattern that fits. */
	for (size_t i = 0; i < getting->which; i++)
		if (rt_glob_match(getting->patterns[i], rt_slice_cstr(name),
			true))
			return;
	getting->pairs++;
	rtd_reply_bulk_cstr(&writer, name);
	rtd_reply_bulk_cstr(&writer, value);
}

static void
get_one(void *arg, const char *name, const char *value)
{
	char letters[RT_EVENTS_TEXT_BYTES];
	unsigned events;

	/* As Redis tells it, however it was said. */
	if (strcmp(name, "notify-keyspace-events") == 0 &&
	    rt_option_text_events(value, &events)) {
		rt_option_text_print_events(events, letters);
		value = letters;
	}
	reply_pair(arg, name, value);
}

void
rtd_cmd_config_get(struct rtd_call *call)
{
	struct getting getting = { .patterns = call->argv + 2 };

	for (; getting.which < call->argc - 2; getting.which++) {
		struct rt_slice pattern = getting.patterns[getting.which];

		rt_config_get(call->server->config, pattern, get_one,
		    &getting);
		for (size_t i = 0; i < RT_COUNTOF(fixed); i++)
			if (rt_glob_match(pattern,
				rt_slice_cstr(fixed[i].name), true))
				reply_pair(&getting, fixed[i].name,
				    fixed[i].value);
	}
	rtd_reply_map(rtd_call_reply(call), getting.pairs);
	rt_buf_append_slice(&call->client->out, rt_buf_slice(&getting.out));
	rt_buf_fini(&getting.out);
}

/* -- CONFIG SET -- */

static void
keep_value(void *arg, const char *name, const char *value)
{
	char **old = arg;

	if (*old == NULL)
		*old = rt_strdup(value);
}

/* Whether an option of that very name exists; *old: its value, to be freed. */
static bool
value_now(const struct rt_config *config, struct rt_slice name, char **old)
{
	*old = NULL;
	if (memchr(name.data, '*', name.len) != NULL ||
	    memchr(name.data, '?', name.len) != NULL ||
	    memchr(name.data, '[', name.len) != NULL ||
	    memchr(name.data, '\\', name.len) != NULL)
		return false;
	rt_config_get(config, name, keep_value, old);
	return *old != NULL;
}

static void
set_failed(struct rtd_call *call, struct rt_slice name,
    const struct rt_err *err)
{
	rtd_reply_error(rtd_call_reply(call), "ERR CONFIG SET failed (possibly "
	    "related to argument '%.*s') - %s",
	    (int)(name.len < 64 ? name.len : 64), (const char *)name.data,
	    err->text);
}

static void
unknown_option(struct rtd_call *call, struct rt_slice name)
{
	rtd_reply_error(rtd_call_reply(call), "ERR Unknown option or number of "
	    "arguments for CONFIG SET - '%.*s'",
	    (int)(name.len < 64 ? name.len : 64),
	    name.len != 0 ? (const char *)name.data : "");
}

/* What has one answer may be set to it. True: it is such an option, and
 * *fits tells whether this is its value. */
static bool
is_fixed(struct rt_slice name, struct rt_slice value, bool *fits)
{
	for (size_t i = 0; i < RT_COUNTOF(fixed); i++) {
		if (!rt_slice_equal_nocase(name, fixed[i].name))
			continue;
		*fits = rt_slice_equal_nocase(value, fixed[i].value);
		return true;
	}
	return false;
}

/* Set one pair; *old: its value before, or NULL. False: the error reply is
 * written. */
static bool
set_one(struct rtd_call *call, struct rt_slice name, struct rt_slice value,
    char **old)
{
	struct rt_config *config = call->server->config;
	struct rt_err err = { 0 };
	bool fits;

	if (is_fixed(name, value, &fits)) {
		rt_err_set(&err, RT_EINVAL, "this server knows one value");
		if (!fits)
			set_failed(call, name, &err);
		return fits;
	}
	if (!value_now(config, name, old)) {
		unknown_option(call, name);
		return false;
	}
	if (rt_config_set(config, name, value, true, &err) == RT_OK)
		return true;
	set_failed(call, name, &err);
	return false;
}

/* Whether a pair before this one has its name. */
static bool
is_repeated(const struct rtd_call *call, size_t pair)
{
	for (size_t i = 0; i < pair; i++)
		if (call->argv[2 + 2 * i].len == call->argv[2 + 2 * pair].len &&
		    strncasecmp((const char *)call->argv[2 + 2 * i].data,
			(const char *)call->argv[2 + 2 * pair].data,
			call->argv[2 + 2 * i].len) == 0)
			return true;
	return false;
}

/* Set all pairs, or none: what was set before the one that failed is put
 * back. False: the error reply is written. */
static bool
set_all(struct rtd_call *call, char **old, size_t pairs)
{
	struct rt_config *config = call->server->config;
	struct rt_err err = { 0 };
	size_t i;

	for (i = 0; i < pairs; i++) {
		struct rt_slice name = call->argv[2 + 2 * i];

		if (is_repeated(call, i)) {
			rt_err_set(&err, RT_EINVAL, "duplicate parameter");
			set_failed(call, name, &err);
			break;
		}
		if (!set_one(call, name, call->argv[3 + 2 * i], &old[i]))
			break;
	}
	if (i == pairs)
		return true;
	while (i-- > 0)
		if (old[i] != NULL && rt_config_set(config,
			call->argv[2 + 2 * i], rt_slice_cstr(old[i]), true,
			&err) != RT_OK)
			rt_log(RT_LOG_WARNING, "config",
			    "option not set back", "reason=\"%s\"", err.text);
	return false;
}

void
rtd_cmd_config_set(struct rtd_call *call)
{
	struct rtd_server_state *server = call->server;
	size_t pairs = (call->argc - 2) / 2;
	char **old;

	if (call->argc % 2 != 0) {
		rtd_call_arity_error(call);
		return;
	}
	old = rt_alloc_zero(pairs, sizeof(*old));
	if (set_all(call, old, pairs)) {
		rt_log_set_level((enum rt_loglevel)server->config->loglevel);
		if (server->engine != NULL)
			rtd_engine_config_changed(server->engine);
		rtd_server_state_configure(server);
		rtd_reply_ok(rtd_call_reply(call));
	}
	for (size_t i = 0; i < pairs; i++)
		free(old[i]);
	free(old);
}

void
rtd_cmd_config_rewrite(struct rtd_call *call)
{
	if (call->server->config_file[0] == '\0')
		rtd_reply_error(rtd_call_reply(call),
		    "ERR The server is running without a config file");
	else
		rtd_reply_error(rtd_call_reply(call), "ERR Rewriting config "
		    "file: this server does not write to it");
}

void
rtd_cmd_config_resetstat(struct rtd_call *call)
{
	struct rtd_server_state *server = call->server;

	rtd_command_reset_counters();
	server->connections_received = server->connections_rejected = 0;
	rtd_lanes_reset(server);
	server->parked_reads = server->pool_reads = 0;
	server->cold_reads = (struct rt_durations){ 0 };
	server->expired_keys = server->error_replies = 0;
	server->auth_failures = server->denied_commands = 0;
	server->errors = (struct rtd_error_stats){ 0 };
	server->used_memory_peak = 0;
	rtd_reply_ok(rtd_call_reply(call));
}

/* -- flushes -- */

/* True when nothing, ASYNC or SYNC follows: the two are alike here, because a
 * drop costs the same however much it hides. */
static bool
flush_options_fit(struct rtd_call *call)
{
	if (call->argc == 1 || (call->argc == 2 &&
		(rtd_call_arg_is(call, 1, "ASYNC") ||
		    rtd_call_arg_is(call, 1, "SYNC"))))
		return true;
	rtd_call_syntax_error(call);
	return false;
}

static void
drop(struct rtd_call *call, uint32_t database)
{
	rtd_write_batch_drop(&call->server->batch,
	    rtd_call_keyspace_of(call, database));
}

void
rtd_cmd_flushdb(struct rtd_call *call)
{
	if (!flush_options_fit(call))
		return;
	drop(call, call->client->database);
	if (rtd_call_commit(call))
		rtd_reply_ok(rtd_call_reply(call));
}

void
rtd_cmd_flushall(struct rtd_call *call)
{
	if (!flush_options_fit(call))
		return;
	for (int64_t i = 0; i < call->server->config->databases; i++)
		drop(call, (uint32_t)i);
	if (rtd_call_commit(call))
		rtd_reply_ok(rtd_call_reply(call));
}

void
rtd_cmd_flushmem(struct rtd_call *call)
{
	rtd_engine_flush(call->server->engine);
	rtd_reply_ok(rtd_call_reply(call));
}

/* -- time and the end -- */

void
rtd_cmd_time(struct rtd_call *call)
{
	struct rtd_resp_writer *reply = rtd_call_reply(call);
	struct timeval now;

	/* Microseconds, which the turn's clock does not have. */
	gettimeofday(&now, NULL);
	rtd_reply_array(reply, 2);
	for (int i = 0; i < 2; i++) {
		struct rt_buf digits = { 0 };

		rt_buf_printf(&digits, "%lld",
		    (long long)(i == 0 ? now.tv_sec : now.tv_usec));
		rtd_reply_bulk(reply, rt_buf_slice(&digits));
		rt_buf_fini(&digits);
	}
}

/* SHUTDOWN [NOSAVE|SAVE] [NOW] [FORCE] | ABORT. Nothing is lost either way, so
 * the words change nothing; there is no reply but the connection's end. */
void
rtd_cmd_shutdown(struct rtd_call *call)
{
	bool save = false, nosave = false, abort_it = false, other = false;

	for (size_t i = 1; i < call->argc; i++) {
		if (rtd_call_arg_is(call, i, "NOSAVE")) {
			nosave = true;
		} else if (rtd_call_arg_is(call, i, "SAVE")) {
			save = true;
		} else if (rtd_call_arg_is(call, i, "NOW") ||
		    rtd_call_arg_is(call, i, "FORCE")) {
			other = true;
		} else if (rtd_call_arg_is(call, i, "ABORT")) {
			abort_it = true;
		} else {
			rtd_call_syntax_error(call);
			return;
		}
	}
	if ((save && nosave) || (abort_it && (save || nosave || other))) {
		rtd_call_syntax_error(call);
		return;
	}
	if (abort_it) {
		rtd_reply_error(rtd_call_reply(call),
		    "ERR No shutdown in progress.");
		return;
	}
	call->server->shutdown_asked = true;
	call->client->close_after_reply = true;
}
