#include "riptide-compactd/quarantine.h"

#include <inttypes.h>
#include <stdlib.h>

#include "libcommon/base/invariant.h"
#include "libcommon/daemon/log.h"
#include "libcommon/table/table_reader.h"

void
rtc_quarantine_fini(struct rtc_quarantine *quarantine)
{
	free(quarantine->ids);
	*quarantine = (struct rtc_quarantine){ .count = 0 };
}

enum rt_code
rtc_quarantine_verify(struct rt_fs *fs, int sst,
    const struct rt_manifest *manifest, const struct rt_manifest_table *table,
    bool (*go_on)(void *arg), void *arg, struct rt_err *err)
{
	struct rt_table_expect expect = {
		.size = table->size,
		.unique_id = table->unique_id,
		.database_uuid = manifest->database_uuid,
	};
	struct rt_table_reader *reader = NULL;
	char name[RT_PATH_NAME_BYTES];
	uint64_t entries;
	enum rt_code code;

	code = rt_table_reader_open(&reader, fs, sst,
	    rt_path_table(name, table->id), &expect, NULL, NULL, err);
	if (code == RT_OK)
		code = rt_table_reader_verify_while(reader, table->crc32c,
		    go_on, arg, err);
	entries = code == RT_OK ? rt_table_reader_info(reader)->entries : 0;
	if (code == RT_OK && entries != table->entries)
		code = rt_err_set(err, RT_EDAMAGED, "it holds %" PRIu64
		    " entries, the manifest says %" PRIu64, entries,
		    table->entries);
	rt_table_reader_unref(reader);
	return code;
}

void
rtc_quarantine_add(struct rtc_quarantine *quarantine, struct rt_file_id id)
{
	if (quarantine->count == quarantine->cap) {
		quarantine->cap = quarantine->cap * 2 + 8;
		quarantine->ids = rt_realloc(quarantine->ids,
		    quarantine->cap * sizeof(quarantine->ids[0]));
	}
	quarantine->ids[quarantine->count++] = id;
}

bool
rtc_quarantine_has(const struct rtc_quarantine *quarantine,
    struct rt_file_id id)
{
	for (size_t i = 0; i < quarantine->count; i++)
		if (rt_file_id_equal(quarantine->ids[i], id))
			return true;
	return false;
}

bool
rtc_quarantine_inspect(struct rtc_quarantine *quarantine, struct rt_fs *fs,
    int sst, const struct rtc_job *job)
{
	size_t before = quarantine->count;
	char name[RT_PATH_NAME_BYTES];

	for (size_t i = 0; i < job->inputs_count; i++) {
		const struct rt_manifest_table *table = job->inputs[i];
		struct rt_err err = { .code = RT_OK };
		enum rt_code code = rtc_quarantine_verify(fs, sst,
		    job->manifest, table, NULL, NULL, &err);

		if (!rtc_quarantine_is_damage(code))
			continue;
		rtc_quarantine_add(quarantine, table->id);
		rt_log(RT_LOG_WARNING, "damage",
		    "table damaged: merges leave it out; see riptide check and "
		    "riptide repair", "table=%s error=\"%s\"",
		    rt_path_table(name, table->id), err.text);
	}
	return quarantine->count > before;
}
