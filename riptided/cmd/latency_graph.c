/* Four rows, each of which tells three heights apart, so that a column has one
 * of twelve; below its top it is filled. Ages are written downwards. */
#include "riptided/cmd/latency_graph.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define ROWS 4
#define HEIGHTS_PER_ROW 3
#define COLUMNS_MAX 72
#define AGE_BYTES 8

struct columns {
	unsigned heights[COLUMNS_MAX];
	char ages[COLUMNS_MAX][AGE_BYTES];
	size_t count;
};

static void
put_age(char out[AGE_BYTES], int64_t age_s)
{
	if (age_s < 0)
		age_s = 0;
	if (age_s < 60)
		snprintf(out, AGE_BYTES, "%ds", (int)age_s);
	else if (age_s < 3600)
		snprintf(out, AGE_BYTES, "%dm", (int)(age_s / 60));
	else if (age_s < 86400)
		snprintf(out, AGE_BYTES, "%dh", (int)(age_s / 3600));
	else
		snprintf(out, AGE_BYTES, "%dd", (int)(age_s / 86400 % 100000));
}

static void
draw_row(const struct columns *columns, unsigned row, struct rt_buf *out)
{
	static const char tops[HEIGHTS_PER_ROW + 1] = "_-`";

	for (size_t i = 0; i < columns->count; i++) {
		unsigned height = columns->heights[i];
		char drawn = ' ';

		if (height / HEIGHTS_PER_ROW == row)
			drawn = tops[height % HEIGHTS_PER_ROW];
		else if (height / HEIGHTS_PER_ROW > row)
			drawn = '|';
		rt_buf_append_byte(out, (uint8_t)drawn);
	}
	rt_buf_append_byte(out, '\n');
}

/* The i-th letters of all ages; false: there are none. */
static bool
draw_ages(const struct columns *columns, size_t at, struct rt_buf *out)
{
	size_t before = out->len;
	bool any = false;

	for (size_t i = 0; i < columns->count; i++) {
		bool has = strlen(columns->ages[i]) > at;

		any = any || has;
		rt_buf_append_byte(out,
		    has ? (uint8_t)columns->ages[i][at] : ' ');
	}
	if (!any)
		out->len = before;
	else
		rt_buf_append_byte(out, '\n');
	return any;
}

void
rtd_latency_graph(const char *name, const struct rt_latency_series *series,
    int64_t now_s, struct rt_buf *out)
{
	size_t first = series->count > COLUMNS_MAX
	    ? series->count - COLUMNS_MAX : 0;
	uint64_t low = UINT64_MAX, high = 0;
	struct columns columns = { .count = series->count - first };

	for (size_t i = first; i < series->count; i++) {
		uint64_t ms = series->samples[i].ms;

		low = ms < low ? ms : low;
		high = ms > high ? ms : high;
	}
	for (size_t i = 0; i < columns.count; i++) {
		const struct rt_latency_sample *sample =
		    &series->samples[first + i];

		columns.heights[i] = (unsigned)((sample->ms - low) *
		    (ROWS * HEIGHTS_PER_ROW) / (high - low + 1));
		put_age(columns.ages[i], now_s - sample->at_s);
	}
	rt_buf_printf(out, "%s - high %" PRIu64 " ms, low %" PRIu64
	    " ms (all time high %" PRIu64 " ms)\n", name, high, low,
	    series->max_ms);
	for (unsigned row = ROWS; row-- > 0;)
		draw_row(&columns, row, out);
	for (size_t at = 0; draw_ages(&columns, at, out); at++)
		;
}
