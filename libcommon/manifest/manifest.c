#include "libcommon/manifest/manifest.h"

uint64_t
rt_manifest_drop_seq(const struct rt_manifest *manifest, uint32_t keyspace)
{
	size_t low = 0, high = manifest->drops_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (manifest->drops[middle].keyspace < keyspace)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == manifest->drops_count ||
	    manifest->drops[low].keyspace != keyspace)
		return 0;
	return manifest->drops[low].seq;
}

uint32_t
rt_manifest_keyspace(const struct rt_manifest *manifest, uint32_t database)
{
	for (size_t i = 0; i < manifest->keyspaces_count; i++) {
		if (manifest->keyspaces[i].database == database)
			return manifest->keyspaces[i].id;
	}
	return database;
}

const struct rt_manifest_table *
rt_manifest_find(const struct rt_manifest *manifest, struct rt_file_id id,
    const struct rt_manifest_run **run)
{
	for (size_t i = 0; i < manifest->runs_count; i++) {
		const struct rt_manifest_run *at = &manifest->runs[i];

		for (size_t j = 0; j < at->tables_count; j++) {
			if (!rt_file_id_equal(at->tables[j].id, id))
				continue;
			if (run != NULL)
				*run = at;
			return &at->tables[j];
		}
	}
	return NULL;
}

size_t
rt_manifest_level0_runs(const struct rt_manifest *manifest)
{
	size_t runs = 0;

	while (runs < manifest->runs_count && manifest->runs[runs].level == 0)
		runs++;
	return runs;
}

size_t
rt_manifest_level_runs(const struct rt_manifest *manifest, uint32_t level)
{
	size_t runs = 0;

	for (size_t i = 0; i < manifest->runs_count; i++)
		runs += manifest->runs[i].level == level;
	return runs;
}

uint32_t
rt_manifest_deepest_runs(const struct rt_manifest *manifest)
{
	for (size_t i = manifest->runs_count; i-- > 1;)
		if (manifest->runs[i].level == manifest->runs[i - 1].level)
			return manifest->runs[i].level;
	return 0;
}

uint64_t
rt_manifest_level_bytes(const struct rt_manifest *manifest, uint32_t level)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < manifest->runs_count; i++) {
		const struct rt_manifest_run *run = &manifest->runs[i];

		for (size_t j = 0; j < run->tables_count; j++)
			bytes += run->level == level ? run->tables[j].size : 0;
	}
	return bytes;
}

size_t
rt_manifest_level_tables(const struct rt_manifest *manifest, uint32_t level)
{
	size_t tables = 0;

	for (size_t i = 0; i < manifest->runs_count; i++) {
		if (manifest->runs[i].level == level)
			tables += manifest->runs[i].tables_count;
	}
	return tables;
}
