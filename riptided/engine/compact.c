#include "riptided/engine/compact.h"

#include "riptided/engine/engine_state.h"

uint64_t
rtd_compact_ask(struct rtd_engine *engine)
{
	uint64_t seq = rtd_engine_unflushed_seq(engine), request;

	rt_mutex_lock(&engine->mu);
	request = ++engine->compact.asked;
	if (engine->compact.seq < seq)
		engine->compact.seq = seq;
	rt_cond_signal(&engine->cond);
	rt_mutex_unlock(&engine->mu);
	rtd_engine_flush(engine);
	return request;
}

uint64_t
rtd_compact_done(struct rtd_engine *engine)
{
	uint64_t done;

	rt_mutex_lock(&engine->mu);
	done = engine->view->manifest->compact_done;
	rt_mutex_unlock(&engine->mu);
	return done;
}

void
rtd_compact_begin(struct rtd_engine *engine, const struct rt_manifest *manifest)
{
	rt_mutex_lock(&engine->mu);
	engine->compact.asked = engine->compact.published =
	    manifest->compact_asked;
	rt_mutex_unlock(&engine->mu);
}

bool
rtd_compact_is_due(const struct rtd_engine *engine)
{
	return engine->compact.asked > engine->compact.published &&
	    engine->view->manifest->flushed_seq >= engine->compact.seq;
}

uint64_t
rtd_compact_put(struct rtd_engine *engine, struct rt_manifest_edit *edit,
    uint64_t flushed_seq)
{
	uint64_t request;

	rt_mutex_lock(&engine->mu);
	request = engine->compact.asked;
	rt_mutex_unlock(&engine->mu);
	rt_manifest_edit_ask(edit, request, flushed_seq);
	return request;
}

void
rtd_compact_published(struct rtd_engine *engine, uint64_t request)
{
	rt_mutex_lock(&engine->mu);
	if (engine->compact.published < request)
		engine->compact.published = request;
	rt_mutex_unlock(&engine->mu);
}
