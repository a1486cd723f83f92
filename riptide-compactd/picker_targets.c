#include "riptide-compactd/picker.h"

/* Whether one more level is wanted above one of this target. Lazily, the base
 * level holds several runs of the base size, and its target has room for one at
 * least, or the levels together would be too much beside the last. */
static bool
wants_level(const struct rtc_limits *limits, uint64_t target)
{
	if (limits->lazy)
		return target / limits->level_multiplier >=
		    limits->level_base_bytes;
	return target > limits->level_base_bytes;
}

uint32_t
rtc_picker_targets(const struct rt_manifest *manifest,
    const struct rtc_limits *limits, uint64_t targets[RTC_LEVEL_LAST + 1])
{
	uint64_t target = rt_manifest_level_bytes(manifest, RTC_LEVEL_LAST);
	uint32_t base = RTC_LEVEL_LAST, filled = 1;

	for (uint32_t level = 0; level <= RTC_LEVEL_LAST; level++)
		targets[level] = 0;
	if (target < limits->level_base_bytes)
		target = limits->level_base_bytes;
	targets[base] = target;
	while (base > 1 && wants_level(limits, targets[base])) {
		targets[base - 1] = targets[base] / limits->level_multiplier;
		base--;
	}
	/* A database that shrank may have tables above what is now the base. */
	while (filled < base &&
	    rt_manifest_level_tables(manifest, filled) == 0)
		filled++;
	while (base > filled) {
		targets[base - 1] = targets[base] / limits->level_multiplier;
		base--;
	}
	return base;
}

uint64_t
rtc_picker_debt(const struct rt_manifest *manifest,
    const struct rtc_limits *limits)
{
	uint64_t targets[RTC_LEVEL_LAST + 1], debt = 0;
	uint32_t base = rtc_picker_targets(manifest, limits, targets);

	if (rt_manifest_level0_runs(manifest) >= limits->l0_trigger)
		debt += rt_manifest_level_bytes(manifest, 0);
	for (uint32_t level = base; level < RTC_LEVEL_LAST; level++) {
		uint64_t bytes = rt_manifest_level_bytes(manifest, level);
		size_t runs = rt_manifest_level_runs(manifest, level);

		/* Lazily, a level above the last but one is due whole. */
		if (limits->lazy && level + 1 < RTC_LEVEL_LAST)
			debt += runs >= limits->level_multiplier ? bytes : 0;
		else if (bytes > targets[level])
			debt += bytes - targets[level];
	}
	return debt;
}
