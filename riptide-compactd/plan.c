#include "riptide-compactd/plan.h"

#include <stdio.h>
#include <stdlib.h>

#include "libcommon/base/invariant.h"
#include "riptide-compactd/database.h"
#include "riptide-compactd/limits.h"

/* Numbers that no file will ever have. */
#define PRETENDED_FROM (UINT64_C(1) << 60)

/* *manifest becomes the one after the edit, in memory only. */
static enum rt_code
pretend_edit(const struct rt_manifest_edit *edit,
    const struct rt_manifest **manifest, struct rt_err *err)
{
	const struct rt_manifest *next = NULL;
	enum rt_code code = rt_manifest_edit_apply(edit, *manifest, &next, err);

	if (code != RT_OK)
		return code;
	rt_manifest_unref(*manifest);
	*manifest = next;
	return RT_OK;
}

static enum rt_code
pretend_claim(const struct rt_manifest **manifest, struct rt_err *err)
{
	struct rt_manifest_edit *edit =
	    rt_manifest_edit_new(RT_ROLE_COMPACTOR, 0);
	enum rt_code code;

	rt_manifest_edit_claim(edit, RTC_FEATURES);
	code = pretend_edit(edit, manifest, err);
	rt_manifest_edit_free(edit);
	return code;
}

/* The manifest as it will be when the job is done, as far as can be told: what
 * it writes stands there as one table of a name that no file has. */
static enum rt_code
pretend(const struct rtc_job *job, uint64_t number,
    const struct rt_manifest **manifest, struct rt_err *err)
{
	const struct rt_manifest *before = *manifest;
	struct rt_manifest_edit *edit = rt_manifest_edit_new(
	    RT_ROLE_COMPACTOR, before->compactor_epoch);
	struct rt_manifest_table output = *job->inputs[0];
	enum rt_code code;

	output.id = (struct rt_file_id){ before->compactor_epoch, number };
	output.size = job->input_bytes;
	output.tombstones = output.older_versions = 0;
	output.expire_min_ms = output.expire_max_ms = 0;
	rtc_job_range(job, &output.smallest, &output.largest);
	for (size_t i = 0; i < job->inputs_count; i++) {
		const struct rt_manifest_table *input = job->inputs[i];

		if (input->min_seq < output.min_seq)
			output.min_seq = input->min_seq;
		if (input->max_seq > output.max_seq)
			output.max_seq = input->max_seq;
	}
	if (job->kind == RTC_JOB_MOVE) {
		rt_manifest_edit_move(edit, job->inputs[0]->id,
		    job->target_level);
	} else {
		struct rt_file_id *ids = rtc_job_ids(job);

		rt_manifest_edit_replace(edit, ids, job->inputs_count,
		    job->target_level, &output,
		    job->kind == RTC_JOB_DISCARD ? 0 : 1);
		free(ids);
	}
	code = pretend_edit(edit, manifest, err);
	rt_manifest_edit_free(edit);
	return code;
}

static bool
takes_pretended(const struct rtc_job *job)
{
	for (size_t i = 0; i < job->inputs_count; i++)
		if (job->inputs[i]->id.number >= PRETENDED_FROM)
			return true;
	return false;
}

/* Print the jobs one after the other, as long as they take only tables that
 * are there now: what comes after depends on what is written. */
static enum rt_code
print_jobs(const struct rt_config *config, const struct rtc_limits *limits,
    const struct rt_manifest **at, struct rt_err *err)
{
	uint64_t number = PRETENDED_FROM;
	enum rt_code code = RT_OK;
	struct rtc_job job;
	char line[256];

	while (code == RT_OK && !rtc_limits_forbid_all(config, limits) &&
	    rtc_picker_pick(*at, limits, &job)) {
		bool pretended = takes_pretended(&job);

		if (!pretended) {
			puts(rtc_job_print(&job, line, sizeof(line)));
			code = pretend(&job, number++, at, err);
		}
		rtc_job_fini(&job);
		if (pretended)
			break;
	}
	if (code == RT_OK && number == PRETENDED_FROM)
		puts("nothing is due");
	return code;
}

enum rt_code
rtc_plan_print(struct rt_fs *fs, struct rt_clock *clock,
    const struct rt_config *config, bool full, struct rt_err *err)
{
	const struct rt_manifest *manifest = NULL;
	struct rt_expiry_clock expiry;
	struct rtc_database database;
	struct rtc_limits limits;
	enum rt_code code;

	code = rtc_database_open(&database, fs, config, err);
	if (code == RT_OK)
		code = rt_manifest_store_load(database.store, &manifest, err);
	if (code == RT_OK)
		code = pretend_claim(&manifest, err);
	if (code == RT_OK) {
		rt_expiry_clock_init(&expiry, clock, &manifest->clock_mark,
		    manifest->expiry_clock_ms);
		limits = rtc_limits_now(config, full, clock, &expiry, manifest);
		rt_expiry_clock_fini(&expiry);
		code = print_jobs(config, &limits, &manifest, err);
	}
	rt_manifest_unref(manifest);
	rtc_database_close(&database);
	return code;
}
