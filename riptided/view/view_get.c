/* view_get: keys in a view. Memtables first, newest to oldest, then the runs in
 * their order: key range, filter, index, block.
 *
 * What a step touches lies far apart in memory, so that it is asked for well
 * before. One key: the lines of the filters of many runs, before the first of
 * them is looked at. Many keys: they go from run to run together, step by step,
 * and each step of one key asks for what its next step needs while those of the
 * others run. */
#include "libcommon/base/hash.h"
#include "libcommon/base/invariant.h"
#include "riptided/view/view.h"

/* Where a run may hold the key. */
struct place {
	struct rtd_table *table;	/* NULL: nowhere */
	struct rt_table_reader *reader;	/* NULL: closed */
};

#define PLACES_AT_ONCE 16

/* The table of the run that may have the key, if any; its filter is asked
 * for. */
static inline bool
find_place(const struct rtd_view_run *run, struct rt_slice key,
    struct rtd_key_head head, uint64_t hash, uint64_t drop_seq,
    struct place *place)
{
	size_t at = rtd_key_range_find(run->ranges, run->run, key, head);

	*place = (struct place){ NULL, NULL };
	/* What is dropped as a whole goes unread. */
	if (at == run->run->tables_count ||
	    run->ranges[at].max_seq <= drop_seq)
		return false;
	place->table = run->tables[at];
	place->reader = rtd_table_peek(place->table);
	if (RT_LIKELY(place->reader != NULL))
		rt_table_reader_prefetch(place->reader, hash);
	return true;
}

static void
take_table(struct rtd_view_found *found)
{
	found->seq = found->table.seq;
	found->type = found->table.type;
	found->value = found->table.value;
}

static bool
take_version(const struct rtd_version *version, struct rtd_view_found *found)
{
	struct rt_entry entry;

	if (version == NULL)
		return false;
	entry = rtd_version_entry(version);
	found->seq = entry.seq;
	found->type = entry.type;
	found->value = entry.value;
	if (rtd_version_is_outside(version))
		found->bulk = rtd_version_outside(version).bulk;
	return true;
}

/* What was dropped is not there. */
static enum rt_code
drop(enum rt_code code, uint64_t drop_seq, struct rtd_view_found *found)
{
	if (code != RT_OK || found->seq > drop_seq)
		return code;
	rt_table_found_fini(&found->table);
	return RT_ENOTFOUND;
}

/* -- one key -- */

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
	if (code == RT_OK)
		take_table(found);
	return code;
}

static enum rt_code
get_from_tables(const struct rtd_view *view, struct rt_slice key, uint64_t hash,
    uint64_t read_seq, uint64_t drop_seq, unsigned flags,
    struct rtd_view_found *found, struct rt_err *err)
{
	struct rtd_key_head head = rtd_key_head(key);
	struct place places[PLACES_AT_ONCE];
	enum rt_code code = RT_ENOTFOUND;
	size_t i = 0;

	while (i < view->runs_count && code == RT_ENOTFOUND) {
		size_t count = 0;

		for (; i < view->runs_count && count < PLACES_AT_ONCE; i++)
			count += find_place(&view->runs[i], key, head, hash,
			    drop_seq, &places[count]);
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
	for (size_t i = 0; i < view->memtables_count; i++)
		if (take_version(rtd_memtable_get(view->memtables[i], key,
			hash, read_seq), found))
			return drop(RT_OK, drop_seq, found);
	code = get_from_tables(view, key, hash, read_seq, drop_seq, flags,
	    found, err);
	return drop(code, drop_seq, found);
}

/* -- many keys -- */

/* Those of a batch that were not found yet, by number, and where the next run
 * may have them. */
struct pending {
	const struct rtd_view *view;
	struct rtd_view_query *queries;
	uint64_t read_seq, drop_seq;
	unsigned flags;
	struct rt_err *err;
	size_t count;
	uint8_t numbers[RTD_VIEW_QUERIES_MAX];
	struct rtd_key_head heads[RTD_VIEW_QUERIES_MAX];
	struct place next[RTD_VIEW_QUERIES_MAX];
};

static void
get_from_memtable(struct pending *pending, const struct rtd_memtable *memtable)
{
	size_t kept = 0;

	for (size_t i = 0; i < pending->count; i++)
		rtd_hash_index_prefetch_version(&memtable->index,
		    pending->queries[pending->numbers[i]].hash);
	for (size_t i = 0; i < pending->count; i++) {
		struct rtd_view_query *query =
		    &pending->queries[pending->numbers[i]];

		if (take_version(rtd_memtable_get(memtable, query->key,
			query->hash, pending->read_seq), &query->found))
			query->code = RT_OK;
		else
			pending->numbers[kept++] = pending->numbers[i];
	}
	pending->count = kept;
}

static void
get_from_memtables(struct pending *pending)
{
	const struct rtd_view *view = pending->view;

	for (size_t i = 0; i < view->memtables_count; i++) {
		const struct rtd_memtable *memtable = view->memtables[i];

		for (size_t j = 0; j < pending->count; j++)
			rtd_hash_index_prefetch(&memtable->index,
			    pending->queries[pending->numbers[j]].hash);
		get_from_memtable(pending, memtable);
	}
}

static void
find_next(struct pending *pending, const struct rtd_view_run *run)
{
	for (size_t i = 0; i < pending->count; i++) {
		size_t n = pending->numbers[i];

		find_place(run, pending->queries[n].key, pending->heads[n],
		    pending->queries[n].hash, pending->drop_seq,
		    &pending->next[n]);
	}
}

/* Filter and index. */
static enum rt_code
locate(struct pending *pending, size_t n, struct place *place,
    struct rt_table_place *at)
{
	struct rtd_view_query *query = &pending->queries[n];
	enum rt_code code = RT_OK;

