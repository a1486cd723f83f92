#include "riptide-compactd/publisher.h"

#include <stdlib.h>

#include "libcommon/base/invariant.h"
#include "libcommon/os/crashpoint.h"
#include "libcommon/tree/table_entry.h"

#define MS_PER_S 1000

/* Of the inputs that meet the table the earliest time; if no tombstone there has
 * one, those that are left in it begin to age now: it is not known since when
 * they are, or they were values until now (R4). */
static uint64_t
tombstones_since_s(const struct rtc_job *job,
    const struct rt_manifest_table *table, uint64_t now_s)
{
	uint64_t since_s = 0;

	if (table->tombstones == 0)
		return 0;
	for (size_t i = 0; i < job->inputs_count; i++) {
		const struct rt_manifest_table *input = job->inputs[i];

		if (input->tombstones_since_s != 0 &&
		    (since_s == 0 || input->tombstones_since_s < since_s) &&
		    rt_slice_compare(input->smallest, table->largest) <= 0 &&
		    rt_slice_compare(input->largest, table->smallest) >= 0)
			since_s = input->tombstones_since_s;
	}
	return since_s != 0 ? since_s : now_s;
}

static void
add_replacement(struct rt_manifest_edit *edit, const struct rtc_job *job,
    const struct rtc_result *result, uint64_t now_s)
{
	struct rt_manifest_table *tables =
	    rt_alloc_zero(result->outputs_count, sizeof(tables[0]));
	struct rt_file_id *inputs = rtc_job_ids(job);

	for (size_t i = 0; i < result->outputs_count; i++) {
		tables[i] = rt_table_entry(result->outputs[i].id,
		    &result->outputs[i].info);
		tables[i].tombstones_since_s =
		    tombstones_since_s(job, &tables[i], now_s);
	}
	rt_manifest_edit_replace(edit, inputs, job->inputs_count,
	    job->target_level, tables, result->outputs_count);
	if (job->as_run)
		rt_manifest_edit_as_run(edit);
	free(inputs);
	free(tables);
}

/* An outcome that the store could not tell is told by the newest manifest: what
 * it does not contain can no longer come into it. */
static enum rt_code
look_for(const struct rtc_publisher *publisher,
    const struct rt_manifest_edit *edit, enum rt_code code, bool *unknown)
{
	const struct rt_manifest *newest = NULL;

	if (rt_manifest_store_load(publisher->store, &newest, NULL) != RT_OK)
		return code;
	*unknown = false;
	if (rt_manifest_edit_is_in(edit, newest))
		code = RT_OK;
	rt_manifest_unref(newest);
	return code;
}

enum rt_code
rtc_publisher_publish(const struct rtc_publisher *publisher,
    const struct rtc_job *job, const struct rtc_result *result, bool *unknown,
    struct rt_err *err)
{
	struct rt_manifest_edit *edit =
	    rt_manifest_edit_new(RT_ROLE_COMPACTOR, publisher->epoch);
	struct rt_expiry_reading reading = { .line_ms = 0 };
	enum rt_code code;

	if (publisher->clock != NULL) {
		rt_expiry_clock_read(publisher->clock, &reading);
		rt_manifest_edit_set_expiry_clock(edit, reading.line_ms,
		    &reading.mark);
	}
	if (job->kind == RTC_JOB_MOVE)
		rt_manifest_edit_move(edit, job->inputs[0]->id,
		    job->target_level);
	else
		add_replacement(edit, job, result,
		    reading.line_ms / MS_PER_S);
	*unknown = false;
	RT_CRASHPOINT("job-before-publish");
	code = rt_manifest_store_publish(publisher->store, edit, NULL, unknown,
	    err);
	RT_CRASHPOINT("job-published");
	if (code != RT_OK && *unknown)
		code = look_for(publisher, edit, code, unknown);
	rt_manifest_edit_free(edit);
	return code;
}

enum rt_code
rtc_publisher_answer(const struct rtc_publisher *publisher, uint64_t request,
    struct rt_err *err)
{
	struct rt_manifest_edit *edit =
	    rt_manifest_edit_new(RT_ROLE_COMPACTOR, publisher->epoch);
	enum rt_code code;

	rt_manifest_edit_answer(edit, request);
	code = rt_manifest_store_publish(publisher->store, edit, NULL, NULL,
	    err);
	RT_CRASHPOINT("request-answered");
	rt_manifest_edit_free(edit);
	return code;
}
