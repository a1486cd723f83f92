/* write_hold: what keeps writes waiting or refused, for who looks at it: the
 * answer to "why is it slow". Thread: loop. */
#ifndef RIPTIDED_ENGINE_WRITE_HOLD_H
#define RIPTIDED_ENGINE_WRITE_HOLD_H

#include "riptided/engine/engine.h"

enum rtd_write_hold {
	RTD_HOLD_NONE,
	/* Writes wait: */
	RTD_HOLD_MEMTABLES,	/* memtable-max-count of them are not flushed */
	RTD_HOLD_MEMORY,	/* they hold their part of memory-limit */
	RTD_HOLD_LOG,		/* the log has failed and is about to go on */
	/* Writes are refused: */
	RTD_HOLD_LOG_STUCK,	/* going on has failed, too */
	RTD_HOLD_FENCED,	/* another daemon has the directory */
	RTD_HOLD_DISK,		/* free space is below disk-reserve */
	RTD_HOLD_READ_BACK,	/* new tables are read back differently */
	RTD_HOLD_FLUSH,		/* memtables are full, and flushes fail */
	RTD_HOLDS,
};

/* What holds writes at this moment. */
enum rtd_write_hold rtd_engine_write_hold(const struct rtd_engine *engine);

/* Whether writes get an error; else they wait, or go on. */
static inline bool
rtd_write_hold_refuses(enum rtd_write_hold hold)
{
	return hold >= RTD_HOLD_LOG_STUCK;
}

#endif
