/* How a memory-limit is shared out. */
#include "riptided/engine/memory.h"

#include "tests/support/runner.h"

#define MIB (UINT64_C(1) << 20)

static struct rtd_memory_shares
shares_of(uint64_t limit, uint64_t memtable_size, uint64_t cache_size)
{
	struct rtd_memory_shares shares;
	struct rt_config config;

	rt_config_init(&config);
	config.memory_limit = limit;
	if (memtable_size != 0)
		config.memtable_size = memtable_size;
	if (cache_size != 0)
		config.block_cache_size = cache_size;
	rtd_memory_shares(&config, &shares);
	rt_config_fini(&config);
	return shares;
}

START_TEST(without_a_limit_the_sizes_hold_as_they_are)
{
	struct rtd_memory_shares shares = shares_of(0, 32 * MIB, 100 * MIB);

	ck_assert_uint_eq(shares.limit, 0);
	ck_assert_uint_eq(shares.memtable, 32 * MIB);
	ck_assert_uint_eq(shares.blocks, 100 * MIB);
	ck_assert_uint_eq(shares.tables_and_blocks, UINT64_MAX);
	ck_assert_uint_eq(shares.memtables, UINT64_MAX);
	ck_assert_uint_eq(shares.clients, UINT64_MAX);
	ck_assert_uint_eq(shares.argument, 64 * MIB);
}
END_TEST

START_TEST(parts_never_add_up_to_more_than_the_limit)
{
	for (uint64_t limit = 64 * MIB; limit <= 4096 * MIB;
	     limit += 7 * MIB + 12345) {
		struct rtd_memory_shares shares = shares_of(limit, 0, 0);

		ck_assert_uint_le(shares.memtables / 3 * 4 + shares.clients +
		    shares.tables_and_blocks, limit);
		ck_assert_uint_le(shares.blocks, shares.tables_and_blocks);
		ck_assert_uint_lt(shares.tables, shares.tables_and_blocks);
		/* All memtables, and one to come, fit in their part. */
		ck_assert_uint_le(shares.memtable * 5, shares.memtables);
		ck_assert_uint_le(shares.memtable, 64 * MIB);
		ck_assert_uint_ge(shares.memtable, 2 * MIB);
		ck_assert_uint_le(2 * shares.argument, shares.clients);
	}
}
END_TEST

START_TEST(cache_takes_all_that_is_left_unless_its_size_was_chosen)
{
	struct rtd_memory_shares left = shares_of(2048 * MIB, 0, 0);
	struct rtd_memory_shares chosen = shares_of(2048 * MIB, 0, 100 * MIB);
	struct rtd_memory_shares large = shares_of(64 * MIB, 0, 100 * MIB);

	ck_assert_uint_eq(left.blocks, 2048 * MIB / 16 * 9);
	ck_assert_uint_eq(chosen.blocks, 100 * MIB);
	ck_assert_uint_eq(large.blocks, 64 * MIB / 16 * 9);
}
END_TEST

START_TEST(memtable_size_is_an_upper_bound)
{
	ck_assert_uint_eq(shares_of(2048 * MIB, MIB, 0).memtable, MIB);
	ck_assert_uint_lt(shares_of(64 * MIB, 32 * MIB, 0).memtable, 4 * MIB);
}
END_TEST

START_TEST(tables_get_the_files_that_clients_leave)
{
	ck_assert_uint_eq(rtd_memory_open_tables(20000, 10000),
	    10000 - RTD_OTHER_FILES);
	ck_assert_uint_eq(rtd_memory_open_tables(1000, 10000),
	    RTD_OPEN_TABLES_MIN);
	ck_assert_uint_eq(rtd_memory_open_tables(0, 0), RTD_OPEN_TABLES_MIN);
}
END_TEST

RTT_MAIN("memory", without_a_limit_the_sizes_hold_as_they_are,
    parts_never_add_up_to_more_than_the_limit,
    cache_takes_all_that_is_left_unless_its_size_was_chosen,
    memtable_size_is_an_upper_bound, tables_get_the_files_that_clients_leave)
