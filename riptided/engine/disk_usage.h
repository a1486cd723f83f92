/* disk_usage: where every byte of the data directory is, for RIPTIDE DU. What
 * files take is exact; what of a table is live and what is waste is estimated
 * from its counts, as though all entries were of one size.
 * Thread: pool; it looks at every file and may take long. */
#ifndef RIPTIDED_ENGINE_DISK_USAGE_H
#define RIPTIDED_ENGINE_DISK_USAGE_H

#include "riptided/engine/engine.h"

struct rtd_usage_item {
	char what[96];		/* "tables", "tables/overwritten" ... */
	uint64_t bytes;
	uint64_t files;		/* 0: a part of files */
	bool is_estimate;
};

/* Inert when zeroed. */
struct rtd_disk_usage {
	struct rtd_usage_item *items;	/* what is part of one follows it */
	size_t count, cap;
};

/* keys: how many there are, of all databases, about. */
RT_MUST_USE enum rt_code rtd_disk_usage_get(struct rtd_engine *engine,
    uint64_t keys, struct rtd_disk_usage *out, struct rt_err *err);
void rtd_disk_usage_fini(struct rtd_disk_usage *usage);

#endif
