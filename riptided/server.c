#include "riptided/server.h"

#include <inttypes.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#include "libcommon/base/invariant.h"
#include "libcommon/daemon/lifecycle.h"
#include "libcommon/daemon/log.h"
#include "libcommon/daemon/sandbox.h"
#include "libcommon/daemon/stats.h"
#include "riptided/cmd/client.h"
#include "riptided/cmd/cmd_compact.h"
#include "riptided/cmd/cmd_info.h"
#include "riptided/engine/checkpoint.h"
#include "riptided/engine/memory.h"
#include "riptided/http/answers.h"
#include "riptided/http/http.h"
#include "riptided/loader.h"
#include "riptided/net/crew.h"
#include "riptided/net/floor.h"
#include "riptided/net/inherited.h"
#include "riptided/net/listener.h"
#include "riptided/net/loop.h"
#include "riptided/net/tls_context.h"
#include "riptided/password_file.h"
#include "riptided/service.h"
#include "riptided/spawn.h"

#define TICKS_PER_SECOND 10
/* Descriptors that are not clients': tables, log segments, our own. */
#define OTHER_FILES 512
/* Wanted for tables, which do with fewer. */
#define TABLE_FILES 16384
/* How long replies may take to be acked and sent when we stop. */
#define DRAIN_US UINT64_C(5000000)
/* How long clients at inherited sockets wait for a load, rather than be told
 * that there is one: a restart in order is done by then. */
#define LOADING_PATIENCE_MS 1000
/* How long, when we stop, for the first command of who has just come in. */
#define NEWCOMERS_US UINT64_C(500000)

struct rtd_server {
	struct rtd_server_state state;
	struct rt_config *config;
	const char *config_file;
	int argc;
	char *const *argv;
	struct rtd_loop loop;
	struct rtd_inherited inherited;	/* until they are the listener's */
	struct rtd_crew *crew;		/* other loops; or NULL */
	struct rtd_listener *listener;
	struct rtd_http *http;		/* NULL: no metrics-port */
	struct rtd_loader *loader;	/* until the engine is loaded */
	struct rtd_spawn *spawn;
	struct rtd_service service;
	int signal_fd;
	struct event *signal_event;
	struct event *tick_event;
	bool stopping;
	uint64_t ticks;
	uint64_t commands_before[TICKS_PER_SECOND];	/* a ring of ticks */
};

/* -- what happens now and then -- */

static void
count_operations(struct rtd_server *server)
{
	uint64_t now = rtd_lanes_counted(&server->state, RTD_COUNT_COMMANDS);
	uint64_t *before =
	    &server->commands_before[server->ticks % TICKS_PER_SECOND];

	/* CONFIG RESETSTAT may have begun to count anew. */
	server->state.ops_per_sec = now >= *before ? now - *before : now;
	*before = now;
}

/* Blocks are read by several threads and freed by others. With an arena for
 * each thread malloc keeps for one what another could use, up to the double of
 * what is in use; and sizes that come from the system go back to it. */
static void
tame_malloc(const struct rt_config *config)
{
	if (config->memory_limit == 0)
		return;
	mallopt(M_ARENA_MAX, 1);
	mallopt(M_MMAP_THRESHOLD, 128 * 1024);
	mallopt(M_TRIM_THRESHOLD, 1024 * 1024);
}

static void
share_memory(struct rtd_server *server)
{
	struct rtd_memory_shares shares;

	rtd_memory_shares(server->config, &shares);
	server->state.client_memory_max = shares.clients;
	server->state.argument_max = shares.argument;
}

/* For INFO. */
static void
note_spawn(struct rtd_server *server)
{
	const struct rtd_spawn_info *info = rtd_spawn_info(server->spawn);
	struct rtd_server_state *state = &server->state;

	state->spawns = true;
	state->spawn_runs = info->pid != 0;
	state->spawn_restarts = info->restarts;
	snprintf(state->spawn_last_end, sizeof(state->spawn_last_end), "%s",
	    info->reason);
}

