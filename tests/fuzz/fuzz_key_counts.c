/* fuzz_key_counts: any bytes as the section of key counts of a table. Every
 * sketch in it that can be read is written and read again as the same, and
 * uniting it with itself changes nothing. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "libcommon/base/invariant.h"
#include "libcommon/table/key_counts.h"

#define COUNTS_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
try_sketch(struct rt_slice stored)
{
	static struct rt_key_sketch sketch, again;
	struct rt_buf encoded = { 0 };

	memset(&sketch, 0, sizeof(sketch));
	if (!rt_key_sketch_merge_encoded(&sketch, stored))
		return;
	for (size_t i = 0; i < RT_KEY_SKETCH_REGISTERS; i++)
		rt_assert(sketch.registers[i] <= RT_KEY_SKETCH_RANK_MAX);
	rt_assert(rt_key_sketch_estimate(&sketch) >= 0);
	rt_key_sketch_encode(&sketch, &encoded);
	rt_assert(encoded.len <= RT_KEY_SKETCH_BYTES_MAX);
	memset(&again, 0, sizeof(again));
	rt_assert(rt_key_sketch_merge_encoded(&again,
	    rt_buf_slice(&encoded)));
	rt_assert(memcmp(&again, &sketch, sizeof(sketch)) == 0);
	rt_key_sketch_merge(&again, &sketch);
	rt_assert(memcmp(&again, &sketch, sizeof(sketch)) == 0);
	rt_buf_fini(&encoded);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rt_cursor cursor = rt_cursor(rt_slice(data, size));
	struct rt_key_count count;

	for (unsigned i = 0; i < COUNTS_MAX &&
	     rt_key_counts_next(&cursor, &count); i++) {
		try_sketch(count.live_sketch);
		try_sketch(count.dead_sketch);
	}
	try_sketch(rt_slice(data, size));
	return 0;
}
