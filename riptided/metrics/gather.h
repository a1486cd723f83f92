/* gather: what the sections of the metrics work with. Thread: loop. */
#ifndef RIPTIDED_METRICS_GATHER_H
#define RIPTIDED_METRICS_GATHER_H

#include "riptided/cmd/compactor_look.h"
#include "riptided/cmd/server_state.h"
#include "riptided/metrics/exposition.h"

struct rtd_gather {
	struct rtd_exposition x;
	struct rtd_server_state *server;
	struct rtd_engine_stats engine;		/* zeros while loading */
	struct rtd_compactor_look compactor;
};

/* Reads, the log, memtables, levels and disk: with an engine alone. */
void rtd_gather_storage(struct rtd_gather *g);
/* The compactor, by what it tells of itself. */
void rtd_gather_compactor(struct rtd_gather *g);

#endif
