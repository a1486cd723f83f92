#include "riptided/net/client_memory.h"

#include "libcommon/base/invariant.h"
#include "riptided/net/floor.h"
#include "tests/support/runner.h"

#define BUDGET 1000

static struct rt_config config;
static struct rtd_server_state server;
static struct rtd_loop loop;
static struct rtd_conn conns[2];
static const struct rtd_conn *doomed;
static uint64_t pending;

/* The connections' part of this: they are memory and nothing else. */
uint64_t
rtd_conn_memory(const struct rtd_conn *conn)
{
	return conn->in.cap;
}

uint64_t
rtd_conn_pending(const struct rtd_conn *conn)
{
	return pending;
}

void
rtd_conn_doom(struct rtd_conn *conn)
{
	doomed = conn;
}

static uint64_t of_all_lanes;

uint64_t
rtd_lanes_client_memory(const struct rtd_server_state *state)
{
	return of_all_lanes;
}

static void
begin(void)
{
	server.config = &config;
	server.client_memory_max = BUDGET;
	server.clients = &conns[0].client;
	conns[0].client.next = &conns[1].client;
	loop.server = &server;
	conns[0].loop = conns[1].loop = &loop;
	rtd_client_memory_configure(&loop);
}

/* It holds so many bytes of input that is not yet a command. */
static void
hold(struct rtd_conn *conn, size_t bytes)
{
	rt_buf_fini(&conn->in);
	if (bytes != 0) {
		conn->in.data = rt_alloc_zero(1, bytes);
		conn->in.cap = conn->in.len = bytes;
	}
	rtd_client_memory_count(conn);
}

static void
end(void)
{
	rt_buf_fini(&conns[0].in);
	rt_buf_fini(&conns[1].in);
}

START_TEST(without_a_budget_all_may_go_on)
{
	config.proto_max_bulk_len = 77;
	begin();
	server.client_memory_max = 0;
	rtd_client_memory_configure(&loop);
	hold(&conns[0], 100 * BUDGET);
	ck_assert_uint_eq(loop.argument_max, 77);
	ck_assert(rtd_client_memory_allows(&conns[0]));
	ck_assert(rtd_client_memory_allows_input(&conns[1]));
	ck_assert(!rtd_client_memory_is_back(&loop));
	end();
}
END_TEST

START_TEST(above_the_budget_one_alone_may_go_on)
{
	begin();
	hold(&conns[0], BUDGET - 400);
	hold(&conns[1], 400);
	ck_assert(rtd_client_memory_allows(&conns[0]));
	hold(&conns[1], 401);
	ck_assert(rtd_client_memory_allows_input(&conns[1]));
	ck_assert(!rtd_client_memory_allows_input(&conns[0]));
	ck_assert(!rtd_client_memory_allows(&conns[0]));
	/* It runs no more before its replies are gone. */
	ck_assert(rtd_client_memory_allows(&conns[1]));
	pending = 1;
	ck_assert(!rtd_client_memory_allows(&conns[1]));
	ck_assert(!rtd_client_memory_is_back(&loop));
	hold(&conns[1], 0);
	ck_assert(rtd_client_memory_is_back(&loop));
	ck_assert(!rtd_client_memory_is_back(&loop));
	ck_assert(rtd_client_memory_allows(&conns[0]));
	end();
}
END_TEST

START_TEST(the_place_goes_on_when_nothing_moves_or_its_owner_leaves)
{
	begin();
	rtd_client_memory_tick(&loop);
	hold(&conns[0], 2 * BUDGET);
	ck_assert(rtd_client_memory_make_way(&conns[0]));
	conns[0].client.bytes_in = 5;
	rtd_client_memory_tick(&loop);
	ck_assert(!rtd_client_memory_make_way(&conns[1]));
	rtd_client_memory_tick(&loop);
	ck_assert(rtd_client_memory_make_way(&conns[1]));
	rtd_client_memory_forget(&conns[1]);
	ck_assert(rtd_client_memory_make_way(&conns[0]));
	rtd_client_memory_forget(&conns[0]);
	ck_assert_uint_eq(loop.memory, 0);
	end();
}
END_TEST

START_TEST(buffers_without_bytes_are_given_back_from_half_the_budget_on)
{
	begin();
	hold(&conns[0], BUDGET / 2);
	rt_buf_reserve(&conns[1].in, 100);
	rtd_client_memory_count(&conns[1]);
	ck_assert_uint_ge(conns[1].in.cap, 100);
	rtd_client_memory_count(&conns[1]);
	ck_assert_uint_eq(conns[1].in.cap, 0);
	ck_assert_uint_eq(loop.memory, BUDGET / 2);
	end();
}
END_TEST

START_TEST(loops_beside_each_other_share_what_is_left)
{
	struct rtd_floor floor = { .count = 4 };

	begin();
	hold(&conns[0], 100);
	/* As it was told at the end of the last turn. */
	atomic_store(&loop.lane.client_memory, 60);
	of_all_lanes = 260;
	loop.floor = &floor;
	rtd_client_memory_configure(&loop);
	ck_assert_uint_eq(loop.memory_max, 100 + (BUDGET - 300) / 4);
	server.client_memory_max = UINT64_MAX;
	rtd_client_memory_configure(&loop);
	ck_assert_uint_eq(loop.memory_max, UINT64_MAX);
	server.client_memory_max = BUDGET;
	/* Those of the others take all of it: nothing more comes in here, but
	 * nobody here is to blame. */
	of_all_lanes = 5 * BUDGET;
	rtd_client_memory_configure(&loop);
	ck_assert_uint_eq(loop.memory_max, 100);
	hold(&conns[0], 101);
	server.now_us = 1;
	rtd_client_memory_check_times(&loop);
	server.now_us += 20000000;
	rtd_client_memory_check_times(&loop);
	ck_assert_ptr_null(doomed);
	loop.floor = NULL;
	of_all_lanes = 0;
	hold(&conns[0], 0);
	end();
}
END_TEST

START_TEST(the_largest_is_closed_when_it_lasts)
{
	begin();
	hold(&conns[0], BUDGET);
	hold(&conns[1], BUDGET + 1);
	server.now_us = 1;
	rtd_client_memory_check_times(&loop);
	server.now_us += 9999999;
	rtd_client_memory_check_times(&loop);
	ck_assert_ptr_null(doomed);
	server.now_us++;
	rtd_client_memory_check_times(&loop);
	ck_assert_ptr_eq(doomed, &conns[1]);
	/* The next one has as long again. */
	doomed = NULL;
	rtd_client_memory_check_times(&loop);
	ck_assert_ptr_null(doomed);
	hold(&conns[1], 0);
	rtd_client_memory_check_times(&loop);
	ck_assert_uint_eq(loop.over_us, 0);
	end();
}
END_TEST

RTT_MAIN("client-memory", without_a_budget_all_may_go_on,
    above_the_budget_one_alone_may_go_on,
    the_place_goes_on_when_nothing_moves_or_its_owner_leaves,
    buffers_without_bytes_are_given_back_from_half_the_budget_on,
    loops_beside_each_other_share_what_is_left,
    the_largest_is_closed_when_it_lasts)
