/* key_range: which tables of a run may hold a key, told from the first 16 bytes
 * of their smallest and largest keys, which lie side by side: a look-up passes
 * many tables by without touching anything else of them.
 * Thread: any; ranges do not change. */
#ifndef RIPTIDED_VIEW_KEY_RANGE_H
#define RIPTIDED_VIEW_KEY_RANGE_H

#include "libcommon/manifest/manifest.h"

/* As a number: the first 16 bytes, zeros behind the key's end. Heads are in the
 * order of their keys, except that different keys may have the same. */
struct rtd_key_head {
	uint64_t high, low;
};

struct rtd_key_range {
	struct rtd_key_head smallest, largest;
	uint64_t max_seq;
};

/* The first bytes as a number that sorts as they do. */
struct rtd_key_head rtd_key_head(struct rt_slice key);

/* The range of a table of the manifest. */
struct rtd_key_range rtd_key_range(const struct rt_manifest_table *table);

/* The table of the run whose key range holds the key, or the run's count.
 * ranges: of the run's tables. head: the key's. */
size_t rtd_key_range_find(const struct rtd_key_range *ranges,
    const struct rt_manifest_run *run, struct rt_slice key,
    struct rtd_key_head head);

#endif