static void
tick_listener(struct rtd_server *server)
{
	const struct rtd_server_state *state = &server->state;

	rtd_listener_tick(server->listener);
	if (server->loader != NULL &&
	    rt_clock_wall_ms(state->clock) - state->loading_since_ms >=
		LOADING_PATIENCE_MS)
		rtd_listener_admit(server->listener);
}

/* Between the two no other loop does anything. */
static void
begin_alone(struct rtd_server *server)
{
	rtd_loop_begin_turn(&server->loop);
	rtd_floor_take(&server->loop);
	rtd_floor_clear(&server->loop);
}

static void
end_alone(struct rtd_server *server)
{
	rtd_floor_admit(&server->loop);
	rtd_floor_leave(&server->loop);
}

static void
tick(struct rtd_server *server)
{
	count_operations(server);
	rtd_loop_tick(&server->loop);
	rtd_compact_waits_tick(&server->state);
	if (server->state.engine != NULL)
		rtd_write_holds_look(&server->state);
	if (server->listener != NULL)
		tick_listener(server);
	rtd_service_tick(&server->service, &server->state);
	if (server->spawn != NULL && server->loader == NULL &&
	    !server->stopping)
		rtd_spawn_tick(server->spawn, server->state.now_us);
	if (server->spawn != NULL)
		note_spawn(server);
	if (server->ticks++ % TICKS_PER_SECOND != 0)
		return;
	/* CONFIG SET takes effect within a second. */
	share_memory(server);
	if (!rtd_loop_config_changed(&server->loop))
		rt_log_limited(60000, RT_LOG_WARNING, "server",
		    "client-output-buffer-limit is not well formed", "");
	rtd_loop_check_times(&server->loop);
}

static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct rtd_server *server = arg;

	rtd_loop_begin_turn(&server->loop);
	rtd_floor_take(&server->loop);
	tick(server);
	rtd_floor_leave(&server->loop);
}

static void
fit_maxclients(struct rt_config *config)
{
	unsigned wanted = (unsigned)config->maxclients + OTHER_FILES;
	unsigned given = rt_lifecycle_open_files(wanted + TABLE_FILES);

	if (given >= wanted)
		return;
	config->maxclients = given > 2 * OTHER_FILES
	    ? (int64_t)given - OTHER_FILES : (int64_t)given / 2;
	rt_log(RT_LOG_WARNING, "server",
	    "maxclients lowered to what the limit of open files allows",
	    "maxclients=%" PRId64 " open_files=%u", config->maxclients, given);
}

static void
apply_option(void *arg, const char *name, const char *value)
{
	struct rtd_server *server = arg;

	/* Options that are fixed at start say no; the rest were checked. */
	if (rt_config_set(server->config, rt_slice_cstr(name),
		rt_slice_cstr(value), true, NULL) != RT_OK)
		rt_log(RT_LOG_DEBUG, "server", "option stays until a restart",
		    "name=%s", name);
}

/* A renewed certificate, say, under the names that were given at the start. Who
 * is connected stays so. */
static void
reload_tls(struct rtd_server *server)
{
	struct ssl_ctx_st *fresh;
	struct rt_err err = { 0 };

	if (server->config->tls_port == 0)
		return;
	if (rtd_tls_context_new(&fresh, server->config, &err) != RT_OK) {
		rt_log(RT_LOG_WARNING, "server",
		    "TLS files not read again, the old ones stay",
		    "error=\"%s\"", err.text);
		return;
	}
	rtd_tls_context_free(server->loop.tls);
	server->loop.tls = fresh;
	rtd_crew_set_tls(server->crew, fresh);
	rt_log(RT_LOG_NOTICE, "server", "TLS files read again", "");
}

