#include "riptide/tool.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "libcommon/base/invariant.h"
#include "libcommon/manifest/manifest_store.h"
#include "libcommon/table/key.h"

enum rt_code
rtl_open_dir(struct rtl_tool *tool, int *dir, struct rt_err *err)
{
	bool exists = false;
	enum rt_code code;

	code = rt_fs_open_dir(tool->fs, tool->dir, dir, err);
	if (code != RT_OK)
		return code;
	code = rt_fs_exists(tool->fs, *dir, RT_PATH_DIR_MANIFEST, &exists, err);
	if (code == RT_OK && !exists)
		code = rt_err_set(err, RT_ENOTFOUND, "%s holds no database",
		    tool->dir);
	if (code != RT_OK)
		rt_fs_close(tool->fs, dir, NULL);
	return code;
}

enum rt_code
rtl_load_manifest(struct rtl_tool *tool, int dir,
    const struct rt_manifest **out, struct rt_err *err)
{
	struct rt_manifest_store *store = NULL;
	enum rt_code code;

	code = rt_manifest_store_open(&store, tool->fs, dir, false, err);
	if (code == RT_OK)
		code = rt_manifest_store_load(store, out, err);
	rt_manifest_store_close(store);
	return code;
}

void
rtl_put_text(struct rt_buf *out, struct rt_slice bytes)
{
	/* Each byte may take four, and the printer wants room to spare. */
	size_t room = bytes.len * 4 + 8;
	char *text = rt_alloc(room);

	rt_slice_print(bytes, text, room);
	rt_buf_printf(out, "\"%s\"", text);
	free(text);
}

void
rtl_put_key(struct rt_buf *out, struct rt_slice store_key)
{
	if (store_key.len < RT_KEY_PREFIX_BYTES) {
		rt_buf_printf(out, "malformed=");
		rtl_put_text(out, store_key);
		return;
	}
	rt_buf_printf(out, "keyspace=%u key=", rt_key_keyspace(store_key));
	rtl_put_text(out, rt_key_user(store_key));
}

enum rt_code
rtl_print(struct rt_buf *out, struct rt_err *err)
{
	bool whole = fwrite(out->data, 1, out->len, stdout) == out->len;

	rt_buf_clear(out);
	return whole ? RT_OK :
	    rt_err_set_errno(err, errno, "write to standard output");
}
