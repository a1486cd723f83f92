#include "libcommon/manifest/manifest_check.h"

#include <inttypes.h>
#include <stdlib.h>

#include "libcommon/base/invariant.h"
#include "libcommon/manifest/manifest_build.h"

static enum rt_code
check_root(const struct rt_manifest *m, struct rt_err *err)
{
	static const uint8_t none[RT_DATABASE_UUID_BYTES];

	if (memcmp(m->database_uuid, none, sizeof(none)) == 0)
		return rt_err_set(err, RT_EDAMAGED, "M1: no database uuid");
	if (m->generation == 0 || m->generation > RT_GENERATION_MAX)
		return rt_err_set(err, RT_EDAMAGED,
		    "M1: generation %" PRIu64, m->generation);
	if (m->runs_count > RT_MANIFEST_RUNS_MAX ||
	    m->obsolete_count > RT_MANIFEST_OBSOLETE_MAX ||
	    m->snapshots_count > RT_MANIFEST_SNAPSHOTS_MAX ||
	    m->drops_count > RT_MANIFEST_KEYSPACES_MAX ||
	    m->keyspaces_count > RT_MANIFEST_KEYSPACES_MAX)
		return rt_err_set(err, RT_EDAMAGED,
		    "M2: too many runs, obsolete files, snapshots, drops or "
		    "keyspaces");
	if (m->flushed_seq > m->max_seq || m->max_seq > RT_MANIFEST_SEQ_MAX)
		return rt_err_set(err, RT_EDAMAGED,
		    "M11: flushed sequence %" PRIu64 ", highest %" PRIu64,
		    m->flushed_seq, m->max_seq);
	if (m->clean_wal == 0 && m->clean_wal_bytes != 0)
		return rt_err_set(err, RT_EDAMAGED,
		    "M12: length of a clean stop without its segment");
	if (m->compact_seq > m->flushed_seq ||
	    m->compact_done > m->compact_asked)
		return rt_err_set(err, RT_EDAMAGED,
		    "M13: %" PRIu64 " requests done of %" PRIu64
		    ", up to sequence %" PRIu64, m->compact_done,
		    m->compact_asked, m->compact_seq);
	if (m->tolerated_ms == 0 && m->tolerated_seq != 0)
		return rt_err_set(err, RT_EDAMAGED,
		    "M14: damage of the log was left out at no time");
	return RT_OK;
}

