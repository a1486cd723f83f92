#include "riptide-compactd/levels.h"

const struct rt_manifest_run *
rtc_level_run(const struct rt_manifest *manifest, uint32_t level)
{
	for (size_t i = 0; i < manifest->runs_count; i++)
		if (manifest->runs[i].level == level)
			return &manifest->runs[i];
	return NULL;
}

const struct rt_manifest_run *
rtc_level_runs(const struct rt_manifest *manifest, uint32_t level,
    size_t *count)
{
	*count = rt_manifest_level_runs(manifest, level);
	return rtc_level_run(manifest, level);
}

uint64_t
rtc_level_run_bytes(const struct rt_manifest_run *run)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < run->tables_count; i++)
		bytes += run->tables[i].size;
	return bytes;
}

uint64_t
rtc_level_overlap(const struct rt_manifest_run *run, struct rt_slice smallest,
    struct rt_slice largest, size_t *first, size_t *count)
{
	size_t low = 0, high = run != NULL ? run->tables_count : 0;
	uint64_t bytes = 0;

	*first = *count = 0;
	if (run == NULL)
		return 0;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (rt_slice_compare(run->tables[middle].largest, smallest) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	*first = low;
	for (size_t i = low; i < run->tables_count && rt_slice_compare(
		run->tables[i].smallest, largest) <= 0; i++) {
		bytes += run->tables[i].size;
		(*count)++;
	}
	return bytes;
}

uint64_t
rtc_level_table_overlap(const struct rt_manifest *manifest, uint32_t level,
    const struct rt_manifest_table *table)
{
	size_t runs, first, count;
	const struct rt_manifest_run *run =
	    rtc_level_runs(manifest, level, &runs);
	uint64_t bytes = 0;

	for (size_t i = 0; i < runs; i++)
		bytes += rtc_level_overlap(&run[i], table->smallest,
		    table->largest, &first, &count);
	return bytes;
}

bool
rtc_level_begins_by(const struct rt_manifest *manifest, uint32_t level,
    uint64_t seq)
{
	size_t count;
	const struct rt_manifest_run *runs =
	    rtc_level_runs(manifest, level, &count);

	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < runs[i].tables_count; j++)
			if (runs[i].tables[j].min_seq <= seq)
				return true;
	return false;
}

bool
rtc_level_has_older(const struct rt_manifest *manifest, size_t index,
    const struct rt_manifest_table *table)
{
	size_t first, count;

	for (size_t i = index + 1; i < manifest->runs_count; i++) {
		rtc_level_overlap(&manifest->runs[i], table->smallest,
		    table->largest, &first, &count);
		if (count > 0)
			return true;
	}
	return false;
}
