#include "riptide-compactd/throttle.h"

#include <inttypes.h>

#include "libcommon/daemon/log.h"

#define NS_PER_S UINT64_C(1000000000)

void
rtc_throttle_init(struct rtc_throttle *throttle, struct rtc_pace *pace,
    const struct rt_config *config, bool is_awaited)
{
	*throttle = (struct rtc_throttle){
		.pace = pace,
		.config = config,
		.is_awaited = is_awaited,
	};
	rtc_auto_rate_init(&throttle->rate);
}

/* Tables of the daemon that were not there before. At first all of them are
 * old. Only we take one away, so that none is missed. */
static void
count_flushes(struct rtc_throttle *throttle, const struct rt_manifest *manifest)
{
	size_t runs = rt_manifest_level0_runs(manifest);
	uint64_t next_number = throttle->next_number;

	for (size_t i = 0; i < runs; i++) {
		const struct rt_manifest_table *table =
		    &manifest->runs[i].tables[0];

		if (table->id.maker_epoch != 0 ||
		    table->id.number < throttle->next_number)
			continue;
		if (throttle->generation != 0)
			throttle->look.flushed_bytes += table->size;
		if (table->id.number >= next_number)
			next_number = table->id.number + 1;
	}
	throttle->next_number = next_number;
}

void
rtc_throttle_see(struct rtc_throttle *throttle,
    const struct rt_manifest *manifest, const struct rtc_limits *limits)
{
	struct rtc_auto_look *look = &throttle->look;

	count_flushes(throttle, manifest);
	throttle->generation = manifest->generation;
	throttle->is_asked = limits->full_seq != 0;
	look->level0_trigger = limits->l0_trigger;
	/* Outside the window what there is waits for the window, and presses
	 * nobody: only what comes in counts. */
	look->debt_bytes = limits->l0_only ? 0
	    : rtc_picker_debt(manifest, limits);
	look->level0_runs = limits->l0_only ? 0
	    : rt_manifest_level0_runs(manifest);
}

bool
rtc_throttle_is_curious(const struct rtc_throttle *throttle, uint64_t now_ns)
{
	return throttle->config->compaction_rate_limit == 0 &&
	    !throttle->is_awaited &&
	    now_ns - throttle->look.now_ns >= NS_PER_S;
}

void
rtc_throttle_turn(struct rtc_throttle *throttle, uint64_t now_ns)
{
	uint64_t limit = throttle->config->compaction_rate_limit;
	struct rtc_auto_look *look = &throttle->look;

	if (limit == 0 && !throttle->is_awaited && throttle->generation != 0) {
		look->now_ns = now_ns;
		rtc_pace_sums(throttle->pace, &look->written_bytes,
		    &look->waited_ns);
		limit = rtc_auto_rate_update(&throttle->rate, look);
		if (throttle->is_asked)
			limit = 0;
		rt_log_limited(10000, RT_LOG_DEBUG, "pace", "merges may write",
		    "bytes_per_s=%" PRIu64 " debt_bytes=%" PRIu64
		    " level0_runs=%" PRIu64 " flushed_bytes=%" PRIu64
		    " written_bytes=%" PRIu64, limit, look->debt_bytes,
		    look->level0_runs, look->flushed_bytes,
		    look->written_bytes);
	}
	rtc_pace_set(throttle->pace, limit);
}
