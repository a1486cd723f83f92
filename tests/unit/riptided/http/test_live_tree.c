#include "riptided/http/live_tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "libcommon/table/key.h"
#include "tests/support/draw_manifest.h"
#include "tests/support/runner.h"

static struct rtd_live_tree tree;

/* Returns the text. */
static const char *
draw(const char *text, bool show_keys)
{
	const struct rt_manifest *manifest = rtt_draw_manifest(text);

	ck_assert(rtd_live_tree_draw(&tree, manifest, show_keys));
	ck_assert(!rtd_live_tree_draw(&tree, manifest, show_keys));
	rt_manifest_unref(manifest);
	rt_buf_append_byte(&tree.text, '\0');
	tree.text.len--;
	return (const char *)tree.text.data;
}

static double
place_of(struct rt_slice user_key)
{
	uint8_t key[RT_KEY_PREFIX_BYTES + 64];

	rt_key_put_prefix(key, 0, RT_KEY_KIND_STRING);
	memcpy(key + RT_KEY_PREFIX_BYTES, user_key.data, user_key.len);
	return rtd_live_tree_place(&tree,
	    rt_slice(key, RT_KEY_PREFIX_BYTES + user_key.len));
}

static double
place(const char *user_key)
{
	return place_of(rt_slice_cstr(user_key));
}

START_TEST(a_tree_is_told_level_by_level)
{
	const char *text = draw("L0 d-4 a..m size=100 tombstones=3\n"
	    "L2 c1-7 a..f size=300\n"
	    "L2 c1-8 g..z size=200\n", false);

	ck_assert(strstr(text, "{\"level\":0,\"bytes\":100,\"tables\":1,"
	    "\"runs\":[[[\"d-4\",1,100,10,3,0.00000,0.48") != NULL);
	ck_assert(strstr(text, "{\"level\":1,\"bytes\":0,\"tables\":0,"
	    "\"runs\":[],\"more\":0}") != NULL);
	ck_assert(strstr(text, "{\"level\":2,\"bytes\":500,\"tables\":2,"
	    "\"runs\":[[[\"c1-7\",1,300,10,0,0.00000,") != NULL);
	ck_assert(strstr(text, "[\"c1-8\",1,200,10,0,0.24000,1.00000]]]") !=
	    NULL);
	rtd_live_tree_fini(&tree);
}
END_TEST

START_TEST(keys_are_told_only_when_asked_for)
{
	ck_assert(strstr(draw("L0 d-4 secret..token\n", false), "secret") ==
	    NULL);
	rtd_live_tree_fini(&tree);
	ck_assert(strstr(draw("L0 d-4 secret..token\n", true),
	    ",\"secret\",\"token\"]") != NULL);
	rtd_live_tree_fini(&tree);
}
END_TEST

START_TEST(numbers_lie_where_they_are)
{
	draw("L0 d-4 key:0000..key:9999\nL1 d-2 key:2500..key:7499\n", false);
	ck_assert_double_eq_tol(place("key:2500"), 0.25, 0.001);
	ck_assert_double_eq_tol(place("key:7499"), 0.75, 0.001);
	ck_assert_double_eq_tol(place("key:0"), 0, 1e-9);
	ck_assert_double_eq_tol(place("a"), 0, 1e-9);
	ck_assert_double_eq_tol(place("kez"), 1, 1e-9);
	ck_assert_double_eq_tol(place("key:x"), 1, 1e-9);
	rtd_live_tree_fini(&tree);
	draw("L0 d-4 0000..ffff\n", false);
	ck_assert_double_eq_tol(place("8000"), 0.5, 0.001);
	ck_assert_double_eq_tol(place("c000"), 0.75, 0.001);
	ck_assert_double_eq_tol(place("a000"), 0.625, 0.001);
	rtd_live_tree_fini(&tree);
}
END_TEST

START_TEST(places_never_fall_as_keys_rise)
{
	static const char bytes[] = { 0, '0', '5', '9', ':', 'A', 'a', 'c',
		'f', 'g', (char)255 };
	unsigned seed = (unsigned)getpid();
	struct rt_slice keys[2];
	char text[2][8];

	printf("# seed %u\n", seed);
	srand(seed);
	draw("L0 d-4 k0..kff9\nL0 d-3 k059..kc\nL1 d-2 k9..kaa\n", false);
	for (unsigned round = 0; round < 200000; round++) {
		for (size_t i = 0; i < 2; i++) {
			size_t len = 1 + (size_t)rand() % sizeof(text[i]);

			text[i][0] = 'k';
			for (size_t j = 1; j < len; j++)
				text[i][j] = bytes[(size_t)rand() %
				    sizeof(bytes)];
			keys[i] = rt_slice(text[i], len);
		}
		if (rt_slice_compare(keys[0], keys[1]) < 0)
			ck_assert(place_of(keys[0]) <=
			    place_of(keys[1]) + 1e-12);
	}
	rtd_live_tree_fini(&tree);
}
END_TEST

START_TEST(of_many_runs_the_newest_and_the_oldest_are_told)
{
	struct rt_buf text = { 0 };
	const char *got;

	for (unsigned i = 100; i > 0; i--)
		rt_buf_printf(&text, "L0 d-%u a..m seq=%u-%u\n", i, i, i);
	rt_buf_append_byte(&text, '\0');
	got = draw((const char *)text.data, false);
	ck_assert(strstr(got, "\"more\":60}") != NULL);
	ck_assert(strstr(got, "\"d-100\"") != NULL);
	ck_assert(strstr(got, "\"d-81\"") != NULL);
	ck_assert(strstr(got, "\"d-80\"") == NULL);
	ck_assert(strstr(got, "\"d-21\"") == NULL);
	ck_assert(strstr(got, "],[],[[\"d-20\"") != NULL);
	ck_assert(strstr(got, "\"d-1\"") != NULL);
	rtd_live_tree_fini(&tree);
	rt_buf_fini(&text);
}
END_TEST

START_TEST(neighbours_are_told_together_when_there_are_many)
{
	struct rt_buf text = { 0 };
	unsigned cells = 0;
	const char *at;

	for (unsigned i = 0; i < 190; i++)
		rt_buf_printf(&text, "L3 c1-%u %04ua..%04ub size=7\n", i + 1,
		    i, i);
	rt_buf_append_byte(&text, '\0');
	at = draw((const char *)text.data, false);
	ck_assert(strstr(at, "\"bytes\":1330,\"tables\":190,") != NULL);
	ck_assert(strstr(at, "[\"c1-1\",2,14,20,0,0.00000,") != NULL);
	while ((at = strstr(at, "[\"c1-")) != NULL) {
		at++;
		cells++;
	}
	ck_assert_uint_eq(cells, 95);
	rtd_live_tree_fini(&tree);
	rt_buf_fini(&text);
}
END_TEST

START_TEST(an_empty_tree_has_a_level)
{
	ck_assert(strstr(draw("", false), "\"levels\":[{\"level\":0,"
	    "\"bytes\":0,\"tables\":0,\"runs\":[],\"more\":0}]}") != NULL);
	ck_assert_double_eq_tol(place("a"), 0, 1e-9);
	rtd_live_tree_fini(&tree);
	ck_assert_double_eq_tol(place("a"), 0, 1e-9);
}
END_TEST

RTT_MAIN("live_tree", a_tree_is_told_level_by_level,
    keys_are_told_only_when_asked_for, numbers_lie_where_they_are,
    places_never_fall_as_keys_rise,
    of_many_runs_the_newest_and_the_oldest_are_told,
    neighbours_are_told_together_when_there_are_many,
    an_empty_tree_has_a_level)
