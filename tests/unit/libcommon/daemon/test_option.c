#include "libcommon/daemon/option.h"

#include "tests/support/runner.h"

static size_t
distance(const char *a, const char *b)
{
	return rt_option_distance(rt_slice_cstr(a), rt_slice_cstr(b));
}

START_TEST(distance_counts_edits)
{
	char longer[100];

	ck_assert_uint_eq(distance("", ""), 0);
	ck_assert_uint_eq(distance("", "abc"), 3);
	ck_assert_uint_eq(distance("abc", ""), 3);
	ck_assert_uint_eq(distance("port", "prot"), 1);
	ck_assert_uint_eq(distance("port", "por"), 1);
	ck_assert_uint_eq(distance("port", "ports"), 1);
	ck_assert_uint_eq(distance("port", "part"), 1);
	ck_assert_uint_eq(distance("kitten", "sitting"), 3);
	ck_assert_uint_eq(distance("ca", "abc"), 3);
	memset(longer, 'x', sizeof(longer));
	ck_assert_uint_eq(rt_option_distance(rt_slice(longer, 65),
	    rt_slice_cstr("x")), SIZE_MAX);
}
END_TEST

START_TEST(near_names_are_found_and_others_not)
{
	static const struct {
		const char *typed;
		const char *meant;
	} rows[] = { { "prot", "port" }, { "max-clients", "maxclients" },
		{ "memtable_size", "memtable-size" },
		{ "requirepas", "requirepass" }, { "log-level", "loglevel" },
		{ "xy", NULL }, { "", NULL }, { "save", NULL },
		{ "maxmemory", NULL } };

	for (size_t i = 0; i < RT_COUNTOF(rows); i++) {
		const struct rt_option *near =
		    rt_option_near(rt_slice_cstr(rows[i].typed));

		if (rows[i].meant == NULL) {
			ck_assert_msg(near == NULL, "%s", rows[i].typed);
			continue;
		}
		ck_assert_msg(near != NULL, "%s", rows[i].typed);
		ck_assert_str_eq(near->name, rows[i].meant);
	}
}
END_TEST

START_TEST(defaults_are_within_what_is_allowed)
{
	struct rt_config config;

	rt_config_init(&config);
	for (size_t i = 0; i < rt_option_count(); i++) {
		const struct rt_option *option = rt_option_at(i);
		struct rt_buf value = { 0 };
		struct rt_err err = { 0 };

		ck_assert_uint_ne(option->who & RT_FOR_BOTH, 0);
		rt_option_print(option, &config, &value);
		ck_assert_msg(rt_option_set(option, &config,
			rt_buf_slice(&value), &err) == RT_OK, "%s: %s",
		    option->name, err.text);
		rt_buf_fini(&value);
	}
	rt_config_fini(&config);
}
END_TEST

START_TEST(names_are_unique_and_nearest_to_themselves)
{
	for (size_t i = 0; i < rt_option_count(); i++) {
		struct rt_slice name = rt_slice_cstr(rt_option_at(i)->name);

		ck_assert_ptr_eq(rt_option_find(name), rt_option_at(i));
		ck_assert_ptr_eq(rt_option_near(name), rt_option_at(i));
	}
}
END_TEST

START_TEST(sizes_are_printed_in_their_largest_unit)
{
	static const struct {
		const char *name;
		const char *size;
	} rows[] = { { "memtable-size", "64mb" }, { "block-size", "4kb" },
		{ "memory-limit", "0" },
		{ "client-query-buffer-limit", "128mb" } };

	for (size_t i = 0; i < RT_COUNTOF(rows); i++) {
		struct rt_buf value = { 0 };

		rt_option_print_default(
		    rt_option_find(rt_slice_cstr(rows[i].name)), &value);
		ck_assert(rt_slice_equal(rt_buf_slice(&value),
		    rt_slice_cstr(rows[i].size)));
		rt_buf_fini(&value);
	}
}
END_TEST

RTT_MAIN("option", distance_counts_edits, near_names_are_found_and_others_not,
    defaults_are_within_what_is_allowed,
    names_are_unique_and_nearest_to_themselves,
    sizes_are_printed_in_their_largest_unit)
