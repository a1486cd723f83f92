/* checkpoint: a copy of the database as it is, in checkpoints/<name>/: a data
 * directory of its own, of hard links to the tables and a manifest
 * (docs/checkpoints.md).
 *
 * C1 It has every write that came before rtd_checkpoint_begin(), and is what
 *    the database was at one sequence at or after that.
 * C2 It is whole and durable when rtd_checkpoint_run() says RT_OK.
 * C3 Nothing in it is written to, nor is it looked into, by whoever has the
 *    data directory; and nothing in the data directory by whoever starts on
 *    the copy: tables are never written to once they have their name, and each
 *    side unlinks its own links. */
#ifndef RIPTIDED_ENGINE_CHECKPOINT_H
#define RIPTIDED_ENGINE_CHECKPOINT_H

#include "riptided/engine/engine.h"

struct rtd_checkpoint;

/* Note what must be in it, and have that flushed. The loop.
 * RT_EINVAL: no name for a checkpoint. RT_EAGAIN: another one is being made.
 * *out is the caller's, and must go before the engine does. */
RT_MUST_USE enum rt_code rtd_checkpoint_begin(struct rtd_engine *engine,
    struct rt_slice name, struct rtd_checkpoint **out, struct rt_err *err);

/* Wait for the flush and make it. It may take long and is for a pool thread,
 * while turns of the loop go on. RT_EEXIST: there is one of that name. Any
 * error of the flush or the file system; nothing is left behind then
 * (checkpoint_dir.h). RT_ESTOPPED: rtd_checkpoint_cancel(). */
RT_MUST_USE enum rt_code rtd_checkpoint_run(struct rtd_checkpoint *checkpoint,
    struct rt_err *err);

/* NULL is accepted. */
void rtd_checkpoint_free(struct rtd_checkpoint *checkpoint);

/* The loop ends: no checkpoint will be waited for any more. Any thread. */
void rtd_checkpoint_cancel(struct rtd_engine *engine);

#endif
