/* store_riptide: our engine as the daemon uses it, the compactor a process of
 * its own beside it; and the door to it for the tests of ours alone. */
#ifndef BENCH_STORE_RIPTIDE_H
#define BENCH_STORE_RIPTIDE_H

#include "bench/store.h"
#include "riptided/engine/engine.h"

/* Between making the settings of rtb_store_options and opening with them. */
struct rtb_store *rtb_riptide_open(const struct rtb_store_options *options,
    void (*change)(struct rt_config *config, uint64_t arg), uint64_t arg);
struct rtd_engine *rtb_riptide_engine(struct rtb_store *store);

#endif
