#include "riptide/session.h"

#include "libcommon/daemon/log.h"

enum rt_code
rtl_session_open(struct rtl_session *session, struct rtl_tool *tool,
    bool create, struct rt_err *err)
{
	struct rtd_engine_options options = {
		.fs = tool->fs,
		.clock = rt_clock_system(),
		.config = &session->config,
		.offline = true,
	};
	enum rt_code code = RT_OK;
	int dir = -1;

	*session = (struct rtl_session){ 0 };
	rt_config_init(&session->config);
	rt_log_set_level(RT_LOG_WARNING);
	if (!create) {
		code = rtl_open_dir(tool, &dir, err);
		rt_fs_close(tool->fs, &dir, NULL);
	}
	if (code == RT_OK)
		code = rt_config_set(&session->config, rt_slice_cstr("dir"),
		    rt_slice_cstr(tool->dir), false, err);
	if (code == RT_OK)
		code = rtd_engine_open(&session->engine, &options, err);
	if (code != RT_OK)
		return code;
	session->reader = rtd_reader_new(session->engine);
	session->keyspace = rtd_engine_keyspace(session->engine,
	    tool->database);
	return RT_OK;
}

enum rt_code
rtl_session_close(struct rtl_session *session, enum rt_code code,
    struct rt_err *err)
{
	enum rt_code closed = RT_OK;

	if (session->engine != NULL) {
		rtd_reader_free(session->reader);
		closed = rtd_engine_close(session->engine,
		    code == RT_OK ? err : NULL);
	}
	rt_config_fini(&session->config);
	return code == RT_OK ? closed : code;
}
