#include "riptided/view/key_range.h"

#include <endian.h>
#include <string.h>

#include "libcommon/base/attr.h"

struct rtd_key_head
rtd_key_head(struct rt_slice key)
{
	uint64_t words[2] = { 0 };

	if (RT_LIKELY(key.len >= sizeof(words)))
		memcpy(words, key.data, sizeof(words));
	else if (key.len != 0)
		memcpy(words, key.data, key.len);
	return (struct rtd_key_head){ be64toh(words[0]), be64toh(words[1]) };
}

struct rtd_key_range
rtd_key_range(const struct rt_manifest_table *table)
{
	return (struct rtd_key_range){
		.smallest = rtd_key_head(table->smallest),
		.largest = rtd_key_head(table->largest),
		.max_seq = table->max_seq,
	};
}

/* Whether bound < key, and the other way round; only keys with the same head
 * are compared as a whole. */
static inline bool
is_before(struct rtd_key_head bound, struct rt_slice bound_key,
    struct rtd_key_head head, struct rt_slice key)
{
	if (RT_LIKELY(bound.high != head.high))
		return bound.high < head.high;
	if (RT_LIKELY(bound.low != head.low))
		return bound.low < head.low;
	return rt_slice_compare(bound_key, key) < 0;
}

static inline bool
is_behind(struct rtd_key_head bound, struct rt_slice bound_key,
    struct rtd_key_head head, struct rt_slice key)
{
	return is_before(head, key, bound, bound_key);
}

size_t
rtd_key_range_find(const struct rtd_key_range *ranges,
    const struct rt_manifest_run *run, struct rt_slice key,
    struct rtd_key_head head)
{
	size_t low = 0, high = run->tables_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (is_before(ranges[middle].largest,
			run->tables[middle].largest, head, key))
			low = middle + 1;
		else
			high = middle;
	}
	if (low < run->tables_count && is_behind(ranges[low].smallest,
		run->tables[low].smallest, head, key))
		return run->tables_count;
	return low;
}
