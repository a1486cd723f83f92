/* table_index_entry: one entry of an index section, as it stands in a file.
 * The format is told in table_index_builder.c. Thread: any. */
#ifndef LIBCOMMON_TABLE_TABLE_INDEX_ENTRY_H
#define LIBCOMMON_TABLE_TABLE_INDEX_ENTRY_H

#include "libcommon/base/coding.h"
#include "libcommon/table/table_format.h"

struct rt_table_index_entry {
	size_t shared;
	struct rt_slice suffix; /* borrowed from the section */
	uint64_t seq;           /* 0: behind all versions */
	uint64_t stored;
	uint64_t data_bytes; /* only of the top level, else 0 */
};

/* The next entry; what is not allowed makes the cursor bad. */
static inline void
rt_table_index_entry_read(struct rt_cursor *cursor, bool is_top,
    struct rt_table_index_entry *entry)
{
	uint64_t shared = rt_cursor_varint(cursor);
	uint64_t unshared = rt_cursor_varint(cursor);
	bool has_seq = unshared & 1;

	unshared >>= 1;
	if (shared > RT_STORE_KEY_BYTES_MAX ||
	    unshared > RT_STORE_KEY_BYTES_MAX - shared)
		cursor->bad = true;
	entry->shared = (size_t)shared;
	entry->suffix = rt_cursor_take(cursor, unshared);
	entry->seq = has_seq ? rt_cursor_varint(cursor) : 0;
	entry->stored = rt_cursor_varint(cursor);
	entry->data_bytes = is_top ? rt_cursor_varint(cursor) : 0;
	if (entry->stored == 0 || entry->stored > RT_BLOCK_BYTES_MAX ||
	    entry->seq > RT_SEQ_MAX || (has_seq && entry->seq == 0) ||
	    (is_top && entry->data_bytes == 0))
		cursor->bad = true;
}

#endif