static void
reload(struct rtd_server *server)
{
	struct rt_command_line line;
	struct rt_config fresh;
	struct rt_err err = { 0 };

	rtd_service_reloading(&server->service);
	rt_log_reopen();
	reload_tls(server);
	rt_config_init(&fresh);
	if (rt_config_read(&fresh, RT_FOR_DAEMON, server->argc, server->argv,
		&line, &err) != RT_OK ||
	    rtd_password_files_load(rt_fs_posix(), &fresh, &err) != RT_OK) {
		rt_log(RT_LOG_WARNING, "server",
		    "configuration not read again", "error=\"%s\"", err.text);
	} else {
		rt_config_get(&fresh, rt_slice_cstr("*"), apply_option,
		    server);
		fit_maxclients(server->config);
		rt_log_set_level((enum rt_loglevel)server->config->loglevel);
		if (server->state.engine != NULL)
			rtd_engine_config_changed(server->state.engine);
		rtd_server_state_configure(&server->state);
		rt_log(RT_LOG_NOTICE, "server", "configuration read again",
		    "");
	}
	rt_config_fini(&fresh);
	rtd_service_reloaded(&server->service);
}

static void
log_state(struct rtd_server *server)
{
	const struct rtd_spawn_info *child;
	struct rt_stats stats = { 0 };

	rtd_info_collect(&server->state, rt_slice_cstr("all"), &stats);
	rt_stats_log(&stats);
	rt_stats_fini(&stats);
	if (server->spawn == NULL)
		return;
	child = rtd_spawn_info(server->spawn);
	rt_log(RT_LOG_NOTICE, "spawn", "compactor child",
	    "pid=%d restarts=%" PRIu64 " last_end=\"%s\"", (int)child->pid,
	    child->restarts, child->reason);
}

static void
on_signal(evutil_socket_t fd, short what, void *arg)
{
	struct rtd_server *server = arg;
	int number;

	begin_alone(server);
	while ((number = rt_lifecycle_next_signal(fd)) != 0) {
		if (number == SIGHUP) {
			reload(server);
		} else if (number == SIGUSR1) {
			log_state(server);
		} else {
			rt_log(RT_LOG_NOTICE, "server", "stop asked for",
			    "signal=%d", number);
			server->stopping = true;
		}
	}
	end_alone(server);
}

static void
on_accepted(void *arg, int fd, const struct rtd_door *door)
{
	struct rtd_server *server = arg;
	bool took;

	rtd_loop_begin_turn(&server->loop);
	took = rtd_floor_take(&server->loop);
	if (!rtd_crew_accept(server->crew, fd, door))
		rtd_loop_accept(&server->loop, fd, door);
	if (took)
		rtd_floor_leave(&server->loop);
}

static void
on_engine(void *arg)
{
	struct rtd_server *server = arg;

	rtd_loop_wake(&server->loop);
	rtd_crew_wake(server->crew);
}

static void
on_http(void *arg, enum rtd_mail kind, struct rt_slice question,
    struct rtd_answer *out)
{
	struct rtd_server *server = arg;

	begin_alone(server);
	rtd_answer(&server->state, kind, question, out);
	end_alone(server);
}

/* -- start -- */

enum rt_code
rtd_server_check(struct rt_config *config, struct rt_err *err)
{
	struct ssl_ctx_st *tls = NULL;
	enum rt_code code;

	code = rtd_password_files_load(rt_fs_posix(), config, err);
	if (code == RT_OK && config->tls_port != 0)
		code = rtd_tls_context_new(&tls, config, err);
	rtd_tls_context_free(tls);
	return code;
}

static enum rt_code
name_run(struct rtd_server_state *state, const char *config_file,
    struct rt_err *err)
{
	uint8_t random[20];
	ssize_t len;
	char *path;

	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		return rt_err_set(err, RT_EIO, "no random bytes to be had");
	for (size_t i = 0; i < sizeof(random); i++)
		snprintf(state->run_id + 2 * i, 3, "%02x", random[i]);
	len = readlink("/proc/self/exe", state->executable,
	    sizeof(state->executable) - 1);
	state->executable[len > 0 ? len : 0] = '\0';
	path = config_file != NULL ? realpath(config_file, NULL) : NULL;
	if (path != NULL)
		snprintf(state->config_file, sizeof(state->config_file), "%s",
		    path);
	free(path);
	return RT_OK;
}

/* A compactor is started when the data is loaded. */
static enum rt_code
prepare_spawn(struct rtd_server *server, struct rt_err *err)
{
	if (server->config->compactor != RT_COMPACTOR_SPAWN)
		return RT_OK;
	return rtd_spawn_new(&server->spawn, rt_fs_posix(), server->config,
	    server->config_file, server->argc, server->argv, err);
}

