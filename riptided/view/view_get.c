/* view_get: one key in a view. Memtables first, newest to oldest, then the runs
 * in their order: key range, filter, index, block. */
#include "libcommon/base/hash.h"
#include "riptided/view/view.h"

/* The table of the run whose key range holds the key, or the run's count. */
static size_t
table_of(const struct rt_manifest_run *run, struct rt_slice key)
{
	size_t low = 0, high = run->tables_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (rt_slice_compare(run->tables[middle].largest, key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < run->tables_count &&
	    rt_slice_compare(run->tables[low].smallest, key) > 0)
		return run->tables_count;
	return low;
}

/* Where a run may hold the key. */
struct place {
	struct rtd_table *table;
	struct rt_table_reader *reader;	/* NULL: closed */
};

#define PLACES_AT_ONCE 16

static enum rt_code
get_from_place(struct place *place, struct rt_slice key, uint64_t hash,
    uint64_t read_seq, unsigned flags, struct rtd_view_found *found,
    struct rt_err *err)
{
	enum rt_code code = RT_OK;

	if (RT_UNLIKELY(place->reader == NULL))
		code = rtd_table_open(place->table, flags, &place->reader, err);
	if (code == RT_OK)
		code = rt_table_reader_get(place->reader, key, hash, read_seq,
		    flags, &found->table, err);
	if (code == RT_OK) {
		found->seq = found->table.seq;
		found->type = found->table.type;
		found->value = found->table.value;
	}
	return code;
}

/* The tables that may hold the key, newest first. Their filters lie far apart
 * in memory, so that many are asked for before the first is looked at. */
static enum rt_code
get_from_tables(const struct rtd_view *view, struct rt_slice key, uint64_t hash,
    uint64_t read_seq, uint64_t drop_seq, unsigned flags,
    struct rtd_view_found *found, struct rt_err *err)
{
	struct place places[PLACES_AT_ONCE];
	enum rt_code code = RT_ENOTFOUND;
	size_t i = 0;

	while (i < view->runs_count && code == RT_ENOTFOUND) {
		size_t count = 0;

		for (; i < view->runs_count && count < PLACES_AT_ONCE; i++) {
			const struct rtd_view_run *run = &view->runs[i];
			size_t at = table_of(run->run, key);
			struct place *place = &places[count];

			/* What is dropped as a whole goes unread. */
			if (at == run->run->tables_count ||
			    run->run->tables[at].max_seq <= drop_seq)
				continue;
			place->table = run->tables[at];
			place->reader = rtd_table_peek(place->table);
			if (RT_LIKELY(place->reader != NULL))
				rt_table_reader_prefetch(place->reader, hash);
			count++;
		}
		for (size_t j = 0; j < count && code == RT_ENOTFOUND; j++)
			code = get_from_place(&places[j], key, hash, read_seq,
			    flags, found, err);
	}
	return code;
}

enum rt_code
rtd_view_get(const struct rtd_view *view, struct rt_slice key,
    uint64_t read_seq, uint64_t drop_seq, unsigned flags,
    struct rtd_view_found *found, struct rt_err *err)
{
	uint64_t hash = rt_hash64(key);
	enum rt_code code;

	found->seq = 0;
	for (size_t i = 0; i < view->memtables_count; i++) {
		const struct rtd_version *version = rtd_memtable_get(
		    view->memtables[i], key, hash, read_seq);
		struct rt_entry entry;

		if (version == NULL)
			continue;
		entry = rtd_version_entry(version);
		found->seq = entry.seq;
		found->type = entry.type;
		found->value = entry.value;
		if (rtd_version_is_outside(version))
			found->bulk = rtd_version_outside(version).bulk;
		return entry.seq > drop_seq ? RT_OK : RT_ENOTFOUND;
	}
	code = get_from_tables(view, key, hash, read_seq, drop_seq, flags,
	    found, err);
	if (code == RT_OK && found->seq <= drop_seq) {
		rt_table_found_fini(&found->table);
		code = RT_ENOTFOUND;
	}
	return code;
}
