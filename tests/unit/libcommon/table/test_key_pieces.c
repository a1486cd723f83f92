#include "libcommon/table/key_pieces.h"

#include "libcommon/base/invariant.h"
#include "tests/support/runner.h"
#include "tests/unit/libcommon/table/table_model.h"

#define LEN_MAX 40

/* Of zeros and ones, often the beginning of the other. In memory of its size,
 * so that a sanitizer sees a step beyond it. */
static struct rt_buf
key_new(struct rtt_random *random, struct rt_slice other)
{
	size_t len = rtt_random_below(random, LEN_MAX);
	size_t same = rtt_random_below(random, LEN_MAX);
	struct rt_buf key = { .len = len, .cap = len };

	key.data = rt_alloc(len != 0 ? len : 1);
	for (size_t i = 0; i < len; i++)
		key.data[i] = i < same && i < other.len
		    ? other.data[i]
		    : (uint8_t)rtt_random_below(random, 2) * 0xff;
	return key;
}

static int
sign(int order)
{
	return (order > 0) - (order < 0);
}

START_TEST(pieces_compare_as_whole_keys_do)
{
	struct rtt_random random = rtt_random_new();

	for (size_t round = 0; round < 20000; round++) {
		struct rt_buf a_buf = key_new(&random, rt_slice(NULL, 0));
		struct rt_slice a = rt_buf_slice(&a_buf);
		struct rt_buf b_buf = key_new(&random, a);
		struct rt_slice b = rt_buf_slice(&b_buf);
		size_t shared = rt_slice_shared_prefix(a, b);

		ck_assert_int_eq(rt_key_pieces_equal(a, b),
		    rt_slice_equal(a, b));
		for (size_t from = 0; from <= shared;
		     from += RT_KEY_PIECE_BYTES)
			ck_assert_int_eq(rt_key_pieces_compare(a, b, from),
			    sign(rt_slice_compare(a, b)));
		rt_buf_fini(&a_buf);
		rt_buf_fini(&b_buf);
	}
}
END_TEST

START_TEST(copies_by_pieces_are_the_key)
{
	struct rtt_random random = rtt_random_new();

	for (size_t round = 0; round < 20000; round++) {
		struct rt_buf a_buf = key_new(&random, rt_slice(NULL, 0));
		struct rt_slice a = rt_buf_slice(&a_buf);
		struct rt_buf b_buf = key_new(&random, a);
		struct rt_slice b = rt_buf_slice(&b_buf);
		struct rt_buf copy = { 0 };

		rt_key_pieces_copy(&copy, a, 0);
		ck_assert(rt_slice_equal(rt_buf_slice(&copy), a));
		rt_key_pieces_copy(&copy, b, rt_slice_shared_prefix(a, b));
		ck_assert(rt_slice_equal(rt_buf_slice(&copy), b));
		rt_buf_fini(&copy);
		rt_buf_fini(&a_buf);
		rt_buf_fini(&b_buf);
	}
}
END_TEST

RTT_MAIN("key_pieces", pieces_compare_as_whole_keys_do,
    copies_by_pieces_are_the_key)
