#include "libcommon/table/table_stats.h"

#include "libcommon/table/value.h"

bool
rt_table_stats_add(struct rt_table_info *info, const struct rt_entry *entry)
{
	uint64_t expire_ms = RT_NO_EXPIRY;
	struct rt_slice bytes = { .data = NULL };
	bool all_expire = info->entries == 0 || info->expire_max_ms != 0;

	if (entry->type == RT_ENTRY_TOMBSTONE) {
		if (entry->value.len != 0)
			return false;
		info->tombstones++;
	} else if (!rt_value_decode(entry->value, &expire_ms, &bytes)) {
		return false;
	}
	if (info->entries == 0 || entry->seq < info->min_seq)
		info->min_seq = entry->seq;
	if (entry->seq > info->max_seq)
		info->max_seq = entry->seq;
	if (expire_ms == RT_NO_EXPIRY) {
		info->expire_max_ms = 0;
	} else {
		if (info->expire_min_ms == 0 || expire_ms < info->expire_min_ms)
			info->expire_min_ms = expire_ms;
		if (all_expire && expire_ms > info->expire_max_ms)
			info->expire_max_ms = expire_ms;
	}
	info->entries++;
	info->payload += entry->key.len - RT_KEY_PREFIX_BYTES + bytes.len;
	return true;
}
