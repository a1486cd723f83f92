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