static enum rt_code
prepare_engine(struct rtd_server *server, struct rtd_engine **out,
    struct rt_err *err)
{
	struct rtd_server_state *state = &server->state;
	struct rtd_engine_options options = {
		.fs = rt_fs_posix(),
		.clock = state->clock,
		.config = server->config,
		.notify = on_engine,
		.notify_arg = server,
		.loading = &state->loading,
	};

	return rtd_engine_prepare(out, &options, err);
}

static void
add_events(struct rtd_server *server)
{
	static const struct timeval tick = {
		.tv_usec = 1000000 / TICKS_PER_SECOND };

	server->signal_event = event_new(server->loop.base, server->signal_fd,
	    EV_READ | EV_PERSIST, on_signal, server);
	server->tick_event = event_new(server->loop.base, -1, EV_PERSIST,
	    on_tick, server);
	rt_assert(server->signal_event != NULL && server->tick_event != NULL);
	event_add(server->signal_event, NULL);
	event_add(server->tick_event, &tick);
}

/* The data comes up beside the loop, which says so to who asks for it. */
static enum rt_code
listen_and_load(struct rtd_server *server, struct rt_err *err)
{
	struct rtd_server_state *state = &server->state;
	struct rtd_engine *engine = NULL;
	enum rt_code code;

	code = prepare_engine(server, &engine, err);
	if (code != RT_OK)
		return code;
	add_events(server);
	code = rtd_listener_start(server->listener, server->loop.base,
	    (int)server->config->tcp_backlog, on_accepted, server, err);
	if (code == RT_OK)
		code = rtd_http_start(server->http, server->loop.base, on_http,
		    server, err);
	if (code != RT_OK) {
		rtd_engine_abandon(engine);
		return code;
	}
	state->loading_since_ms = rt_clock_wall_ms(state->clock);
	server->loader = rtd_loader_start(engine, &state->loading, on_engine,
	    server);
	return RT_OK;
}

static void
warn_of_open_door(const struct rtd_server *server)
{
	if (server->config->requirepass[0] != '\0' ||
	    !rtd_listener_is_open(server->listener))
		return;
	if (server->config->protected_mode)
		rt_log(RT_LOG_WARNING, "server", "no password is set: clients "
		    "of other machines are refused", "");
	else
		rt_log(RT_LOG_WARNING, "server", "no password is set: whoever "
		    "reaches this machine may do everything", "");
}

/* What is inherited has an address of its own; options and INFO tell it. */
static enum rt_code
listen_somewhere(struct rtd_server *server, struct rt_err *err)
{
	struct rt_config *config = server->config;
	const struct rtd_inherited_socket *tcp =
	    rtd_inherited_find(&server->inherited, RTD_INHERITED_TCP);
	const struct rtd_inherited_socket *tls =
	    rtd_inherited_find(&server->inherited, RTD_INHERITED_TLS);
	int64_t port = tcp != NULL ? tcp->port : config->port;
	int64_t tls_port = tls != NULL ? tls->port : config->tls_port;
	enum rt_code code = rtd_listener_bind(&server->listener, config,
	    &server->inherited, err);

	if (code != RT_OK)
		return code;
	config->port = port;
	config->tls_port = tls_port;
	server->state.tcp_port = (uint16_t)(port != 0 ? port : tls_port);
	return RT_OK;
}

/* Addresses come before the data, and nobody is listened to before the data is
 * locked and its manifest read: a second daemon on the same port must not touch
 * anything, and one on the same directory must not answer anyone. */
