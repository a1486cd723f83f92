#include "riptided/view/key_range.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/runner.h"

#define TABLES 5
#define KEY_BYTES_MAX 24

static uint64_t random_state;

static unsigned
draw(unsigned below)
{
	random_state = random_state * UINT64_C(6364136223846793005) + 1;
	return (unsigned)(random_state >> 33) % below;
}

/* Keys of few bytes, zeros among them, around the length of a head, so that
 * many have the same one. */
static struct rt_slice
draw_key(uint8_t *out)
{
	static const uint8_t bytes[] = { 0, 0, 1, 255 };
	size_t len = 12 + draw(KEY_BYTES_MAX - 12 + 1);

	memset(out, 's', 12);
	if (draw(4) == 0)
		len = draw(13);
	for (size_t i = 12; i < len; i++)
		out[i] = bytes[draw(sizeof(bytes))];
	return rt_slice(out, len);
}

static int
compare_keys(const void *a, const void *b)
{
	return rt_slice_compare(*(const struct rt_slice *)a,
	    *(const struct rt_slice *)b);
}

START_TEST(a_table_is_found_as_by_its_whole_keys)
{
	static uint8_t bytes[2 * TABLES][KEY_BYTES_MAX], bytes_of_key[64];
	const char *given = getenv("RTT_SEED");

	random_state = given != NULL ? strtoull(given, NULL, 10)
				     : (uint64_t)getpid() * 2654435761u;
	printf("# RTT_SEED=%llu\n", (unsigned long long)random_state);
	for (unsigned round = 0; round < 20000; round++) {
		struct rt_manifest_table tables[TABLES] = { { .size = 0 } };
		struct rt_manifest_run run = { .tables = tables };
		struct rtd_key_range ranges[TABLES];
		struct rt_slice ends[2 * TABLES], key = draw_key(bytes_of_key);
		size_t expected = 0, count = 1 + draw(TABLES);

		for (size_t i = 0; i < 2 * count; i++)
			ends[i] = draw_key(bytes[i]);
		qsort(ends, 2 * count, sizeof(ends[0]), compare_keys);
		run.tables_count = count;
		for (size_t i = 0; i < count; i++) {
			tables[i].smallest = ends[2 * i];
			tables[i].largest = ends[2 * i + 1];
			ranges[i] = rtd_key_range(&tables[i]);
		}
		while (expected < count &&
		    rt_slice_compare(tables[expected].largest, key) < 0)
			expected++;
		if (expected < count && rt_slice_compare(
			tables[expected].smallest, key) > 0)
			expected = count;
		ck_assert_uint_eq(rtd_key_range_find(ranges, &run, key,
		    rtd_key_head(key)), expected);
	}
}
END_TEST

RTT_MAIN("key_range", a_table_is_found_as_by_its_whole_keys)
