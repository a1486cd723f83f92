/* The reserve and the ballast, on a file system whose free space is told. */
#include <errno.h>
#include <stdlib.h>

#include "libcommon/os/path.h"
#include "riptided/engine/disk_reserve.h"
#include "tests/support/runner.h"
#include "tests/support/scratch_dir.h"

#define MIB ((int64_t)1 << 20)
#define RESERVE (4 * MIB)

static struct rt_fs fs;
static struct rtt_scratch scratch;
static struct rtd_disk_reserve reserve;
static int64_t others_free;	/* with the ballast counted as free */
static int allocate_fails;	/* errno */
static uint64_t now_ns;

static bool
ballast_is_there(void)
{
	bool exists;

	ck_assert(rt_fs_exists(rt_fs_posix(), scratch.fd, RT_PATH_BALLAST,
	    &exists, NULL) == RT_OK);
	return exists;
}

static int64_t
free_bytes(struct rt_fs *self, int dir)
{
	return others_free < 0 ? -EIO : others_free -
		(ballast_is_there() ? (int64_t)reserve.ballast : 0);
}

static int
allocate(struct rt_fs *self, int fd, off_t offset, off_t len)
{
	return allocate_fails != 0 ? -allocate_fails : 0;
}

static uint64_t
monotonic(struct rt_clock *clock)
{
	return now_ns;
}

static struct rt_clock still;

static void
begin(int64_t free)
{
	rtt_scratch_init(&scratch);
	fs = *rt_fs_posix();
	fs.free_bytes = free_bytes;
	fs.fallocate = allocate;
	still = *rt_clock_system();
	still.monotonic_ns = monotonic;
	now_ns = UINT64_C(1000000000000);
	allocate_fails = 0;
	others_free = free;
	reserve = (struct rtd_disk_reserve){ .ballast = 0 };
	rtd_disk_reserve_open(&reserve, &fs, &still, scratch.fd);
}

static void
end(void)
{
	rtd_disk_reserve_close(&reserve);
	ck_assert(!ballast_is_there());
	rtt_scratch_fini(&scratch);
}

static bool
full(int64_t free, bool no_space)
{
	others_free = free;
	rtd_disk_reserve_look(&reserve, RESERVE, no_space);
	return reserve.full;
}

START_TEST(small_disk_has_a_reserve_and_no_ballast)
{
	begin(5 * RESERVE - 1);
	ck_assert(!full(5 * RESERVE - 1, false));
	ck_assert(!ballast_is_there());
	ck_assert(!full(RESERVE, false));
	ck_assert(full(RESERVE - 1, false));
	ck_assert(!full(RESERVE, false));
	end();
}
END_TEST

START_TEST(ballast_is_given_up_when_something_found_no_space)
{
	begin(5 * RESERVE);
	ck_assert(!full(5 * RESERVE, false));
	ck_assert(ballast_is_there());
	ck_assert_uint_eq(reserve.ballast_bytes, RESERVE);
	/* Others fill the disk. The ballast stays while nobody needs it. */
	ck_assert(full(RESERVE + 1, false));
	ck_assert(ballast_is_there());
	ck_assert(full(RESERVE + 1, true));
	ck_assert(!ballast_is_there());
	/* What was given up is not for new writes. */
	ck_assert(full(2 * RESERVE - 1, false));
	ck_assert(!full(2 * RESERVE, false));
	ck_assert(!ballast_is_there());
	ck_assert(!full(3 * RESERVE, false));
	ck_assert(ballast_is_there());
	end();
}
END_TEST

START_TEST(ballast_follows_the_option)
{
	begin(100 * RESERVE);
	ck_assert(!full(100 * RESERVE, false));
	ck_assert_uint_eq(reserve.ballast, RESERVE);
	rtd_disk_reserve_look(&reserve, 2 * RESERVE, false);
	ck_assert_uint_eq(reserve.ballast, 2 * RESERVE);
	rtd_disk_reserve_look(&reserve, 0, false);
	ck_assert(!ballast_is_there());
	ck_assert(!reserve.full);
	end();
}
END_TEST

START_TEST(disk_that_cannot_allocate_is_asked_seldom)
{
	begin(100 * RESERVE);
	allocate_fails = EOPNOTSUPP;
	ck_assert(!full(100 * RESERVE, false));
	ck_assert(!ballast_is_there());
	allocate_fails = 0;
	ck_assert(!full(100 * RESERVE, false));
	ck_assert(!ballast_is_there());
	now_ns += UINT64_C(60000000000);
	ck_assert(!full(100 * RESERVE, false));
	ck_assert(ballast_is_there());
	end();
}
END_TEST

START_TEST(what_an_earlier_process_left_goes_at_the_start)
{
	begin(100 * RESERVE);
	ck_assert(!full(100 * RESERVE, false));
	ck_assert(ballast_is_there());
	rtd_disk_reserve_open(&reserve, &fs, &still, scratch.fd);
	ck_assert(!ballast_is_there());
	end();
}
END_TEST

START_TEST(disk_that_does_not_say_changes_nothing)
{
	begin(0);
	ck_assert(full(0, false));
	ck_assert(full(-1, false));
	end();
}
END_TEST

RTT_MAIN("disk_reserve", small_disk_has_a_reserve_and_no_ballast,
    ballast_is_given_up_when_something_found_no_space,
    ballast_follows_the_option, disk_that_cannot_allocate_is_asked_seldom,
    what_an_earlier_process_left_goes_at_the_start,
    disk_that_does_not_say_changes_nothing)
