/* door: which way a client comes in. */
#ifndef RIPTIDED_NET_DOOR_H
#define RIPTIDED_NET_DOOR_H

#include <stdbool.h>

struct rtd_door {
	const char *unix_path;	/* NULL: TCP */
	bool tls;
};

#endif