	if (place->table == NULL)
		return RT_ENOTFOUND;
	if (RT_UNLIKELY(place->reader == NULL))
		code = rtd_table_open(place->table, pending->flags,
		    &place->reader, pending->err);
	if (code == RT_OK)
		code = rt_table_reader_locate(place->reader, query->key,
		    query->hash, pending->read_seq, pending->flags, at,
		    pending->err);
	return code;
}

/* The blocks of the run, of those that were located; then those that are still
 * pending are left. */
static void
get_located(struct pending *pending, struct rt_table_place *at)
{
	size_t kept = 0;

	for (size_t i = 0; i < pending->count; i++) {
		size_t n = pending->numbers[i];

		if (pending->queries[n].code == RT_OK)
			rt_table_reader_approach(&at[n]);
	}
	for (size_t i = 0; i < pending->count; i++) {
		size_t n = pending->numbers[i];

		if (pending->queries[n].code == RT_OK)
			rt_table_reader_pin(&at[n]);
	}
	for (size_t i = 0; i < pending->count; i++) {
		size_t n = pending->numbers[i];
		const struct rtd_view_query *query = &pending->queries[n];

		if (query->code == RT_OK)
			rt_table_reader_aim(&at[n], query->key, query->hash,
			    pending->read_seq);
	}
	for (size_t i = 0; i < pending->count; i++) {
		size_t n = pending->numbers[i];
		struct rtd_view_query *query = &pending->queries[n];

		if (query->code == RT_OK) {
			query->code = rt_table_reader_get_at(&at[n],
			    query->key, query->hash, pending->read_seq,
			    pending->flags, &query->found.table, pending->err);
			if (query->code == RT_OK)
				take_table(&query->found);
		}
		if (query->code == RT_ENOTFOUND)
			pending->numbers[kept++] = (uint8_t)n;
	}
	pending->count = kept;
}

static void
get_from_runs(struct pending *pending)
{
	const struct rtd_view *view = pending->view;
	struct rt_table_place at[RTD_VIEW_QUERIES_MAX];
	struct place here[RTD_VIEW_QUERIES_MAX];

	if (view->runs_count != 0)
		find_next(pending, &view->runs[0]);
	for (size_t i = 0; i < view->runs_count && pending->count != 0; i++) {
		size_t located = 0;

		memcpy(here, pending->next, sizeof(here));
		if (i + 1 < view->runs_count)
			find_next(pending, &view->runs[i + 1]);
		for (size_t j = 0; j < pending->count; j++) {
			size_t n = pending->numbers[j];
			enum rt_code code =
			    locate(pending, n, &here[n], &at[n]);

			pending->queries[n].code = code;
			located += code != RT_ENOTFOUND;
		}
		if (located != 0)
			get_located(pending, at);
	}
}

void
rtd_view_get_many(const struct rtd_view *view, struct rtd_view_query *queries,
    size_t count, uint64_t read_seq, uint64_t drop_seq, unsigned flags,
    struct rt_err *err)
{
	struct pending pending = {
		.view = view,
		.queries = queries,
		.read_seq = read_seq,
		.drop_seq = drop_seq,
		.flags = flags,
		.err = err,
		.count = count,
	};

	rt_assert(count <= RTD_VIEW_QUERIES_MAX);
	for (size_t i = 0; i < count; i++) {
		queries[i].hash = rt_hash64(queries[i].key);
		queries[i].code = RT_ENOTFOUND;
		queries[i].found = (struct rtd_view_found){ .seq = 0 };
		pending.numbers[i] = (uint8_t)i;
		pending.heads[i] = rtd_key_head(queries[i].key);
	}
	get_from_memtables(&pending);
	if (pending.count != 0)
		get_from_runs(&pending);
	for (size_t i = 0; i < count; i++)
		queries[i].code = drop(queries[i].code, drop_seq,
		    &queries[i].found);
}
