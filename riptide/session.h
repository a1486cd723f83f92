/* session: the database opened as the daemon does it, under its lock. Closing
 * the engine flushes what was written, so a verb that ends well has left its
 * change in a published table. Thread: main. */
#ifndef RIPTIDE_SESSION_H
#define RIPTIDE_SESSION_H

#include "libcommon/daemon/config.h"
#include "riptide/tool.h"
#include "riptided/engine/engine.h"

struct rtl_session {
	struct rt_config config;
	struct rtd_engine *engine;
	struct rtd_reader *reader;
	uint32_t keyspace;	/* of --db */
};

/* create: make a database in an empty or missing directory. Needs
 * rtl_session_close() whatever comes of it. */
RT_MUST_USE enum rt_code rtl_session_open(struct rtl_session *session,
    struct rtl_tool *tool, bool create, struct rt_err *err);

/* Returns code, or the error of closing when code is RT_OK. */
RT_MUST_USE enum rt_code rtl_session_close(struct rtl_session *session,
    enum rt_code code, struct rt_err *err);

#endif
