#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "riptided/metrics/gather.h"

static void
each_target(struct rtd_gather *g, size_t member, double divisor)
{
	char number[16], label[RTD_LABEL_BYTES];
	uint64_t value;

	for (uint32_t i = 0; i < RT_COMPACTOR_LEVELS_MAX; i++) {
		const struct rt_compactor_level *level =
		    &g->compactor.status.levels[i];

		if (level->jobs == 0)
			continue;
		memcpy(&value, (const char *)level + member, sizeof(value));
		snprintf(number, sizeof(number), "%" PRIu32, i);
		rtd_exposition_f(&g->x, rtd_exposition_label(label, "level",
			number), (double)value / divisor);
	}
}

/* These go on over restarts of the compactor, which keeps them in its file. */
static void
by_target(struct rtd_gather *g)
{
	struct rtd_exposition *x = &g->x;

	rtd_exposition_family(x, RTD_COUNTER, "riptide_compaction_jobs_total",
	    "Jobs that were done, by the level that they wrote to.");
	each_target(g, offsetof(struct rt_compactor_level, jobs), 1);
	rtd_exposition_family(x, RTD_COUNTER,
	    "riptide_compaction_seconds_total",
	    "Time of jobs, by the level that they wrote to.");
	each_target(g, offsetof(struct rt_compactor_level, took_ms), 1000);
	rtd_exposition_family(x, RTD_COUNTER,
	    "riptide_compaction_read_bytes_total",
	    "Bytes of jobs' inputs, by the level that they wrote to.");
	each_target(g, offsetof(struct rt_compactor_level, bytes_in), 1);
	rtd_exposition_family(x, RTD_COUNTER,
	    "riptide_compaction_written_bytes_total",
	    "Bytes of jobs' outputs, by the level that they wrote to.");
	each_target(g, offsetof(struct rt_compactor_level, bytes_out), 1);
}

void
rtd_gather_compactor(struct rtd_gather *g)
{
	const struct rt_compactor_status *status = &g->compactor.status;
	struct rtd_exposition *x = &g->x;

	rtd_exposition_gauge(x, "riptide_compactor_up",
	    "1 while a compactor has its role.", g->compactor.held);
	rtd_exposition_gauge(x, "riptide_compactor_jobs_running",
	    "Merges under way.", g->compactor.held ? status->jobs_running : 0);
	rtd_exposition_counter(x, "riptide_compactor_jobs_total",
	    "Jobs that the compactor has done since it started.",
	    status->jobs_done);
	rtd_exposition_counter(x, "riptide_compactor_jobs_failed_total",
	    "Jobs of the compactor that failed since it started.",
	    status->jobs_failed);
	rtd_exposition_counter(x, "riptide_compactor_read_bytes_total",
	    "Bytes that the compactor has read since it started.",
	    status->bytes_read);
	rtd_exposition_counter(x, "riptide_compactor_written_bytes_total",
	    "Bytes that the compactor has written since it started.",
	    status->bytes_written);
	rtd_exposition_family(x, RTD_COUNTER, "riptide_compactor_dropped_total",
	    "Entries that merges left out since the compactor started.");
	rtd_exposition_u64(x, "kind=\"overwritten\"",
	    status->versions_dropped);
	rtd_exposition_u64(x, "kind=\"tombstone\"",
	    status->tombstones_dropped);
	rtd_exposition_u64(x, "kind=\"expired\"", status->expired_dropped);
	by_target(g);
	rtd_exposition_gauge(x, "riptide_compaction_debt_bytes",
	    "Bytes that are due to be merged, as the compactor last said.",
	    status->debt_bytes);
	rtd_exposition_gauge(x, "riptide_compactor_damaged_tables",
	    "Tables that merges leave out because they are damaged.",
	    status->damaged_tables);
	if (status->last_publish_ms != 0) {
		rtd_exposition_family(x, RTD_GAUGE,
		    "riptide_compactor_last_publish_timestamp_seconds",
		    "When the compactor last changed the tree.");
		rtd_exposition_f(x, "",
		    (double)status->last_publish_ms / 1000);
	}
	rtd_exposition_counter(x, "riptide_compactor_restarts_total",
	    "Times that a compactor of our own has ended.",
	    g->server->spawn_restarts);
}
