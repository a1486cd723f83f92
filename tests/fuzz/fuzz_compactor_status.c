/* fuzz_compactor_status: any bytes as the file COMPACTOR. What can be read is
 * saved and read again as the same. */
#include <stddef.h>
#include <stdint.h>

#include "libcommon/base/invariant.h"
#include "libcommon/manifest/compactor_status.h"
#include "libcommon/os/path.h"
#include "tests/fuzz/memory_files.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
expect_same_job(const struct rt_compactor_job *a,
    const struct rt_compactor_job *b)
{
	rt_assert(rt_job_outcome_name(a->outcome) ==
	    rt_job_outcome_name(b->outcome));
	rt_assert(a->number == b->number && a->began_ms == b->began_ms &&
	    a->took_ms == b->took_ms && a->inputs == b->inputs &&
	    a->outputs == b->outputs && a->source_level == b->source_level &&
	    a->target_level == b->target_level);
	rt_assert(a->bytes_in == b->bytes_in && a->bytes_out == b->bytes_out &&
	    a->versions_dropped == b->versions_dropped &&
	    a->tombstones_dropped == b->tombstones_dropped &&
	    a->expired_dropped == b->expired_dropped);
	rt_assert(strcmp(a->deed, b->deed) == 0 &&
	    strcmp(a->reason, b->reason) == 0);
}

static void
expect_same(const struct rt_compactor_status *a,
    const struct rt_compactor_status *b)
{
	rt_assert(a->epoch == b->epoch && a->pid == b->pid &&
	    a->running == b->running && a->started_ms == b->started_ms &&
	    a->last_publish_ms == b->last_publish_ms);
	rt_assert(a->jobs_done == b->jobs_done &&
	    a->bytes_read == b->bytes_read &&
	    a->bytes_written == b->bytes_written &&
	    a->debt_bytes == b->debt_bytes &&
	    a->tombstones_dropped == b->tombstones_dropped &&
	    a->versions_dropped == b->versions_dropped &&
	    a->expired_dropped == b->expired_dropped);
	rt_assert(strcmp(a->last_error, b->last_error) == 0);
	rt_assert(strcmp(a->job, b->job) == 0);
	rt_assert(strcmp(a->phase, b->phase) == 0);
	rt_assert(strcmp(a->sandbox, b->sandbox) == 0);
	rt_assert(a->jobs_running == b->jobs_running &&
	    a->job_bytes_done == b->job_bytes_done &&
	    a->job_bytes_total == b->job_bytes_total &&
	    a->bytes_per_s == b->bytes_per_s &&
	    a->jobs_failed == b->jobs_failed &&
	    a->level0_bytes == b->level0_bytes &&
	    a->merged_bytes == b->merged_bytes &&
	    a->jobs_ever == b->jobs_ever);
	rt_assert(a->history_count == b->history_count &&
	    a->history_count <= RT_COMPACTOR_JOBS_MAX);
	for (size_t i = 0; i < a->history_count; i++)
		expect_same_job(&a->history[i], &b->history[i]);
	rt_assert(rt_compactor_eta_s(a) == rt_compactor_eta_s(b));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rt_compactor_status status, again;
	struct rtt_memory_files files;
	struct rt_err err = { 0 };

	rtt_memory_files_init(&files);
	rt_buf_append(rtt_memory_files_add(&files, RT_PATH_COMPACTOR_STATUS),
	    data, size);
	if (rt_compactor_status_load(&files.fs, 0, &status, &err) == RT_OK) {
		rt_assert(rt_compactor_status_save(&files.fs, 0, &status,
			NULL) == RT_OK);
		rt_assert(rt_compactor_status_load(&files.fs, 0, &again,
			NULL) == RT_OK);
		expect_same(&status, &again);
	} else {
		rt_assert(err.code == RT_EDAMAGED);
	}
	rtt_memory_files_fini(&files);
	return 0;
}
