/* checkpoint: what the command CHECKPOINT does, while no daemon runs. */
#include "riptide/session.h"
#include "riptided/engine/checkpoint.h"

static enum rt_code
make(struct rtl_session *session, struct rt_slice name, struct rt_err *err)
{
	struct rtd_checkpoint *checkpoint = NULL;
	enum rt_code code;

	code = rtd_checkpoint_begin(session->engine, name, &checkpoint, err);
	if (code == RT_OK)
		code = rtd_checkpoint_run(checkpoint, err);
	rtd_checkpoint_free(checkpoint);
	return code;
}

enum rt_code
rtl_checkpoint(struct rtl_tool *tool, struct rt_err *err)
{
	struct rt_slice name = rt_slice_cstr(tool->argv[0]);
	struct rt_buf out = { 0 };
	struct rtl_session session;
	enum rt_code code;

	if (!rt_path_is_checkpoint(name))
		return rt_err_set(err, RT_EUSAGE, "a checkpoint's name is 1 to "
		    "%d of A-Z a-z 0-9 . _ -, and no dot in front",
		    RT_PATH_CHECKPOINT_NAME_MAX);
	code = rtl_session_open(&session, tool, false, err);
	if (code == RT_ELOCKED)
		rt_err_prefix(err, "a running daemon makes checkpoints itself, "
		    "by the command CHECKPOINT %s", tool->argv[0]);
	if (code == RT_OK)
		code = make(&session, name, err);
	code = rtl_session_close(&session, code, err);
	if (code == RT_OK) {
		rt_buf_printf(&out, "%s/" RT_PATH_DIR_CHECKPOINTS "/%s\n",
		    tool->dir, tool->argv[0]);
		code = rtl_print(&out, err);
	}
	rt_buf_fini(&out);
	return code;
}
