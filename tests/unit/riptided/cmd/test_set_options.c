#include "riptided/cmd/set_options.h"

#include "libcommon/base/attr.h"
#include "tests/support/runner.h"

static bool
parse(const char *line, unsigned allowed, struct rtd_set_options *options)
{
	struct rt_slice argv[16];
	size_t argc = 0, len;

	for (; *line != '\0'; line += strspn(line, " ")) {
		len = strcspn(line, " ");
		argv[argc++] = rt_slice(line, len);
		line += len;
	}
	return rtd_set_options_parse(options, argv, argc, allowed);
}

START_TEST(set_takes_what_redis_takes)
{
	static const struct {
		const char *line;
		bool fits;
		unsigned flags;
	} rows[] = {
		{ "", true, 0 },
		{ "nx", true, RTD_SET_NX },
		{ "XX GET", true, RTD_SET_XX | RTD_SET_GET },
		{ "NX GET EX 5", true, RTD_SET_NX | RTD_SET_GET | RTD_SET_EX },
		{ "ex 5 Ex 6", true, RTD_SET_EX },
		{ "KEEPTTL XX", true, RTD_SET_KEEPTTL | RTD_SET_XX },
		{ "NX XX", false, 0 }, { "XX NX", false, 0 },
		{ "EX", false, 0 }, { "EX 5 PX 5", false, 0 },
		{ "EX 5 KEEPTTL", false, 0 }, { "KEEPTTL PXAT 5", false, 0 },
		{ "PERSIST", false, 0 }, { "EXX 5", false, 0 },
		{ "EXAT 5 PXAT 6", false, 0 }, { "N", false, 0 },
	};
	struct rtd_set_options options;

	for (size_t i = 0; i < RT_COUNTOF(rows); i++) {
		ck_assert_msg(parse(rows[i].line, RTD_SET_FOR_SET, &options) ==
		    rows[i].fits, "SET k v %s", rows[i].line);
		if (rows[i].fits)
			ck_assert_uint_eq(options.flags, rows[i].flags);
	}
	ck_assert(parse("EX 5 EX 77", RTD_SET_FOR_SET, &options));
	ck_assert(rt_slice_equal(options.time, rt_slice_cstr("77")));
}
END_TEST

START_TEST(getex_takes_times_and_persist_only)
{
	struct rtd_set_options options;

	ck_assert(parse("PERSIST", RTD_SET_FOR_GETEX, &options));
	ck_assert(parse("pxat 1", RTD_SET_FOR_GETEX, &options));
	ck_assert(!parse("PERSIST EX 1", RTD_SET_FOR_GETEX, &options));
	ck_assert(!parse("EX 1 PERSIST", RTD_SET_FOR_GETEX, &options));
	ck_assert(!parse("NX", RTD_SET_FOR_GETEX, &options));
	ck_assert(!parse("KEEPTTL", RTD_SET_FOR_GETEX, &options));
}
END_TEST

RTT_MAIN("set_options", set_takes_what_redis_takes,
    getex_takes_times_and_persist_only)
