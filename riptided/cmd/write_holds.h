/* write_holds: for how long, and how often, writes waited or were refused, and
 * for which cause; for INFO, metrics, LATENCY and RIPTIDE WHY. A wait begins
 * when a write meets it; it and a refusal end when somebody looks and finds
 * writes taken again, a tenth of a second later at most. Thread: loop. */
#ifndef RIPTIDED_CMD_WRITE_HOLDS_H
#define RIPTIDED_CMD_WRITE_HOLDS_H

#include "riptided/engine/write_hold.h"

struct rtd_server_state;

struct rtd_write_holds {
	enum rtd_write_hold current;
	uint64_t since_us;		/* monotonic */
	struct rtd_write_hold_count {
		uint64_t begun;		/* times */
		uint64_t usec;		/* of those that have ended */
		uint64_t refused;	/* writes */
		int64_t last_ms;	/* wall clock of the last end; 0: none */
	} by[RTD_HOLDS];
};

/* A write could not go in. */
void rtd_write_holds_meet(struct rtd_server_state *server);
/* A write was refused. */
void rtd_write_holds_refuse(struct rtd_server_state *server);
/* See whether what held writes has ended, or is something else by now. */
void rtd_write_holds_look(struct rtd_server_state *server);

/* Of one cause, the one under way included. */
uint64_t rtd_write_holds_usec(const struct rtd_server_state *server,
    enum rtd_write_hold hold);

/* "memtables", "disk-reserve" ... */
const char *rtd_write_hold_name(enum rtd_write_hold hold);

#endif
