/* output_limits: how much a client may leave unread. Thread: any. */
#ifndef RIPTIDED_NET_OUTPUT_LIMITS_H
#define RIPTIDED_NET_OUTPUT_LIMITS_H

#include <stdbool.h>
#include <stdint.h>

/* Replicas are none of ours. */
enum rtd_output_class {
	RTD_OUTPUT_NORMAL,
	RTD_OUTPUT_PUBSUB,	/* who is subscribed to something */
	RTD_OUTPUT_CLASSES
};

struct rtd_output_limits {
	uint64_t hard_bytes;	/* close above; 0: no limit */
	uint64_t soft_bytes;	/* read no more commands above; 0: no limit */
	uint32_t soft_seconds;	/* close when it lasts longer; 0: never */
};

/* The classes of client-output-buffer-limit: any number of "class hard soft
 * seconds"; pubsub has the limits of normal when it is missing. False, limits
 * untouched: not well formed, or normal is missing. */
bool rtd_output_limits_parse(const char *text,
    struct rtd_output_limits limits[RTD_OUTPUT_CLASSES]);

#endif
