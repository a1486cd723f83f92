/* tool: what the verbs of the local tool share. Each verb writes its answer to
 * standard output and returns RT_OK, or fills err, which main prints and turns
 * into an exit status. Thread: main. */
#ifndef RIPTIDE_TOOL_H
#define RIPTIDE_TOOL_H

#include <stdbool.h>
#include <stdint.h>

#include "libcommon/base/buf.h"
#include "libcommon/base/err.h"
#include "libcommon/manifest/manifest.h"
#include "libcommon/os/fs.h"

struct rtl_tool {
	struct rt_fs *fs;
	const char *dir;	/* --dir */
	uint32_t database;	/* --db */
	int argc;		/* the verb's own words */
	char **argv;
};

/* -- tool_kv.c: through the engine, under the daemon's lock -- */
enum rt_code rtl_get(struct rtl_tool *tool, struct rt_err *err);
enum rt_code rtl_set(struct rtl_tool *tool, struct rt_err *err);
enum rt_code rtl_del(struct rtl_tool *tool, struct rt_err *err);
enum rt_code rtl_scan(struct rtl_tool *tool, struct rt_err *err);
enum rt_code rtl_stats(struct rtl_tool *tool, struct rt_err *err);
/* -- tool_checkpoint.c: likewise -- */
enum rt_code rtl_checkpoint(struct rtl_tool *tool, struct rt_err *err);

/* -- read-only, beside live programs too -- */
enum rt_code rtl_levels(struct rtl_tool *tool, struct rt_err *err);
enum rt_code rtl_jobs(struct rtl_tool *tool, struct rt_err *err);
enum rt_code rtl_check(struct rtl_tool *tool, struct rt_err *err);
enum rt_code rtl_repair(struct rtl_tool *tool, struct rt_err *err);
enum rt_code rtl_dump(struct rtl_tool *tool, struct rt_err *err);

/* -- tool.c -- */
/* A directory that holds a database, open. RT_ENOTFOUND: it does not. */
RT_MUST_USE enum rt_code rtl_open_dir(struct rtl_tool *tool, int *dir,
    struct rt_err *err);
/* The newest manifest; one reference. */
RT_MUST_USE enum rt_code rtl_load_manifest(struct rtl_tool *tool, int dir,
    const struct rt_manifest **out, struct rt_err *err);
/* Append bytes with everything but plain ASCII escaped, in double quotes. */
void rtl_put_text(struct rt_buf *out, struct rt_slice bytes);
/* The same for a store key: its keyspace, then the user's key. */
void rtl_put_key(struct rt_buf *out, struct rt_slice store_key);
/* Write out to standard output and clear it. RT_EIO. */
RT_MUST_USE enum rt_code rtl_print(struct rt_buf *out, struct rt_err *err);

#endif
