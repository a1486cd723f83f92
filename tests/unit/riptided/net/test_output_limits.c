#include "riptided/net/output_limits.h"

#include "tests/support/runner.h"

START_TEST(the_classes_of_clients_count)
{
	struct rtd_output_limits limits[RTD_OUTPUT_CLASSES] = { 0 };

	ck_assert(rtd_output_limits_parse(
	    "pubsub 32mb 8mb 60 normal 256mb 64mb 30 replica 0 0 0", limits));
	ck_assert_uint_eq(limits[RTD_OUTPUT_NORMAL].hard_bytes, 256u << 20);
	ck_assert_uint_eq(limits[RTD_OUTPUT_NORMAL].soft_bytes, 64u << 20);
	ck_assert_uint_eq(limits[RTD_OUTPUT_NORMAL].soft_seconds, 30);
	ck_assert_uint_eq(limits[RTD_OUTPUT_PUBSUB].hard_bytes, 32u << 20);
	ck_assert_uint_eq(limits[RTD_OUTPUT_PUBSUB].soft_bytes, 8u << 20);
	ck_assert_uint_eq(limits[RTD_OUTPUT_PUBSUB].soft_seconds, 60);
	/* Without limits of their own subscribers have those of all. */
	ck_assert(rtd_output_limits_parse("normal 3mb 2mb 1", limits));
	ck_assert_uint_eq(limits[RTD_OUTPUT_PUBSUB].hard_bytes, 3u << 20);
}
END_TEST

START_TEST(what_is_not_well_formed_changes_nothing)
{
	static const char *const refused[] = { "", "normal", "normal 1 2",
		"normal 1 2 x", "pubsub 1 2 3", "other 1 2 3 normal 1 2 3",
		"normal -1 2 3", "normal 1 2 3 4" };
	struct rtd_output_limits limits[RTD_OUTPUT_CLASSES] = { { 7, 7, 7 },
		{ 7, 7, 7 } };

	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		ck_assert_msg(!rtd_output_limits_parse(refused[i], limits),
		    "%s was taken", refused[i]);
	ck_assert_uint_eq(limits[RTD_OUTPUT_NORMAL].hard_bytes, 7);
	ck_assert_uint_eq(limits[RTD_OUTPUT_PUBSUB].soft_seconds, 7);
}
END_TEST

RTT_MAIN("output_limits", the_classes_of_clients_count,
    what_is_not_well_formed_changes_nothing)
