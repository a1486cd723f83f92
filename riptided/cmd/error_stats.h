/* error_stats: error replies counted by their first word, for INFO Errorstats.
 * The words are ours, so they are few. Thread: loop. */
#ifndef RIPTIDED_CMD_ERROR_STATS_H
#define RIPTIDED_CMD_ERROR_STATS_H

#include <stddef.h>
#include <stdint.h>

#include "libcommon/base/slice.h"

#define RTD_ERROR_KINDS_MAX 32
#define RTD_ERROR_WORD_BYTES 24

struct rtd_error_count {
	char word[RTD_ERROR_WORD_BYTES];	/* NUL-ended */
	uint64_t count;
};

/* Inert when zeroed. */
struct rtd_error_stats {
	struct rtd_error_count kinds[RTD_ERROR_KINDS_MAX];
	size_t used;
};

/* Count one error. line: the reply without "-": its word ends at a blank or a
 * CR. Words beyond the table's size are not kept apart: they count as the
 * last one. */
void rtd_error_stats_count(struct rtd_error_stats *stats, struct rt_slice line);

#endif
