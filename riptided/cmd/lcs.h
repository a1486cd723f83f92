/* lcs: the longest common subsequence of two strings, as Redis tells it where
 * there are several. Pure. Thread: any. */
#ifndef RIPTIDED_CMD_LCS_H
#define RIPTIDED_CMD_LCS_H

#include <stdbool.h>

#include "libcommon/base/buf.h"

/* Bytes of the table that it needs. False: more than 64 bits can say. */
bool rtd_lcs_table_bytes(size_t a_len, size_t b_len, uint64_t *bytes);

/* A run of equal bytes that belongs to it: from a_at in a and b_at in b. */
struct rtd_lcs_range {
	size_t a_at, b_at, len;
};

struct rtd_lcs {
	size_t len;
	struct rt_buf common;	/* the bytes themselves; owned */
	struct rt_buf ranges;	/* struct rtd_lcs_range, last first; owned */
};

/* False: there is no memory for the table. lcs is inert when zeroed. */
bool rtd_lcs_find(struct rt_slice a, struct rt_slice b, struct rtd_lcs *lcs);
void rtd_lcs_fini(struct rtd_lcs *lcs);

#endif
