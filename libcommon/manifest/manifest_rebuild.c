#include "libcommon/manifest/manifest_rebuild.h"

#include <string.h>

#include "libcommon/manifest/manifest_build.h"
#include "libcommon/manifest/manifest_check.h"

static void
add_run(struct rt_manifest *manifest, const struct rt_manifest_rebuild *what)
{
	struct rt_manifest_run *run;

	if (what->tables_count == 0)
		return;
	manifest->runs = rt_manifest_build_alloc(manifest, 1, sizeof(*run));
	manifest->runs_count = 1;
	run = &manifest->runs[0];
	run->id = manifest->next_run_id++;
	run->level = what->level;
	run->tables = rt_manifest_build_alloc(manifest, what->tables_count,
	    sizeof(run->tables[0]));
	run->tables_count = what->tables_count;
	for (size_t i = 0; i < what->tables_count; i++)
		rt_manifest_build_table(manifest, &run->tables[i],
		    &what->tables[i]);
}

enum rt_code
rt_manifest_rebuild(const struct rt_manifest_rebuild *what,
    const struct rt_manifest **out, struct rt_err *err)
{
	struct rt_manifest *manifest = rt_manifest_build_new();
	enum rt_code code;

	memcpy(manifest->database_uuid, what->database_uuid,
	    sizeof(manifest->database_uuid));
	manifest->generation = 1;
	manifest->daemon_epoch = manifest->compactor_epoch = 1;
	manifest->next_daemon_file = 1;
	manifest->next_run_id = 1;
	manifest->flushed_seq = manifest->max_seq = what->flushed_seq;
	manifest->wal_floor = 1;
	manifest->expiry_clock_ms = what->expiry_clock_ms;
	add_run(manifest, what);
	manifest->drops = rt_manifest_build_alloc(manifest, what->drops_count,
	    sizeof(manifest->drops[0]));
	manifest->drops_count = what->drops_count;
	for (size_t i = 0; i < what->drops_count; i++)
		manifest->drops[i] = what->drops[i];
	manifest->keyspaces = rt_manifest_build_alloc(manifest,
	    what->keyspaces_count, sizeof(manifest->keyspaces[0]));
	manifest->keyspaces_count = what->keyspaces_count;
	for (size_t i = 0; i < what->keyspaces_count; i++)
		manifest->keyspaces[i] = what->keyspaces[i];
	code = rt_manifest_check(manifest, err);
	if (code == RT_OK)
		*out = manifest;
	else
		rt_manifest_unref(manifest);
	return code;
}