static int
compare_u32(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static int
compare_u64(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static enum rt_code
check_keyspaces(const struct rt_manifest *m, struct rt_err *err)
{
	uint32_t *ids;
	bool twice = false;

	for (size_t i = 1; i < m->keyspaces_count; i++) {
		if (m->keyspaces[i - 1].database >= m->keyspaces[i].database)
			return rt_err_set(err, RT_EDAMAGED,
			    "M10: keyspaces out of order at database %" PRIu32,
			    m->keyspaces[i].database);
	}
	ids = rt_alloc_zero(m->keyspaces_count + 1, sizeof(*ids));
	for (size_t i = 0; i < m->keyspaces_count; i++)
		ids[i] = m->keyspaces[i].id;
	qsort(ids, m->keyspaces_count, sizeof(*ids), compare_u32);
	for (size_t i = 1; i < m->keyspaces_count; i++)
		twice = twice || ids[i - 1] == ids[i];
	free(ids);
	if (twice)
		return rt_err_set(err, RT_EDAMAGED,
		    "M10: two databases share a keyspace");
	return RT_OK;
}

static enum rt_code
check_lists(const struct rt_manifest *m, struct rt_err *err)
{
	for (size_t i = 0; i < m->snapshots_count; i++) {
		if ((i > 0 && m->snapshots[i - 1] >= m->snapshots[i]) ||
		    m->snapshots[i] > RT_MANIFEST_SEQ_MAX)
			return rt_err_set(err, RT_EDAMAGED,
			    "M10: snapshots out of order at %" PRIu64,
			    m->snapshots[i]);
	}
	for (size_t i = 0; i < m->drops_count; i++) {
		if ((i > 0 &&
			m->drops[i - 1].keyspace >= m->drops[i].keyspace) ||
		    m->drops[i].seq > RT_MANIFEST_SEQ_MAX)
			return rt_err_set(err, RT_EDAMAGED,
			    "M10: drops out of order at keyspace %" PRIu32,
			    m->drops[i].keyspace);
	}
	return check_keyspaces(m, err);
}

static bool
key_fits(struct rt_slice key)
{
	return key.len >= RT_MANIFEST_KEY_BYTES_MIN &&
	    key.len <= RT_MANIFEST_KEY_BYTES_MAX;
}

static enum rt_code
check_file_id(const struct rt_manifest *m, struct rt_file_id id,
    struct rt_err *err)
{
	char name[RT_PATH_NAME_BYTES];

	if (id.number == 0)
		return rt_err_set(err, RT_EDAMAGED, "M4: a file number 0");
	if (id.maker_epoch == 0 ? id.number >= m->next_daemon_file :
	    id.maker_epoch > m->compactor_epoch)
		return rt_err_set(err, RT_EDAMAGED,
		    "M8: %s is not a name given out yet",
		    rt_path_table(name, id));
	return RT_OK;
}

static enum rt_code
check_table(const struct rt_manifest *m, const struct rt_manifest_table *table,
    struct rt_err *err)
{
	const char *what = NULL;
	char name[RT_PATH_NAME_BYTES];
	enum rt_code code;

	code = check_file_id(m, table->id, err);
	if (code != RT_OK)
		return code;
	if (!key_fits(table->smallest) || !key_fits(table->largest))
		what = "a key of that length";
	else if (rt_slice_compare(table->smallest, table->largest) > 0)
		what = "its smallest key above its largest";
	else if (table->min_seq == 0 || table->min_seq > table->max_seq)
		what = "its sequences out of order";
	else if (table->max_seq > m->flushed_seq)
		what = "a sequence above the flushed one";
	else if (table->tombstones > table->entries)
		what = "more tombstones than entries";
	else if (table->older_versions > table->entries)
		what = "more older versions than entries";
	else if (table->expire_min_ms != 0 && table->expire_max_ms != 0 &&
	    table->expire_min_ms > table->expire_max_ms)
		what = "its expiry range out of order";
	if (what != NULL)
		return rt_err_set(err, RT_EDAMAGED, "M4: %s has %s",
		    rt_path_table(name, table->id), what);
	return RT_OK;
}

/* M5; *lowest and *highest become the run's sequence range. */
static enum rt_code
check_run(const struct rt_manifest *m, const struct rt_manifest_run *run,
    uint64_t *lowest, uint64_t *highest, struct rt_err *err)
{
	char name[RT_PATH_NAME_BYTES], last[RT_PATH_NAME_BYTES];
	enum rt_code code;

	*lowest = UINT64_MAX;
	*highest = 0;
	for (size_t i = 0; i < run->tables_count; i++) {
		const struct rt_manifest_table *table = &run->tables[i];

		code = check_table(m, table, err);
		if (code != RT_OK)
			return code;
		if (i > 0 && rt_slice_compare(table[-1].largest,
			table->smallest) >= 0)
			return rt_err_set(err, RT_EDAMAGED,
			    "M5: %s and %s of level %" PRIu32
			    " overlap or are out of order",
			    rt_path_table(last, table[-1].id),
			    rt_path_table(name, table->id), run->level);
		if (table->min_seq < *lowest)
			*lowest = table->min_seq;
		if (table->max_seq > *highest)
			*highest = table->max_seq;
	}
	return RT_OK;
}

static enum rt_code
check_runs(const struct rt_manifest *m, size_t *tables, struct rt_err *err)
{
	uint64_t level0_lowest = UINT64_MAX, lowest, highest;
	enum rt_code code;

	*tables = 0;
	for (size_t i = 0; i < m->runs_count; i++) {
		const struct rt_manifest_run *run = &m->runs[i];

		if (run->level >= RT_LEVELS_MAX || run->tables_count == 0 ||
		    (i > 0 && run[-1].level > run->level))
			return rt_err_set(err, RT_EDAMAGED,
			    "M3: run %" PRIu64 " of level %" PRIu32
			    " is empty or out of place", run->id, run->level);
		*tables += run->tables_count;
		if (*tables > RT_MANIFEST_TABLES_MAX)
			return rt_err_set(err, RT_EDAMAGED,
			    "M2: too many tables");
		code = check_run(m, run, &lowest, &highest, err);
		if (code != RT_OK)
			return code;
		if (highest >= level0_lowest)
			return rt_err_set(err, RT_EDAMAGED,
			    "M6: run %" PRIu64 " of level %" PRIu32
			    " holds sequence %" PRIu64 ", a newer run %" PRIu64,
			    run->id, run->level, highest, level0_lowest);
		if (run->level == 0)
			level0_lowest = lowest;
	}
	return RT_OK;
}

static int
compare_ids(const void *a, const void *b)
{
	return rt_file_id_compare(*(const struct rt_file_id *)a,
	    *(const struct rt_file_id *)b);
}

static enum rt_code
check_file_ids(const struct rt_manifest *m, size_t tables, struct rt_err *err)
{
	struct rt_file_id *ids = rt_alloc_zero(tables + m->obsolete_count + 1,
	    sizeof(*ids));
	char name[RT_PATH_NAME_BYTES];
	enum rt_code code = RT_OK;
	size_t count = 0;

	for (size_t i = 0; i < m->runs_count; i++) {
		for (size_t j = 0; j < m->runs[i].tables_count; j++)
			ids[count++] = m->runs[i].tables[j].id;
	}
	for (size_t i = 0; i < m->obsolete_count && code == RT_OK; i++) {
		ids[count++] = m->obsolete[i];
		code = check_file_id(m, m->obsolete[i], err);
	}
	qsort(ids, count, sizeof(*ids), compare_ids);
	for (size_t i = 1; i < count && code == RT_OK; i++) {
		if (rt_file_id_equal(ids[i - 1], ids[i]))
			code = rt_err_set(err, RT_EDAMAGED,
			    "M7: %s is listed twice",
			    rt_path_table(name, ids[i]));
	}
	free(ids);
	return code;
}

static enum rt_code
check_run_ids(const struct rt_manifest *m, struct rt_err *err)
{
	uint64_t *ids = rt_alloc_zero(m->runs_count + 1, sizeof(*ids));
	enum rt_code code = RT_OK;

	for (size_t i = 0; i < m->runs_count; i++)
		ids[i] = m->runs[i].id;
	qsort(ids, m->runs_count, sizeof(*ids), compare_u64);
	for (size_t i = 0; i < m->runs_count && code == RT_OK; i++) {
		if (ids[i] == 0 || ids[i] >= m->next_run_id ||
		    (i > 0 && ids[i - 1] == ids[i]))
			code = rt_err_set(err, RT_EDAMAGED,
			    "M9: run id %" PRIu64 " is used twice or was "
			    "never given out", ids[i]);
	}
	free(ids);
	return code;
}

enum rt_code
rt_manifest_check(const struct rt_manifest *manifest, struct rt_err *err)
{
	enum rt_code code;
	size_t tables = 0;

	code = check_root(manifest, err);
	if (code == RT_OK)
		code = check_lists(manifest, err);
	if (code == RT_OK)
		code = check_runs(manifest, &tables, err);
	if (code == RT_OK)
		code = check_file_ids(manifest, tables, err);
	if (code == RT_OK)
		code = check_run_ids(manifest, err);
	return code;
}
