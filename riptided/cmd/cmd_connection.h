/* cmd_connection: names and versions that HELLO, CLIENT and INFO share.
 * Thread: loop. */
#ifndef RIPTIDED_CMD_CMD_CONNECTION_H
#define RIPTIDED_CMD_CMD_CONNECTION_H

#include "riptided/cmd/call.h"

/* The Redis whose words we speak; clients switch features by it. */
#define RTD_REDIS_VERSION "7.2.0"

/* Copy a name that a client gives itself. False: bytes other than '!' to '~',
 * or too long; out is untouched. */
bool rtd_client_set_text(char out[RTD_CLIENT_NAME_BYTES], struct rt_slice text);
/* what: "Client names". */
void rtd_client_name_error(struct rtd_call *call, const char *what);

#endif
