#include "riptide-compactd/aging.h"

/* Its tombstones can go, and it is known since when they are there. */
static bool
has_age(const struct rt_manifest *manifest,
    const struct rt_manifest_table *table)
{
	return table->tombstones > 0 && table->tombstones_since_s != 0 &&
	    (manifest->snapshots_count == 0 ||
		table->max_seq <= manifest->snapshots[0]);
}

bool
rtc_aging_is_due(const struct rt_manifest *manifest,
    const struct rtc_limits *limits, const struct rt_manifest_table *table)
{
	return limits->tombstones_before_s != 0 &&
	    table->tombstones_since_s <= limits->tombstones_before_s &&
	    has_age(manifest, table);
}

uint64_t
rtc_aging_next_s(const struct rt_manifest *manifest,
    const struct rtc_limits *limits)
{
	uint64_t before_s = limits->tombstones_before_s;
	uint64_t next_s = RTC_AGING_NEVER;

	for (size_t i = 0; before_s != 0 && i < manifest->runs_count; i++) {
		const struct rt_manifest_run *run = &manifest->runs[i];

		for (size_t j = 0; j < run->tables_count; j++) {
			uint64_t since_s = run->tables[j].tombstones_since_s;

			if (since_s > before_s && since_s - before_s < next_s &&
			    has_age(manifest, &run->tables[j]))
				next_s = since_s - before_s;
		}
	}
	return next_s;
}
