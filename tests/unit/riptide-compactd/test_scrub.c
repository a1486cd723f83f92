/* The scrub on a database at rest, with a clock that is turned by hand. */
#include "riptide-compactd/scrub.h"

#include <string.h>

#include "libcommon/daemon/log.h"
#include "tests/support/runner.h"
#include "tests/unit/riptide-compactd/scratch_db.h"

#define INTERVAL_S 1000
#define TABLES 5

static struct rt_err err;
static int64_t wall_ms;
static uint64_t monotonic_ns;
static bool stop;
static unsigned asked;

static uint64_t
monotonic(struct rt_clock *clock)
{
	return monotonic_ns;
}

static int64_t
wall(struct rt_clock *clock)
{
	return wall_ms;
}

static struct rt_clock turned = { .monotonic_ns = monotonic,
	.wall_ms = wall };

static bool
go_on(void *arg)
{
	asked++;
	return !stop;
}

struct fixture {
	struct rtt_db db;
	struct rt_compactor_status status;
	struct rtc_quarantine quarantine;
	struct rtc_scrub scrub;
};

static void
init(struct fixture *f)
{
	*f = (struct fixture){ .status = { .epoch = 1 } };
	rt_log_set_level(RT_LOG_WARNING);
	wall_ms = 1000000000;
	monotonic_ns = 1;
	stop = false;
	rtt_db_init(&f->db);
	for (uint64_t i = 0; i < TABLES; i++) {
		const struct rtt_version versions[] = {
			{ "a", 2 * i + 1, false, 0, 500 },
			{ "b", 2 * i + 2, false, 0, 500 },
		};

		rtt_db_flush(&f->db, versions, 2);
	}
	f->scrub = (struct rtc_scrub){
		.fs = f->db.fs,
		.clock = &turned,
		.store = f->db.store,
		.sst = f->db.sst,
		.status = &f->status,
		.quarantine = &f->quarantine,
		.go_on = go_on,
	};
}

static void
fini(struct fixture *f)
{
	rtc_quarantine_fini(&f->quarantine);
	rtt_db_fini(&f->db);
}

/* One step, with the pace's wait over. */
static bool
step(struct fixture *f)
{
	bool worked = false;

	monotonic_ns += UINT64_C(1000000000000);
	ck_assert_msg(rtc_scrub_step(&f->scrub, INTERVAL_S, &worked, &err) ==
	    RT_OK, "%s", err.text);
	return worked;
}

static void
pass(struct fixture *f)
{
	wall_ms += INTERVAL_S * 1000;
	for (unsigned i = 0; i < TABLES; i++)
		ck_assert(step(f));
	ck_assert_uint_eq(f->status.scrub_tables, TABLES);
}

START_TEST(each_table_is_read_once_in_an_interval)
{
	struct fixture f;

	init(&f);
	/* The first step begins the first interval. */
	ck_assert(step(&f));
	ck_assert_int_eq(f.status.scrub_began_ms, wall_ms);
	ck_assert(!step(&f));
	asked = 0;
	pass(&f);
	ck_assert_uint_ge(asked, TABLES);
	ck_assert_int_eq(f.status.scrub_finished_ms, 0);
	ck_assert(step(&f));
	ck_assert_int_eq(f.status.scrub_finished_ms, wall_ms);
	ck_assert(!step(&f));
	ck_assert_uint_eq(f.quarantine.count, 0);
	pass(&f);
	fini(&f);
}
END_TEST

START_TEST(damage_goes_into_quarantine_and_the_pass_goes_on)
{
	struct fixture f;
	int fd = -1;

	init(&f);
	step(&f);
	ck_assert_int_eq(rt_fs_open_write(f.db.fs, f.db.sst, "d-3.sst", &fd,
	    &err), RT_OK);
	ck_assert_int_eq(rt_fs_write_exact(f.db.fs, fd, "xxxx", 4, 100,
	    &err), RT_OK);
	rt_fs_close(f.db.fs, &fd, NULL);
	ck_assert_int_eq(rt_fs_unlink(f.db.fs, f.db.sst, "d-2.sst", &err),
	    RT_OK);
	pass(&f);
	ck_assert_uint_eq(f.status.damaged_tables, 2);
	ck_assert(rtc_quarantine_has(&f.quarantine,
	    (struct rt_file_id){ .number = 2 }));
	ck_assert(rtc_quarantine_has(&f.quarantine,
	    (struct rt_file_id){ .number = 3 }));
	ck_assert_ptr_nonnull(strstr(f.status.last_error, "d-"));
	fini(&f);
}
END_TEST

START_TEST(a_pass_goes_on_where_it_was_left)
{
	struct fixture f;
	struct rt_compactor_status left;

	init(&f);
	step(&f);
	wall_ms += INTERVAL_S * 1000;
	step(&f);
	step(&f);
	left = f.status;
	/* Another process, with the status that this one saved. */
	f.scrub.not_before_ns = 0;
	f.status = left;
	for (unsigned i = 2; i < TABLES; i++)
		ck_assert(step(&f));
	ck_assert_uint_eq(f.status.scrub_tables, TABLES);
	ck_assert(step(&f));
	ck_assert_int_eq(f.status.scrub_finished_ms, wall_ms);
	fini(&f);
}
END_TEST

START_TEST(the_pace_and_a_wish_to_stop_are_kept)
{
	struct fixture f;
	bool worked;

	init(&f);
	step(&f);
	wall_ms += INTERVAL_S * 1000;
	ck_assert(step(&f));
	/* Not before the table is paid for. */
	ck_assert_int_eq(rtc_scrub_step(&f.scrub, INTERVAL_S, &worked, &err),
	    RT_OK);
	ck_assert(!worked);
	ck_assert_uint_eq(f.status.scrub_tables, 1);
	stop = true;
	monotonic_ns += UINT64_C(1000000000000);
	ck_assert_int_eq(rtc_scrub_step(&f.scrub, INTERVAL_S, &worked, &err),
	    RT_ESTOPPED);
	ck_assert_uint_eq(f.status.scrub_tables, 1);
	fini(&f);
}
END_TEST

START_TEST(interval_0_is_never)
{
	struct fixture f;
	bool worked = true;

	init(&f);
	ck_assert_int_eq(rtc_scrub_step(&f.scrub, 0, &worked, &err), RT_OK);
	ck_assert(!worked);
	ck_assert_int_eq(f.status.scrub_began_ms, 0);
	fini(&f);
}
END_TEST

START_TEST(clock_that_went_back_delays_no_more_than_an_interval)
{
	struct fixture f;

	init(&f);
	step(&f);
	wall_ms -= 500000000;
	ck_assert(step(&f));
	ck_assert_int_eq(f.status.scrub_began_ms, wall_ms);
	pass(&f);
	fini(&f);
}
END_TEST

RTT_MAIN("scrub", each_table_is_read_once_in_an_interval,
    damage_goes_into_quarantine_and_the_pass_goes_on,
    a_pass_goes_on_where_it_was_left, the_pace_and_a_wish_to_stop_are_kept,
    interval_0_is_never, clock_that_went_back_delays_no_more_than_an_interval)
