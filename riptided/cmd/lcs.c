/* The table has for each i and j the length for the first i bytes of a and the
 * first j of b; the way back through it, from its last corner, gives the bytes.
 * Where a byte may be left out on either side, it is left out of b unless that
 * costs something. */
#include "riptided/cmd/lcs.h"

#include <stdlib.h>
#include <string.h>

#include "libcommon/base/invariant.h"

bool
rtd_lcs_table_bytes(size_t a_len, size_t b_len, uint64_t *bytes)
{
	return !__builtin_mul_overflow((uint64_t)a_len + 1,
		   (uint64_t)b_len + 1, bytes) &&
	    !__builtin_mul_overflow(*bytes, sizeof(uint32_t), bytes);
}

static void
fill(uint32_t *table, struct rt_slice a, struct rt_slice b)
{
	size_t width = b.len + 1;

	memset(table, 0, width * sizeof(*table));
	for (size_t i = 1; i <= a.len; i++) {
		const uint32_t *above = table + (i - 1) * width;
		uint32_t *row = table + i * width;

		row[0] = 0;
		for (size_t j = 1; j <= b.len; j++) {
			if (a.data[i - 1] == b.data[j - 1])
				row[j] = above[j - 1] + 1;
			else
				row[j] = above[j] > row[j - 1] ? above[j] :
				    row[j - 1];
		}
	}
}

static void
note_range(struct rtd_lcs *lcs, size_t a_at, size_t b_at, size_t len)
{
	const struct rtd_lcs_range range = { a_at, b_at, len };

	if (len != 0)
		rt_buf_append(&lcs->ranges, &range, sizeof(range));
}

static void
go_back(const uint32_t *table, struct rt_slice a, struct rt_slice b,
    struct rtd_lcs *lcs)
{
	size_t width = b.len + 1, i = a.len, j = b.len, run = 0;
	size_t left = lcs->len;

	while (i > 0 && j > 0) {
		if (a.data[i - 1] == b.data[j - 1]) {
			lcs->common.data[--left] = a.data[--i];
			j--;
			run++;
			continue;
		}
		note_range(lcs, i, j, run);
		run = 0;
		if (table[(i - 1) * width + j] > table[i * width + j - 1])
			i--;
		else
			j--;
	}
	note_range(lcs, i, j, run);
}

bool
rtd_lcs_find(struct rt_slice a, struct rt_slice b, struct rtd_lcs *lcs)
{
	uint64_t bytes;
	uint32_t *table;

	*lcs = (struct rtd_lcs){ 0 };
	if (!rtd_lcs_table_bytes(a.len, b.len, &bytes))
		return false;
	table = rt_try_alloc((size_t)bytes);
	if (table == NULL)
		return false;
	fill(table, a, b);
	lcs->len = table[a.len * (b.len + 1) + b.len];
	rt_buf_reserve(&lcs->common, lcs->len + 1);
	lcs->common.len = lcs->len;
	go_back(table, a, b, lcs);
	free(table);
	return true;
}

void
rtd_lcs_fini(struct rtd_lcs *lcs)
{
	rt_buf_fini(&lcs->common);
	rt_buf_fini(&lcs->ranges);
}
