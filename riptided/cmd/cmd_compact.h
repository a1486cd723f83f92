/* cmd_compact: clients that wait for what they asked the compactor for
 * (COMPACT WAIT). Thread: loop. */
#ifndef RIPTIDED_CMD_CMD_COMPACT_H
#define RIPTIDED_CMD_CMD_COMPACT_H

#include "riptided/cmd/server_state.h"

/* Ten times a second: answer those whose request is done, and let go of those
 * that have hung up. */
void rtd_compact_waits_tick(struct rtd_server_state *server);

/* We stop: everybody who waits is told so. */
void rtd_compact_waits_end(struct rtd_server_state *server);

#endif
