/* levels: one line a run: level 0 has a run for each flush or merge, a deeper
 * level has one, or several under lazy leveling. */
#include <inttypes.h>

#include "riptide/tool.h"

static void
put_run(struct rt_buf *out, const struct rt_manifest_run *run)
{
	uint64_t bytes = 0, entries = 0, tombstones = 0;

	for (size_t i = 0; i < run->tables_count; i++) {
		bytes += run->tables[i].size;
		entries += run->tables[i].entries;
		tombstones += run->tables[i].tombstones;
	}
	rt_buf_printf(out, "%5u %8" PRIu64 " %7zu %14" PRIu64 " %12" PRIu64
	    " %11" PRIu64 "  ", run->level, run->id, run->tables_count, bytes,
	    entries, tombstones);
	/* A checked manifest has no empty run. */
	rtl_put_key(out, run->tables[0].smallest);
	rt_buf_printf(out, " to ");
	rtl_put_key(out, run->tables[run->tables_count - 1].largest);
	rt_buf_append_byte(out, '\n');
}

enum rt_code
rtl_levels(struct rtl_tool *tool, struct rt_err *err)
{
	const struct rt_manifest *manifest = NULL;
	struct rt_buf out = { 0 };
	enum rt_code code;
	int dir = -1;

	code = rtl_open_dir(tool, &dir, err);
	if (code == RT_OK)
		code = rtl_load_manifest(tool, dir, &manifest, err);
	if (code == RT_OK) {
		rt_buf_printf(&out, "manifest generation %" PRIu64
		    ", flushed sequence %" PRIu64 ", %zu obsolete files\n",
		    manifest->generation, manifest->flushed_seq,
		    manifest->obsolete_count);
		rt_buf_printf(&out, "level      run  tables          bytes"
		    "      entries  tombstones  keys\n");
		for (size_t i = 0; i < manifest->runs_count; i++)
			put_run(&out, &manifest->runs[i]);
		code = rtl_print(&out, err);
	}
	rt_manifest_unref(manifest);
	rt_buf_fini(&out);
	rt_fs_close(tool->fs, &dir, NULL);
	return code;
}
