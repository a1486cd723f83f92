#include "riptided/cmd/write_holds.h"

#include "libcommon/daemon/latency.h"
#include "riptided/cmd/server_state.h"

static void
end(struct rtd_server_state *server)
{
	struct rtd_write_holds *holds = &server->write_holds;
	struct rtd_write_hold_count *count = &holds->by[holds->current];
	uint64_t usec = server->now_us - holds->since_us;

	count->usec += usec;
	count->last_ms = server->now_ms;
	if (!rtd_write_hold_refuses(holds->current))
		rt_latency_note(RT_LATENCY_WRITE_STALL, usec * 1000);
	holds->current = RTD_HOLD_NONE;
}

static void
become(struct rtd_server_state *server, enum rtd_write_hold hold)
{
	struct rtd_write_holds *holds = &server->write_holds;

	if (hold == holds->current)
		return;
	if (holds->current != RTD_HOLD_NONE)
		end(server);
	holds->current = hold;
	if (hold == RTD_HOLD_NONE)
		return;
	holds->since_us = server->now_us;
	holds->by[hold].begun++;
}

void
rtd_write_holds_meet(struct rtd_server_state *server)
{
	become(server, rtd_engine_write_hold(server->engine));
}

void
rtd_write_holds_refuse(struct rtd_server_state *server)
{
	enum rtd_write_hold hold = rtd_engine_write_hold(server->engine);

	become(server, hold);
	server->write_holds.by[hold].refused++;
}

void
rtd_write_holds_look(struct rtd_server_state *server)
{
	enum rtd_write_hold hold = rtd_engine_write_hold(server->engine);

	/* A wait that no write has met is none. */
	if (server->write_holds.current != RTD_HOLD_NONE ||
	    rtd_write_hold_refuses(hold))
		become(server, hold);
}

uint64_t
rtd_write_holds_usec(const struct rtd_server_state *server,
    enum rtd_write_hold hold)
{
	const struct rtd_write_holds *holds = &server->write_holds;
	uint64_t usec = holds->by[hold].usec;

	if (holds->current == hold && hold != RTD_HOLD_NONE)
		usec += server->now_us - holds->since_us;
	return usec;
}

const char *
rtd_write_hold_name(enum rtd_write_hold hold)
{
	static const char *const names[] = {
		[RTD_HOLD_NONE] = "none",
		[RTD_HOLD_MEMTABLES] = "memtables",
		[RTD_HOLD_MEMORY] = "memory-limit",
		[RTD_HOLD_LOG] = "log",
		[RTD_HOLD_LOG_STUCK] = "log-failed",
		[RTD_HOLD_FENCED] = "fenced",
		[RTD_HOLD_DISK] = "disk-reserve",
		[RTD_HOLD_READ_BACK] = "read-back",
		[RTD_HOLD_FLUSH] = "flush-failed",
	};

	return names[hold];
}
