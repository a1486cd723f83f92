/* Tables are taken in the order of their unique ids, which are random: a table
 * that is made during a pass is as likely to be looked at in it as not, and was
 * read back when it was made in any case. */
#include "riptide-compactd/scrub.h"

#include <stdio.h>

#include "libcommon/daemon/log.h"
#include "libcommon/os/path.h"

#define BYTES_PER_S UINT64_C(16000000)
#define NS_PER_S UINT64_C(1000000000)
#define MS_PER_S 1000

/* The table behind `position`, or NULL. */
static const struct rt_manifest_table *
next_table(const struct rt_manifest *manifest,
    const struct rtc_quarantine *quarantine, uint64_t position)
{
	const struct rt_manifest_table *next = NULL;

	for (size_t i = 0; i < manifest->runs_count; i++) {
		const struct rt_manifest_run *run = &manifest->runs[i];

		for (size_t j = 0; j < run->tables_count; j++) {
			const struct rt_manifest_table *table = &run->tables[j];

			if (table->unique_id > position && (next == NULL ||
				table->unique_id < next->unique_id) &&
			    !rtc_quarantine_has(quarantine, table->id))
				next = table;
		}
	}
	return next;
}

static bool
is_due(struct rtc_scrub *scrub, uint64_t interval_s, bool *worked)
{
	struct rt_compactor_status *status = scrub->status;
	int64_t now_ms = rt_clock_wall_ms(scrub->clock);

	if (interval_s == 0 ||
	    rt_clock_monotonic_ns(scrub->clock) < scrub->not_before_ns)
		return false;
	if (status->scrub_position != 0)
		return true;
	/* The first interval begins with the first compactor; one that lies
	 * in the future by a clock that was wrong begins now. */
	if (status->scrub_began_ms == 0 || status->scrub_began_ms > now_ms) {
		status->scrub_began_ms = now_ms;
		*worked = true;
		return false;
	}
	if (now_ms - status->scrub_began_ms < (int64_t)interval_s * MS_PER_S)
		return false;
	status->scrub_began_ms = now_ms;
	status->scrub_tables = 0;
	return true;
}

static void
finish(struct rtc_scrub *scrub)
{
	struct rt_compactor_status *status = scrub->status;

	status->scrub_position = 0;
	status->scrub_finished_ms = rt_clock_wall_ms(scrub->clock);
	rt_log(RT_LOG_NOTICE, "scrub", "all tables were read",
	    "tables=%llu damaged=%zu",
	    (unsigned long long)status->scrub_tables,
	    scrub->quarantine->count);
}

/* Is the table still part of the newest manifest? */
static bool
is_listed(struct rtc_scrub *scrub, struct rt_file_id id)
{
	const struct rt_manifest *newest = NULL;
	bool listed = true;

	if (rt_manifest_store_load(scrub->store, &newest, NULL) == RT_OK)
		listed = rt_manifest_find(newest, id, NULL) != NULL;
	rt_manifest_unref(newest);
	return listed;
}

static void
tell(struct rtc_scrub *scrub, const struct rt_manifest_table *table,
    enum rt_code code, const struct rt_err *err)
{
	struct rt_compactor_status *status = scrub->status;
	char name[RT_PATH_NAME_BYTES];

	rt_path_table(name, table->id);
	if (!rtc_quarantine_is_damage(code)) {
		rt_log(RT_LOG_WARNING, "scrub", "table not read",
		    "table=%s error=\"%s\"", name, err->text);
		return;
	}
	/* One that was merged away meanwhile is nobody's loss. */
	if (!is_listed(scrub, table->id))
		return;
	rtc_quarantine_add(scrub->quarantine, table->id);
	status->damaged_tables = scrub->quarantine->count;
	snprintf(status->last_error, sizeof(status->last_error), "%.255s",
	    err->text);
	rt_log(RT_LOG_WARNING, "scrub",
	    "table damaged: merges leave it out; see riptide check and riptide "
	    "repair", "table=%s error=\"%s\"", name, err->text);
}

enum rt_code
rtc_scrub_step(struct rtc_scrub *scrub, uint64_t interval_s, bool *worked,
    struct rt_err *err)
{
	struct rt_compactor_status *status = scrub->status;
	const struct rt_manifest *manifest = NULL;
	const struct rt_manifest_table *table;
	struct rt_err why = { .code = RT_OK };
	enum rt_code code, found;

	*worked = false;
	if (!is_due(scrub, interval_s, worked))
		return RT_OK;
	code = rt_manifest_store_load(scrub->store, &manifest, err);
	if (code != RT_OK)
		return code;
	*worked = true;
	table = next_table(manifest, scrub->quarantine,
	    status->scrub_position);
	if (table == NULL) {
		finish(scrub);
		goto out;
	}
	found = rtc_quarantine_verify(scrub->fs, scrub->sst, manifest, table,
	    scrub->go_on, scrub->arg, &why);
	if (found == RT_ESTOPPED) {
		code = rt_err_set(err, found, "%s", why.text);
		goto out;
	}
	if (found != RT_OK)
		tell(scrub, table, found, &why);
	status->scrub_position = table->unique_id;
	status->scrub_tables++;
	scrub->not_before_ns = rt_clock_monotonic_ns(scrub->clock) +
	    table->size * NS_PER_S / BYTES_PER_S;
out:
	rt_manifest_unref(manifest);
	return code;
}
