/* monitor: clients that said MONITOR are shown the commands of all, as they are
 * run; those of administration are not shown, passwords neither.
 * Thread: loop. */
#ifndef RIPTIDED_CMD_MONITOR_H
#define RIPTIDED_CMD_MONITOR_H

#include "riptided/cmd/command.h"

/* The call has run. Only when there are monitors. */
void rtd_monitor_show(const struct rtd_call *call);

#endif
