/* compact: requests to the compactor to merge everything down. They go through
 * the manifest: a request is published when all that was written before it is
 * flushed, and is done when the manifest says so ("Requests" in
 * docs/manifest-protocol.md). Thread: the loop, except where it says so. */
#ifndef RIPTIDED_ENGINE_COMPACT_H
#define RIPTIDED_ENGINE_COMPACT_H

#include "riptided/engine/engine.h"

struct rt_manifest_edit;

/* Have the memtable flushed, and ask. Returns the request's number at once. */
uint64_t rtd_compact_ask(struct rtd_engine *engine);

/* The last request that is done, and with it all before. Thread: any. */
uint64_t rtd_compact_done(struct rtd_engine *engine);

/* -- for the engine's own threads -- */

/* Requests go on from the last one of this manifest. */
void rtd_compact_begin(struct rtd_engine *engine,
    const struct rt_manifest *manifest);

/* Whether a request can be published now, with the engine's mutex held. */
bool rtd_compact_is_due(const struct rtd_engine *engine);

/* Put the last request into the edit, with what is flushed. Returns its
 * number, for the next function. */
uint64_t rtd_compact_put(struct rtd_engine *engine,
    struct rt_manifest_edit *edit, uint64_t flushed_seq);
void rtd_compact_published(struct rtd_engine *engine, uint64_t request);

#endif
