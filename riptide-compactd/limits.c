#include "riptide-compactd/limits.h"

#include <inttypes.h>
#include <time.h>

#include "libcommon/daemon/log.h"
#include "libcommon/daemon/option_text.h"

#define MS_PER_S 1000
#define WARN_INTERVAL_MS (3600 * MS_PER_S)

/* The line that a wrong wall clock does not move (X3), in milliseconds. */
static uint64_t
read_line(struct rt_expiry_clock *expiry, const struct rt_manifest *manifest)
{
	struct rt_expiry_reading reading;

	rt_expiry_clock_raise(expiry, manifest->expiry_clock_ms);
	rt_expiry_clock_read(expiry, &reading);
	if (reading.step_ms != 0)
		rt_log(RT_LOG_WARNING, "clock", "the wall clock stepped: values "
		    "leave the disk by the time before until it has stood for "
		    "an hour", "step_ms=%" PRId64, reading.step_ms);
	return reading.line_ms;
}

/* What lies so far behind, or 0. */
static uint64_t
before(uint64_t line, int64_t distance)
{
	return line > (uint64_t)distance ? line - (uint64_t)distance : 0;
}

bool
rtc_limits_in_window(const char *text, int64_t now_ms)
{
	struct rt_option_window window;
	time_t now = (time_t)(now_ms / MS_PER_S);
	unsigned minute;
	struct tm local;

	if (text[0] == '\0' || !rt_option_text_window(text, &window) ||
	    window.from_min == window.to_min ||
	    localtime_r(&now, &local) == NULL)
		return true;
	minute = (unsigned)(local.tm_hour * 60 + local.tm_min);
	if (window.from_min < window.to_min)
		return minute >= window.from_min && minute < window.to_min;
	return minute >= window.from_min || minute < window.to_min;
}

bool
rtc_limits_forbid_all(const struct rt_config *config,
    const struct rtc_limits *limits)
{
	return limits->l0_only &&
	    config->compaction_outside_window == RT_OUTSIDE_NONE;
}

/* Several runs a level are for a daemon that can read them. */
static bool
may_be_lazy(const struct rt_config *config, const struct rt_manifest *manifest)
{
	if (config->compaction_policy != RT_POLICY_LAZY)
		return false;
	if ((manifest->daemon_features & RT_FEATURE_LEVEL_RUNS) != 0)
		return true;
	rt_log_limited(WARN_INTERVAL_MS, RT_LOG_WARNING, "limits",
	    "compaction-policy lazy waits for a daemon that can read it", "");
	return false;
}

struct rtc_limits
rtc_limits_now(const struct rt_config *config, bool full,
    struct rt_clock *clock, struct rt_expiry_clock *expiry,
    const struct rt_manifest *manifest)
{
	int64_t now_ms = rt_clock_wall_ms(clock);
	uint64_t full_seq = full ? UINT64_MAX :
	    rt_manifest_is_asked(manifest) ? manifest->compact_seq : 0;
	uint64_t line_ms = read_line(expiry, manifest);

	return (struct rtc_limits){
		.l0_trigger = (uint64_t)config->l0_compaction_trigger,
		.level_base_bytes = config->level_base_size,
		.level_multiplier = (uint64_t)config->level_size_multiplier,
		.expired_before_ms =
		    before(line_ms, config->expiry_grace * MS_PER_S),
		.tombstones_before_s = config->tombstone_max_age == 0 ? 0
		    : before(line_ms / MS_PER_S, config->tombstone_max_age),
		.table_bytes = config->table_size,
		.compression = (enum rt_compression)config->compression,
		.compression_bottom =
		    (enum rt_compression)config->compression_bottom,
		.full_seq = full_seq,
		.lazy = may_be_lazy(config, manifest),
		.l0_only = full_seq == 0 &&
		    !rtc_limits_in_window(config->compaction_window, now_ms),
	};
}
