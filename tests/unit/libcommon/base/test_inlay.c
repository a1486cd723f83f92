#include "libcommon/base/inlay.h"

#include "tests/support/runner.h"

/* The bulks that the test made and that are still held. */
static int alive;

static void
release(void *arg)
{
	alive--;
	ck_assert_str_eq(arg, "released");
}

static struct rt_bulk *
bulk_of(const char *text)
{
	static char arg[] = "released";

	alive++;
	return rt_bulk_wrap((const uint8_t *)text, strlen(text), release, arg);
}

/* Add all of a bulk that nobody else holds. */
static void
add(struct rt_inlays *inlays, size_t at, const char *text)
{
	struct rt_bulk *bulk = bulk_of(text);

	rt_inlays_add(inlays, at, rt_slice(bulk->data, bulk->len), bulk);
	rt_bulk_unref(bulk);
}

static void
assert_whole(const char *buffer, const struct rt_inlays *inlays,
    const char *want)
{
	struct rt_inlay_walk walk = {
		.buffer = rt_slice_cstr(buffer),
		.inlays = inlays,
	};
	struct rt_buf whole = { 0 };
	struct rt_slice piece;

	while (rt_inlay_walk_next(&walk, &piece)) {
		ck_assert_uint_ne(piece.len, 0);
		rt_buf_append_slice(&whole, piece);
	}
	ck_assert(rt_slice_equal(rt_buf_slice(&whole), rt_slice_cstr(want)));
	rt_buf_fini(&whole);
}

START_TEST(a_new_bulk_is_zeros_with_room_around)
{
	static const size_t sizes[] = { 0, 1, 4096, 5 << 20 };

	for (size_t i = 0; i < RT_COUNTOF(sizes); i++) {
		struct rt_bulk *bulk = rt_bulk_new(sizes[i]);

		ck_assert_ptr_nonnull(bulk);
		ck_assert_uint_eq(bulk->len, sizes[i]);
		for (size_t at = 0; at < sizes[i]; at += 1000)
			ck_assert_uint_eq(bulk->data[at], 0);
		memset(bulk->data - RT_BULK_FRONT_BYTES, 1,
		    RT_BULK_FRONT_BYTES + sizes[i] + RT_BULK_BEHIND_BYTES);
		ck_assert_uint_eq(bulk->len, sizes[i]);
		ck_assert_ptr_eq(rt_bulk_ref(bulk), bulk);
		rt_bulk_unref(bulk);
		ck_assert_uint_eq(bulk->data[-1], 1);
		rt_bulk_unref(bulk);
	}
	rt_bulk_unref(NULL);
}
END_TEST

START_TEST(a_wrapped_bulk_is_released_once_by_the_last)
{
	struct rt_bulk *bulk = bulk_of("x");

	rt_bulk_ref(bulk);
	rt_bulk_unref(bulk);
	ck_assert_int_eq(alive, 1);
	rt_bulk_unref(bulk);
	ck_assert_int_eq(alive, 0);
}
END_TEST

START_TEST(pieces_come_in_their_order)
{
	struct rt_inlays inlays = { 0 };

	assert_whole("", NULL, "");
	assert_whole("abc", NULL, "abc");
	assert_whole("abc", &inlays, "abc");
	add(&inlays, 0, "<0>");
	add(&inlays, 0, "<0b>");
	add(&inlays, 2, "");
	add(&inlays, 2, "<2>");
	add(&inlays, 3, "<3>");
	ck_assert_uint_eq(inlays.bytes, 13);
	assert_whole("abc", &inlays, "<0><0b>ab<2>c<3>");
	rt_inlays_fini(&inlays);
	ck_assert_int_eq(alive, 0);
	ck_assert_uint_eq(inlays.bytes, 0);
}
END_TEST

START_TEST(a_part_of_a_bulk_holds_all_of_it)
{
	struct rt_inlays inlays = { 0 };
	struct rt_bulk *bulk = bulk_of("abcdef");

	rt_inlays_add(&inlays, 1, rt_slice(bulk->data + 2, 2), bulk);
	rt_bulk_unref(bulk);
	ck_assert_int_eq(alive, 1);
	assert_whole("()", &inlays, "(cd)");
	rt_inlays_fini(&inlays);
	ck_assert_int_eq(alive, 0);
}
END_TEST

START_TEST(both_ends_can_be_dropped)
{
	struct rt_inlays inlays = { 0 };

	for (size_t at = 0; at < 6; at++)
		add(&inlays, at, "xy");
	rt_inlays_drop_first(&inlays, 2);
	ck_assert_int_eq(alive, 4);
	rt_inlays_shift(&inlays, 2);
	assert_whole("abcd", &inlays, "xyaxybxycxyd");
	rt_inlays_drop_last(&inlays, 1);
	ck_assert_int_eq(alive, 1);
	ck_assert_uint_eq(inlays.bytes, 2);
	assert_whole("abcd", &inlays, "xyabcd");
	rt_inlays_drop_first(&inlays, 1);
	ck_assert_ptr_null(inlays.items);
	ck_assert_int_eq(alive, 0);
}
END_TEST

START_TEST(moving_keeps_places_and_references)
{
	struct rt_inlays to = { 0 }, from = { 0 };

	rt_inlays_move(&to, &from, 7);
	ck_assert_uint_eq(to.count, 0);
	add(&to, 1, "[1]");
	add(&from, 0, "[2]");
	add(&from, 1, "[3]");
	rt_inlays_move(&to, &from, 2);
	ck_assert_uint_eq(from.count, 0);
	ck_assert_int_eq(alive, 3);
	assert_whole("abc", &to, "a[1]b[2]c[3]");
	ck_assert_uint_eq(to.bytes, 9);
	rt_inlays_fini(&to);
	rt_inlays_fini(&from);
	ck_assert_int_eq(alive, 0);
}
END_TEST

RTT_MAIN("inlay", a_new_bulk_is_zeros_with_room_around,
    a_wrapped_bulk_is_released_once_by_the_last, pieces_come_in_their_order,
    a_part_of_a_bulk_holds_all_of_it, both_ends_can_be_dropped,
    moving_keeps_places_and_references)
