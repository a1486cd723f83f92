#include "riptided/pool/pool.h"

#include "libcommon/os/mutex.h"
#include "tests/support/runner.h"

#define JOBS 200

struct watch {
	struct rt_mutex mu;
	struct rt_cond cond;
	int wakes;
	int ran[JOBS];		/* ids in the order of their runs */
	int ran_count;
	bool gate_open;
};

struct test_job {
	struct rtd_job job;	/* first */
	struct watch *watch;
	struct rtd_pool *again;	/* done submits once more */
	int id;
	int done;
};

static void
watch_init(struct watch *watch)
{
	*watch = (struct watch){ .gate_open = true };
	rt_mutex_init(&watch->mu);
	rt_cond_init(&watch->cond);
}

static void
watch_fini(struct watch *watch)
{
	rt_cond_fini(&watch->cond);
	rt_mutex_fini(&watch->mu);
}

static void
wake(void *arg)
{
	struct watch *watch = arg;

	rt_mutex_lock(&watch->mu);
	watch->wakes++;
	rt_cond_broadcast(&watch->cond);
	rt_mutex_unlock(&watch->mu);
}

static void
wait_for_wakes(struct watch *watch, int count)
{
	rt_mutex_lock(&watch->mu);
	while (watch->wakes < count)
		rt_cond_wait(&watch->cond, &watch->mu);
	rt_mutex_unlock(&watch->mu);
}

static void
run(struct rtd_job *job)
{
	struct test_job *test = (struct test_job *)job;
	struct watch *watch = test->watch;

	rt_mutex_lock(&watch->mu);
	while (!watch->gate_open)
		rt_cond_wait(&watch->cond, &watch->mu);
	watch->ran[watch->ran_count++ % JOBS] = test->id;
	rt_mutex_unlock(&watch->mu);
}

static void
done(struct rtd_job *job)
{
	struct test_job *test = (struct test_job *)job;
	struct rtd_pool *again = test->again;

	test->done++;
	test->again = NULL;
	if (again != NULL)
		rtd_pool_submit(again, job);
}

static void
submit(struct rtd_pool *pool, struct watch *watch, struct test_job *jobs,
    int count)
{
	for (int i = 0; i < count; i++) {
		jobs[i] = (struct test_job){
			.job = { .run = run, .done = done },
			.watch = watch,
			.id = i,
		};
		rtd_pool_submit(pool, &jobs[i].job);
	}
}

START_TEST(jobs_start_in_the_order_of_submission)
{
	static struct test_job jobs[JOBS];
	struct watch watch;
	struct rtd_pool *pool;

	watch_init(&watch);
	pool = rtd_pool_new(1, wake, &watch);
	submit(pool, &watch, jobs, JOBS);
	wait_for_wakes(&watch, JOBS);
	for (int i = 0; i < JOBS; i++)
		ck_assert_int_eq(watch.ran[i], i);
	rtd_pool_free(pool);
	watch_fini(&watch);
}
END_TEST

START_TEST(done_runs_once_and_only_when_polled)
{
	static struct test_job jobs[JOBS];
	struct watch watch;
	struct rtd_pool *pool;

	watch_init(&watch);
	pool = rtd_pool_new(3, wake, &watch);
	submit(pool, &watch, jobs, JOBS);
	wait_for_wakes(&watch, JOBS);
	for (int i = 0; i < JOBS; i++)
		ck_assert_int_eq(jobs[i].done, 0);
	rtd_pool_poll(pool);
	rtd_pool_poll(pool);
	for (int i = 0; i < JOBS; i++)
		ck_assert_int_eq(jobs[i].done, 1);
	rtd_pool_free(pool);
	watch_fini(&watch);
}
END_TEST

START_TEST(free_runs_what_is_queued_and_calls_every_done)
{
	static struct test_job jobs[JOBS];
	struct watch watch;
	struct rtd_pool *pool;

	watch_init(&watch);
	watch.gate_open = false;
	pool = rtd_pool_new(2, wake, &watch);
	submit(pool, &watch, jobs, JOBS);
	rt_mutex_lock(&watch.mu);
	watch.gate_open = true;
	rt_cond_broadcast(&watch.cond);
	rt_mutex_unlock(&watch.mu);
	rtd_pool_free(pool);
	ck_assert_int_eq(watch.ran_count, JOBS);
	for (int i = 0; i < JOBS; i++)
		ck_assert_int_eq(jobs[i].done, 1);
	watch_fini(&watch);
}
END_TEST

START_TEST(done_may_submit_its_job_again_even_during_free)
{
	struct test_job job;
	struct watch watch;
	struct rtd_pool *pool;

	watch_init(&watch);
	watch.gate_open = false;
	pool = rtd_pool_new(1, wake, &watch);
	submit(pool, &watch, &job, 1);
	job.again = pool;
	rt_mutex_lock(&watch.mu);
	watch.gate_open = true;
	rt_cond_broadcast(&watch.cond);
	rt_mutex_unlock(&watch.mu);
	rtd_pool_free(pool);
	ck_assert_int_eq(job.done, 2);
	watch_fini(&watch);
}
END_TEST

/* Long jobs wait at a gate; a short one runs all the same. */
START_TEST(long_jobs_leave_a_thread_for_short_ones)
{
	static struct test_job jobs[JOBS];
	struct watch gate, open;
	struct test_job quick = { .job = { .run = run, .done = done },
		.watch = &open };
	struct rtd_pool *pool;

	watch_init(&gate);
	watch_init(&open);
	gate.gate_open = false;
	pool = rtd_pool_new(2, wake, &open);
	submit(pool, &gate, jobs, 3);
	rtd_pool_submit_short(pool, &quick.job);
	wait_for_wakes(&open, 1);
	ck_assert_int_eq(open.ran_count, 1);
	rt_mutex_lock(&gate.mu);
	ck_assert_int_eq(gate.ran_count, 0);
	gate.gate_open = true;
	rt_cond_broadcast(&gate.cond);
	rt_mutex_unlock(&gate.mu);
	wait_for_wakes(&open, 4);
	rtd_pool_free(pool);
	ck_assert_int_eq(gate.ran_count, 3);
	ck_assert_int_eq(quick.done, 1);
	watch_fini(&gate);
	watch_fini(&open);
}
END_TEST

START_TEST(short_jobs_go_first)
{
	static struct test_job jobs[JOBS], quick;
	struct watch watch;
	struct rtd_pool *pool;

	watch_init(&watch);
	watch.gate_open = false;
	pool = rtd_pool_new(1, wake, &watch);
	submit(pool, &watch, jobs, 3);
	quick = (struct test_job){ .job = { .run = run, .done = done },
		.watch = &watch, .id = 9 };
	rtd_pool_submit_short(pool, &quick.job);
	rt_mutex_lock(&watch.mu);
	watch.gate_open = true;
	rt_cond_broadcast(&watch.cond);
	rt_mutex_unlock(&watch.mu);
	wait_for_wakes(&watch, 4);
	/* The thread may have taken the first long one before. */
	ck_assert(watch.ran[0] == 9 || watch.ran[1] == 9);
	rtd_pool_free(pool);
	watch_fini(&watch);
}
END_TEST

RTT_MAIN("pool", jobs_start_in_the_order_of_submission,
    done_runs_once_and_only_when_polled,
    free_runs_what_is_queued_and_calls_every_done,
    done_may_submit_its_job_again_even_during_free,
    long_jobs_leave_a_thread_for_short_ones, short_jobs_go_first)
