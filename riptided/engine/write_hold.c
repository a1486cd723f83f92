/* In the order of rtd_engine_write_state() and rtd_engine_has_room(), which
 * decide; this one tells. */
#include "riptided/engine/write_hold.h"

#include "riptided/engine/engine_state.h"

static enum rtd_write_hold
refusal(const struct rtd_engine *engine)
{
	if (rtd_engine_log_stuck(engine))
		return RTD_HOLD_LOG_STUCK;
	if (atomic_load(&engine->fenced))
		return RTD_HOLD_FENCED;
	if (atomic_load(&engine->reserve.full))
		return RTD_HOLD_DISK;
	return atomic_load(&engine->garbled_tables) > 1 ? RTD_HOLD_READ_BACK
							: RTD_HOLD_FLUSH;
}

enum rtd_write_hold
rtd_engine_write_hold(const struct rtd_engine *engine)
{
	struct rt_err err = { .code = RT_OK };

	if (rtd_engine_write_state(engine, &err) != RT_OK)
		return refusal(engine);
	if (rtd_engine_has_room(engine))
		return RTD_HOLD_NONE;
	if (atomic_load(&engine->wal_code) != RT_OK)
		return RTD_HOLD_LOG;
	return rtd_memtable_is_full(engine->active) ? RTD_HOLD_MEMTABLES
						    : RTD_HOLD_MEMORY;
}