static enum rt_code
start(struct rtd_server *server, struct rt_err *err)
{
	struct rtd_server_state *state = &server->state;
	struct rt_config *config = server->config;
	enum rt_code code;

	tame_malloc(config);
	share_memory(server);
	if ((code = rt_log_open("riptided", config, err)) != RT_OK ||
	    (code = rt_lifecycle_open(&server->signal_fd, err)) != RT_OK ||
	    (code = rtd_inherited_take(&server->inherited, err)) != RT_OK ||
	    (code = prepare_spawn(server, err)) != RT_OK ||
	    (code = name_run(state, server->config_file, err)) != RT_OK ||
	    (code = rtd_loop_open(&server->loop, state, err)) != RT_OK ||
	    (code = rtd_crew_open(&server->crew, &server->loop,
		(unsigned)config->io_threads, err)) != RT_OK)
		return code;
	fit_maxclients(config);
	code = rtd_password_files_load(rt_fs_posix(), config, err);
	if (code == RT_OK && config->tls_port != 0)
		code = rtd_tls_context_new(&server->loop.tls, config, err);
	rtd_crew_set_tls(server->crew, server->loop.tls);
	if (code == RT_OK)
		code = listen_somewhere(server, err);
	if (code == RT_OK)
		code = rtd_http_bind(&server->http, config, state->clock, err);
	if (code == RT_OK)
		code = rt_sandbox_enter(RT_SYSCALLS_DAEMON, config,
		    server->config_file, &state->sandbox, err);
	if (code != RT_OK)
		return code;
	warn_of_open_door(server);
	state->pool = rtd_pool_new((unsigned)config->reader_threads,
	    rtd_loop_wake, &server->loop);
	rtd_crew_start(server->crew);
	return listen_and_load(server, err);
}

/* -- work -- */

static enum rt_code
end_loading(struct rtd_server *server, struct rt_err *err)
{
	struct rtd_server_state *state = &server->state;
	struct rtd_loader *loader = server->loader;
	enum rt_code code;

	server->loader = NULL;
	code = rtd_loader_finish(loader, &state->engine, err);
	if (code != RT_OK)
		return code;
	/* Options may have changed meanwhile. */
	rtd_engine_config_changed(state->engine);
	server->loop.lane.reader = rtd_reader_new(state->engine);
	server->loop.acked = rtd_engine_acked_seq(state->engine);
	rt_lifecycle_warn_of_root();
	rt_sandbox_log(&state->sandbox);
	rt_log(RT_LOG_NOTICE, "server", "ready",
	    "port=%" PRId64 " tls_port=%" PRId64 " pid=%d maxclients=%" PRId64
	    " loading_ms=%" PRId64,
	    server->config->port, server->config->tls_port, (int)getpid(),
	    server->config->maxclients,
	    rt_clock_wall_ms(state->clock) - state->loading_since_ms);
	rtd_listener_admit(server->listener);
	rtd_service_ready(&server->service);
	return RT_OK;
}

/* The other loops stand still while they get an engine. */
static enum rt_code
end_loading_alone(struct rtd_server *server, struct rt_err *err)
{
	enum rt_code code;

	begin_alone(server);
	code = end_loading(server, err);
	end_alone(server);
	return code;
}

static enum rt_code
serve(struct rtd_server *server, struct rt_err *err)
{
	struct rtd_server_state *state = &server->state;
	enum rt_code code = RT_OK;

	while (code == RT_OK && !server->stopping && !state->shutdown_asked) {
		rtd_loop_turn(&server->loop);
		if (RT_UNLIKELY(server->loader != NULL) &&
		    rtd_loader_is_done(server->loader))
			code = end_loading_alone(server, err);
	}
	return code;
}

/* -- stop -- */

static bool
is_anyone_new(const struct rtd_server_state *state)
{
	const struct rtd_client *client = state->clients;
	int64_t since_ms = state->now_ms - (int64_t)(NEWCOMERS_US / 1000);

	for (; client != NULL; client = client->next)
		if (client->commands == 0 && client->created_ms > since_ms)
			return true;
	return false;
}

static bool
look_for_newcomers(struct rtd_server *server)
{
	bool found;

	begin_alone(server);
	found = rtd_crew_has_arrivals(server->crew) ||
	    is_anyone_new(&server->state);
	end_alone(server);
	return found;
}

/* Who comes later waits for the next daemon where sockets are inherited; so who
 * was let in a moment ago is served by this one. */
