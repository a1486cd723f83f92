/* loader: loads the engine on a thread of its own, while the loop answers
 * clients. Thread: main, but where said. */
#ifndef RIPTIDED_LOADER_H
#define RIPTIDED_LOADER_H

#include "riptided/engine/engine.h"

struct rtd_loader;

/* engine: prepared; the loader's until rtd_loader_finish(). loading: what the
 * engine's options named. done is called from the thread when it has nothing
 * left to do. */
struct rtd_loader *rtd_loader_start(struct rtd_engine *engine,
    struct rtd_loading *loading, void (*done)(void *arg), void *arg);

/* Nothing is left to wait for. */
bool rtd_loader_is_done(const struct rtd_loader *loader);

/* Wait for the end and free the loader. RT_OK: *out is the loaded engine. Else
 * why there is none: RT_ESTOPPED after rtd_loader_stop(). */
RT_MUST_USE enum rt_code rtd_loader_finish(struct rtd_loader *loader,
    struct rtd_engine **out, struct rt_err *err);

/* Load no further than it has come. */
void rtd_loader_stop(struct rtd_loader *loader);

#endif
