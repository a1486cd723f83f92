/* fake_engine: the engine's door over a sorted array in memory, for tests of
 * commands alone. Nothing is on disk; a test turns the knobs below. Linked
 * instead of engine, wal, flush, view and memtable. */
#ifndef TESTS_SUPPORT_FAKE_ENGINE_H
#define TESTS_SUPPORT_FAKE_ENGINE_H

#include "riptided/engine/engine.h"

struct rtd_engine *rtt_fake_engine_new(void);
void rtt_fake_engine_free(struct rtd_engine *engine);

/* Every read from now on ends like this; RT_OK: none. */
void rtt_fake_engine_fail_reads(struct rtd_engine *engine, enum rt_code code);
/* Every write is refused with this; RT_OK: none. */
void rtt_fake_engine_refuse_writes(struct rtd_engine *engine,
    enum rt_code code);
/* The same for one write, although rtd_engine_write_state() says yes. */
void rtt_fake_engine_refuse_next_write(struct rtd_engine *engine,
    enum rt_code code);
/* How many batches were taken. */
uint64_t rtt_fake_engine_writes(const struct rtd_engine *engine);
/* Whether there is room for a write. */
void rtt_fake_engine_set_room(struct rtd_engine *engine, bool room);

#endif