static void
serve_newcomers(struct rtd_server *server)
{
	struct rtd_loop *loop = &server->loop;
	uint64_t deadline;

	rtd_loop_begin_turn(loop);
	deadline = loop->lane.now_us + NEWCOMERS_US;
	while (look_for_newcomers(server) && loop->lane.now_us < deadline)
		rtd_loop_turn(loop);
}

/* Replies under way wait for their acks, but not for ever. */
static void
drain(struct rtd_server *server)
{
	struct rtd_loop *loop = &server->loop;

	rtd_loop_begin_turn(loop);
	rtd_floor_take(loop);
	rtd_compact_waits_end(&server->state);
	rtd_floor_leave(loop);
	rtd_crew_ask_to_stop(server->crew, DRAIN_US);
	rtd_loop_drain(loop, DRAIN_US);
}

/* The next start begins again where this one stands. */
static enum rt_code
stop_loading(struct rtd_server *server, struct rt_err *err)
{
	enum rt_code code;

	rtd_loader_stop(server->loader);
	code = rtd_loader_finish(server->loader, &server->state.engine, err);
	server->loader = NULL;
	if (code != RT_ESTOPPED)
		return code;
	rt_err_clear(err);
	rt_log(RT_LOG_NOTICE, "server", "stopped while loading", "");
	return RT_OK;
}

static enum rt_code
stop(struct rtd_server *server, struct rt_err *err)
{
	struct rtd_server_state *state = &server->state;
	struct rtd_client *client;
	enum rt_code code = RT_OK;

	rtd_service_stopping(&server->service);
	rtd_inherited_close(&server->inherited);
	rtd_listener_free(server->listener);
	server->listener = NULL;
	rtd_http_free(server->http);
	server->http = NULL;
	if (server->loader != NULL) {
		rtd_crew_ask_to_stop(server->crew, 0);
		rtd_crew_stop(server->crew);
		code = stop_loading(server, err);
	}
	if (state->engine != NULL && server->tick_event != NULL) {
		serve_newcomers(server);
		drain(server);
	} else {
		rtd_crew_ask_to_stop(server->crew, 0);
	}
	rtd_crew_stop(server->crew);
	rtd_spawn_free(server->spawn);
	if (state->engine != NULL)
		rtd_checkpoint_cancel(state->engine);
	/* Jobs that finish here still find their clients. */
	rtd_pool_free(state->pool);
	state->pool = NULL;
	if (server->tick_event != NULL)
		event_free(server->tick_event);
	if (server->signal_event != NULL)
		event_free(server->signal_event);
	for (client = state->clients; client != NULL; client = client->next)
		rtd_client_let_go(client);
	for (unsigned i = 0; i < state->lanes_count; i++)
		rtd_reader_free(state->lanes[i]->reader);
	if (state->engine != NULL)
		code = rtd_engine_close(state->engine, err);
	state->engine = NULL;
	/* The engine's threads, which wake the loop, have ended. */
	rtd_tls_context_free(server->loop.tls);
	rtd_loop_close(&server->loop);
	rtd_crew_close(server->crew);
	rtd_server_state_fini(state);
	if (server->signal_fd >= 0)
		close(server->signal_fd);
	return code;
}

enum rt_code
rtd_server_run(struct rt_config *config, const char *config_file, int argc,
    char *const argv[], struct rt_err *err)
{
	struct rtd_server *server = rt_alloc_zero(1, sizeof(*server));
	struct rtd_server_state *state = &server->state;
	enum rt_code code, stopped;

	server->config = config;
	server->config_file = config_file;
	server->argc = argc;
	server->argv = argv;
	server->signal_fd = -1;
	server->loop.wake_fd = -1;
	state->config = config;
	state->clock = rt_clock_system();
	rtd_server_state_init(state);
	state->next_client_id = 1;
	state->started_ms = rt_clock_wall_ms(state->clock);
	rtd_service_open(&server->service);
	code = start(server, err);
	if (code == RT_OK)
		code = serve(server, err);
	stopped = stop(server, code == RT_OK ? err : NULL);
	if (code == RT_OK)
		code = stopped;
	if (code == RT_OK)
		rt_log(RT_LOG_NOTICE, "server", "stopped", "");
	rt_log_close();
	free(server);
	return code;
}
