/* cmd_info: what the server tells about itself. Thread: loop. */
#ifndef RIPTIDED_CMD_CMD_INFO_H
#define RIPTIDED_CMD_CMD_INFO_H

#include "libcommon/base/slice.h"
#include "libcommon/daemon/stats.h"
#include "riptided/cmd/server_state.h"

/* Append sections to out. sections: names between blanks, in any case; "" or
 * "default": those of Redis' default and ours; "all" and "everything": all.
 * Works while loading. Keys are counted as of the last INFO command. */
void rtd_info_collect(struct rtd_server_state *server,
    struct rt_slice sections, struct rt_stats *out);

/* Bytes of the whole process. Thread: loop, with an engine. */
struct rtd_info_memory {
	uint64_t used, peak;	/* of what was asked for; peak: as seen */
	uint64_t resident;
	uint64_t malloc_used, malloc_held;	/* of malloc alone */
	uint64_t memtables;
};

void rtd_info_memory(struct rtd_server_state *server,
    struct rtd_info_memory *out);

/* Wall clock of the newest manifest, or of the last SAVE or BGSAVE; the server's
 * start when there is none. */
int64_t rtd_info_last_save_ms(const struct rtd_server_state *server);

#endif
