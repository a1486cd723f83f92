/* Waiting for the disk, for who asks for it by SAVE or WAITAOF. The log's sync
 * thread has nobody to tell but the loop, so it is looked at. */
#include "libcommon/base/invariant.h"
#include "riptided/engine/engine_state.h"

#define LOOK_MS 1

uint64_t
rtd_engine_durable_seq(const struct rtd_engine *engine)
{
	return rtd_wal_durable_seq(engine->wal);
}

enum rt_code
rtd_engine_sync(struct rtd_engine *engine, uint64_t seq, uint64_t timeout_ms,
    struct rt_err *err)
{
	uint64_t start_ns = rt_clock_monotonic_ns(engine->clock);
	enum rt_code code;

	while (rtd_engine_durable_seq(engine) < seq) {
		code = rtd_wal_state(engine->wal, err);
		if (code != RT_OK)
			return code;
		/* Set when the server begins to stop. */
		if (atomic_load(&engine->checkpoint_stop))
			return rt_err_set(err, RT_ESTOPPED,
			    "the server stops");
		if ((rt_clock_monotonic_ns(engine->clock) - start_ns) /
			1000000 >= timeout_ms)
			return rt_err_set(err, RT_EAGAIN, "time has passed");
		rtd_wal_sync_soon(engine->wal);
		rt_mutex_lock(&engine->mu);
		rt_cond_wait_ms(&engine->view_moved, &engine->mu, LOOK_MS);
		rt_mutex_unlock(&engine->mu);
	}
	return RT_OK;
}
