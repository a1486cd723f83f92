/* fuzz_engine: any bytes as a row of operations for the engine and the
 * compactor: writes, reads, snapshots, flushes, compactions, restarts and kills,
 * held against a plain array (engine_subject.h). TMPDIR on a memory file system
 * makes it several times as fast. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "libcommon/base/invariant.h"
#include "libcommon/daemon/log.h"
#include "tests/model/engine_subject.h"

#define OPS_MAX 400

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char failure[RTT_FAILURE_BYTES];
	struct rtt_script script;
	bool differed;

	/* A disk that dies makes it warn; that is no news. */
	rt_log_set_level((enum rt_loglevel)(RT_LOG_WARNING + 1));
	rtt_script_read(&script, data, size, OPS_MAX);
	differed = rtt_engine_run(&script, failure);
	if (differed) {
		rtt_script_print(&script);
		printf("# %s\n", failure);
		fflush(stdout);
	}
	rt_assert(!differed);
	rtt_script_fini(&script);
	return 0;
}
