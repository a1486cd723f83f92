/* Jobs that are left in the middle, by one process after the other. */
#include "riptide-compactd/resume.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "libcommon/base/coding.h"
#include "libcommon/os/path.h"
#include "libcommon/table/table_reader.h"
#include "riptide-compactd/publisher.h"
#include "riptide-compactd/sweeper.h"
#include "tests/support/runner.h"
#include "tests/unit/riptide-compactd/scratch_db.h"

#define NAMES 120
#define VERSIONS 80
#define RUNS 4
#define GRACE_OVER_MS 500
#define END_SEQ 1000
#define STARTS_MAX 200

static struct rt_err failure;

static unsigned
below(unsigned limit)
{
	return (unsigned)rand() % limit;
}

static unsigned
seed_new(void)
{
	const char *given = getenv("RTT_SEED");
	unsigned seed = given != NULL ? (unsigned)strtoul(given, NULL, 0)
				      : (unsigned)time(NULL);

	printf("# RTT_SEED=%u\n", seed);
	fflush(stdout);
	return seed;
}

/* A database, and one compactor after the other. */
struct bench {
	struct rtt_db db;
	struct rt_config config;
	unsigned threads;
	uint64_t boot_id;
	/* The one at hand. */
	uint64_t epoch;
	_Atomic uint64_t next_number;
	struct rtc_progress progress;
	struct rtc_resume resume;
	struct rtc_merger merger;
	struct rtc_pace pace;
	struct rtc_job job;
	struct rtc_result result;
	_Atomic long looks;	/* until it stops; below 0: never */
	size_t resumed;		/* starts that found something done */
};

static char names[NAMES][8];

static void
bench_init(struct bench *bench)
{
	uint64_t seq = 1, snapshots[3];

	*bench = (struct bench){ .threads = 1, .boot_id = 1 };
	rtt_db_init(&bench->db);
	rt_config_init(&bench->config);
	for (unsigned i = 0; i < NAMES; i++)
		snprintf(names[i], sizeof(names[0]), "k%u", i);
	for (unsigned run = 0; run < RUNS; run++) {
		struct rtt_version versions[VERSIONS];

		for (unsigned i = 0; i < VERSIONS; i++)
			versions[i] = (struct rtt_version){
				.key = names[below(NAMES)],
				.seq = seq++,
				.deletes = below(4) == 0,
				.expire_ms = below(4) == 0 ? 1 + below(999) : 0,
				.value_bytes = 8000 + below(8000),
			};
		rtt_db_flush(&bench->db, versions, VERSIONS);
	}
	for (unsigned i = 0; i < 3; i++)
		snapshots[i] = (i > 0 ? snapshots[i - 1] : 0) + 1 + below(100);
	rtt_db_set_snapshots(&bench->db, snapshots, below(4));
}

static bool
stops(void *arg, unsigned wait_ms)
{
	struct bench *bench = arg;

	return atomic_load(&bench->looks) >= 0 &&
	    atomic_fetch_sub(&bench->looks, 1) <= 0;
}

/* A compactor starts, as claim_role() of compactor.c does. */
static void
start(struct bench *bench)
{
	const struct rt_manifest *claimed;
	size_t removed;

	bench->epoch = rtt_db_claim(&bench->db);
	bench->merger = rtt_db_merger(&bench->db, &bench->config, bench->epoch,
	    &bench->next_number, &bench->pace);
	claimed = rtt_db_load(&bench->db);
	rtc_progress_init(&bench->progress);
	rtc_resume_open(&bench->resume, bench->db.fs, bench->db.scratch.fd,
	    bench->db.sst, &bench->progress, bench->boot_id, claimed,
	    bench->epoch, &bench->next_number);
	ck_assert_int_eq(rtc_sweeper_sweep(bench->db.fs, bench->db.sst, claimed,
	    bench->epoch, &removed, &failure), RT_OK);
	bench->resumed += bench->resume.count;
	rt_manifest_unref(claimed);
	bench->config.table_size = 40000;
	bench->merger.expired_before_ms = GRACE_OVER_MS;
	bench->merger.progress = &bench->progress;
	bench->merger.threads = bench->threads;
	bench->merger.should_stop = stops;
	bench->merger.should_stop_arg = bench;
}

/* It runs the job that was left, or the whole of it anew. */
static enum rt_code
run(struct bench *bench)
{
	static const struct rtc_limits limits;
	const struct rt_manifest *manifest = rtt_db_load(&bench->db);

	if (!rtc_resume_next(&bench->resume, manifest, &limits, 0,
		&bench->job))
		rtt_db_job(&bench->db, &bench->job);
	rt_manifest_unref(manifest);
	return rtc_merger_run(&bench->merger, &bench->job, &bench->result,
	    &failure);
}

/* It ends, and takes nothing along. */
static void
end(struct bench *bench)
{
	rtc_result_fini(&bench->result);
	rtc_job_fini(&bench->job);
	rtc_resume_close(&bench->resume);
	rtc_progress_fini(&bench->progress);
}

static void
publish(struct bench *bench)
{
	struct rtc_publisher publisher = {
		.store = bench->db.store,
		.epoch = bench->epoch,
	};
	bool unknown;

	ck_assert_int_eq(rtc_publisher_publish(&publisher, &bench->job,
	    &bench->result, &unknown, &failure), RT_OK);
	rtc_progress_end(&bench->progress, 0);
}

static void
bench_fini(struct bench *bench)
{
	rt_config_fini(&bench->config);
	rtt_db_fini(&bench->db);
}

static bool
has_record(struct bench *bench)
{
	bool exists = true;

	ck_assert_int_eq(rt_fs_exists(bench->db.fs, bench->db.scratch.fd,
	    RT_PATH_PROGRESS, &exists, &failure), RT_OK);
	return exists;
}

/* One compactor after the other, each stopped a while after it began, until one
 * is through. between() is called when one has ended. */
static void
run_in_pieces(struct bench *bench, void (*between)(struct bench *bench))
{
	for (unsigned starts = 0;; starts++) {
		enum rt_code code;

		ck_assert_uint_lt(starts, STARTS_MAX);
		bench->threads = 1 + below(4);
		start(bench);
		atomic_store(&bench->looks, 1 + (long)below(10));
		code = run(bench);
		if (code == RT_OK)
			return;
		ck_assert_msg(code == RT_ESTOPPED, "%s", failure.text);
		end(bench);
		if (between != NULL)
			between(bench);
	}
}

/* What the outputs hold, in their order. */
static struct rt_buf
contents(struct bench *bench)
{
	struct rt_buf all = { 0 };

	for (size_t i = 0; i < bench->result.outputs_count; i++) {
		struct rt_table_reader *reader = NULL;
		char name[RT_PATH_NAME_BYTES];
		struct rt_iter *iter;

		ck_assert_int_eq(rt_table_reader_open(&reader, bench->db.fs,
		    bench->db.sst,
		    rt_path_table(name, bench->result.outputs[i].id), NULL,
		    NULL, NULL, &failure), RT_OK);
		iter = rt_table_reader_iter(reader, 0, 0);
		for (rt_iter_seek_first(iter); iter->valid;
		     rt_iter_next(iter)) {
			rt_buf_put_bytes(&all, iter->entry.key);
			rt_buf_put_varint(&all, iter->entry.seq);
			rt_buf_put_bytes(&all, iter->entry.value);
		}
		ck_assert_int_eq(iter->code, RT_OK);
		rt_iter_free(iter);
		rt_table_reader_unref(reader);
	}
	return all;
}

/* What the job makes when nothing stops it. */
static struct rt_buf
undisturbed(struct bench *bench)
{
	struct rt_buf all;

	start(bench);
	bench->looks = -1;
	ck_assert_int_eq(run(bench), RT_OK);
	all = contents(bench);
	rtc_result_unlink(&bench->result, &bench->merger);
	rtc_progress_end(&bench->progress, 0);
	end(bench);
	return all;
}

START_TEST(a_job_in_pieces_makes_the_same)
{
	unsigned seed = seed_new();
	size_t resumed = 0;

	for (unsigned round = 0; round < 6; round++) {
		struct bench bench;
		struct rt_buf whole, pieces;

		srand(seed + round);
		bench_init(&bench);
		whole = undisturbed(&bench);
		ck_assert(!has_record(&bench));
		run_in_pieces(&bench, NULL);
		pieces = contents(&bench);
		ck_assert_msg(rt_slice_equal(rt_buf_slice(&whole),
		    rt_buf_slice(&pieces)), "seed %u", seed + round);
		/* Nothing of those that were stopped is left. */
		ck_assert_uint_eq(rtt_db_files(&bench.db),
		    RUNS + bench.result.outputs_count);
		publish(&bench);
		ck_assert(!has_record(&bench));
		resumed += bench.resumed;
		end(&bench);
		rt_buf_fini(&whole);
		rt_buf_fini(&pieces);
		bench_fini(&bench);
	}
	ck_assert_uint_gt(resumed, 6);
}
END_TEST

/* A snapshot is released, which leaves less to be kept, and a new one taken,
 * above all that is in the tables. */
static void
change_snapshots(struct bench *bench)
{
	const struct rt_manifest *manifest = rtt_db_load(&bench->db);
	uint64_t snapshots[64];
	size_t count = 0;

	for (size_t i = 0; i < manifest->snapshots_count && i < 60; i++)
		if (below(8) != 0)
			snapshots[count++] = manifest->snapshots[i];
	snapshots[count] = count > 0 && snapshots[count - 1] >= END_SEQ
	    ? snapshots[count - 1] + 1
	    : END_SEQ;
	rtt_db_set_snapshots(&bench->db, snapshots, count + 1);
	rt_manifest_unref(manifest);
}

START_TEST(readers_see_the_same_after_pieces_of_several_manifests)
{
	unsigned seed = seed_new();

	for (unsigned round = 0; round < 4; round++) {
		static uint64_t before[END_SEQ + 100][NAMES];
		const struct rt_manifest *manifest;
		struct bench bench;

		srand(seed + round);
		bench_init(&bench);
		manifest = rtt_db_load(&bench.db);
		for (size_t i = 0; i < manifest->snapshots_count; i++)
			for (unsigned key = 0; key < NAMES; key++)
				before[manifest->snapshots[i]][key] =
				    rtt_db_read(&bench.db, names[key],
					manifest->snapshots[i], GRACE_OVER_MS);
		for (unsigned key = 0; key < NAMES; key++)
			before[END_SEQ][key] = rtt_db_read(&bench.db,
			    names[key], END_SEQ, GRACE_OVER_MS);
		rt_manifest_unref(manifest);
		run_in_pieces(&bench, change_snapshots);
		publish(&bench);
		manifest = rtt_db_load(&bench.db);
		for (size_t i = 0; i <= manifest->snapshots_count; i++) {
			uint64_t seq = i < manifest->snapshots_count
			    ? manifest->snapshots[i]
			    : END_SEQ;

			if (seq > END_SEQ)
				seq = END_SEQ;
			for (unsigned key = 0; key < NAMES; key++)
				ck_assert_msg(rtt_db_read(&bench.db, names[key],
				    seq, GRACE_OVER_MS) == before[seq][key],
				    "seed %u: key %s at %lu", seed + round,
				    names[key], (unsigned long)seq);
		}
		rt_manifest_unref(manifest);
		end(&bench);
		bench_fini(&bench);
	}
}
END_TEST

/* Stopped with something done. */
static void
leave_in_the_middle(struct bench *bench)
{
	bench->threads = 2;
	for (long looks = 4;; looks += 2) {
		ck_assert_int_lt(looks, 200);
		start(bench);
		atomic_store(&bench->looks, looks);
		ck_assert_int_eq(run(bench), RT_ESTOPPED);
		end(bench);
		if (has_record(bench))
			return;
	}
}

START_TEST(a_job_whose_inputs_are_gone_is_swept)
{
	struct bench bench;

	srand(seed_new());
	bench_init(&bench);
	leave_in_the_middle(&bench);
	ck_assert_uint_gt(rtt_db_files(&bench.db), RUNS);
	/* A process that knows of no records does the job. */
	start(&bench);
	rtc_resume_close(&bench.resume);
	bench.looks = -1;
	ck_assert_int_eq(run(&bench), RT_OK);
	publish(&bench);
	ck_assert(has_record(&bench));
	end(&bench);
	start(&bench);
	ck_assert_uint_eq(bench.resume.count, 0);
	ck_assert(!has_record(&bench));
	end(&bench);
	bench_fini(&bench);
}
END_TEST

/* An output asks twice at most while it is made or read back. */
START_TEST(compactors_that_live_for_one_output_get_through)
{
	struct rt_buf whole, pieces;
	struct bench bench;
	enum rt_code code;
	unsigned starts = 0, outputs;

	srand(seed_new());
	bench_init(&bench);
	whole = undisturbed(&bench);
	for (;; starts++) {
		ck_assert_uint_lt(starts, STARTS_MAX);
		start(&bench);
		atomic_store(&bench.looks, 5);
		code = run(&bench);
		if (code == RT_OK)
			break;
		ck_assert_msg(code == RT_ESTOPPED, "%s", failure.text);
		end(&bench);
	}
	outputs = (unsigned)bench.result.outputs_count;
	printf("# %u starts for %u outputs\n", starts, outputs);
	/* Nobody could have read all of them back. */
	ck_assert_uint_gt(outputs, 6);
	pieces = contents(&bench);
	ck_assert(rt_slice_equal(rt_buf_slice(&whole), rt_buf_slice(&pieces)));
	publish(&bench);
	end(&bench);
	rt_buf_fini(&whole);
	rt_buf_fini(&pieces);
	bench_fini(&bench);
}
END_TEST

static void
flip_byte(struct bench *bench, int dir, const char *name, uint64_t offset)
{
	uint8_t byte;
	int fd = -1;

	ck_assert_int_eq(rt_fs_open_write(bench->db.fs, dir, name, &fd,
	    &failure), RT_OK);
	ck_assert_int_eq(rt_fs_read_exact(bench->db.fs, fd, &byte, 1, offset,
	    &failure), RT_OK);
	byte ^= 0x10;
	ck_assert_int_eq(rt_fs_write_exact(bench->db.fs, fd, &byte, 1, offset,
	    &failure), RT_OK);
	rt_fs_close(bench->db.fs, &fd, NULL);
}

START_TEST(a_damaged_output_is_made_anew)
{
	struct rt_buf whole, pieces;
	char name[RT_PATH_NAME_BYTES];
	const struct rtc_spans *done;
	struct bench bench;

	srand(seed_new());
	bench_init(&bench);
	whole = undisturbed(&bench);
	leave_in_the_middle(&bench);
	start(&bench);
	bench.looks = -1;
	ck_assert_uint_eq(bench.resume.count, 1);
	done = bench.resume.jobs[0].done;
	for (size_t i = 0; i < done->count; i++)
		if (done->all[i].result.outputs_count > 0)
			flip_byte(&bench, bench.db.sst, rt_path_table(name,
			    done->all[i].result.outputs[0].id), 5000);
	ck_assert_int_eq(run(&bench), RT_OK);
	pieces = contents(&bench);
	ck_assert(rt_slice_equal(rt_buf_slice(&whole), rt_buf_slice(&pieces)));
	ck_assert_uint_eq(rtt_db_files(&bench.db),
	    RUNS + bench.result.outputs_count);
	publish(&bench);
	end(&bench);
	rt_buf_fini(&whole);
	rt_buf_fini(&pieces);
	bench_fini(&bench);
}
END_TEST

static size_t
checked(const struct bench *bench, size_t *all)
{
	const struct rtc_spans *done = bench->resume.jobs[0].done;
	size_t count = 0;

	*all = 0;
	for (size_t i = 0; i < done->count; i++)
		for (size_t j = 0; j < done->all[i].result.outputs_count; j++) {
			count += done->all[i].result.outputs[j].is_checked;
			(*all)++;
		}
	return count;
}

/* Stopped when the first of what it found is read back. */
static void
leave_with_a_check(struct bench *bench, size_t *count)
{
	size_t all;

	leave_in_the_middle(bench);
	for (unsigned starts = 0;; starts++) {
		ck_assert_uint_lt(starts, STARTS_MAX);
		start(bench);
		ck_assert_uint_eq(bench->resume.count, 1);
		*count = checked(bench, &all);
		if (*count > 0)
			return;
		atomic_store(&bench->looks, 4);
		ck_assert_int_eq(run(bench), RT_ESTOPPED);
		end(bench);
	}
}

START_TEST(what_was_read_back_is_read_again_after_a_boot)
{
	static const uint64_t later[] = { 2, 0 };

	srand(seed_new());
	for (size_t i = 0; i < 2; i++) {
		struct bench bench;
		size_t count, all;

		bench_init(&bench);
		leave_with_a_check(&bench, &count);
		end(&bench);
		/* A start alone takes nothing of it away. */
		start(&bench);
		ck_assert_uint_eq(checked(&bench, &all), count);
		end(&bench);
		bench.boot_id = later[i];
		start(&bench);
		ck_assert_uint_eq(checked(&bench, &all), 0);
		ck_assert_uint_ge(all, count);
		end(&bench);
		/* Who does not know the boot does not know what is of it. */
		start(&bench);
		ck_assert_uint_eq(checked(&bench, &all), 0);
		end(&bench);
		bench_fini(&bench);
	}
}
END_TEST

/* The disk lost of an output what it had said was safe. */
START_TEST(a_checked_output_that_a_boot_damaged_is_made_anew)
{
	struct rt_buf whole, pieces;
	char name[RT_PATH_NAME_BYTES];
	struct rtc_result *result;
	struct bench bench;
	size_t count;

	srand(seed_new());
	bench_init(&bench);
	whole = undisturbed(&bench);
	leave_with_a_check(&bench, &count);
	result = &bench.resume.jobs[0].done->all[0].result;
	for (size_t i = 0; i < result->outputs_count; i++)
		flip_byte(&bench, bench.db.sst,
		    rt_path_table(name, result->outputs[i].id), 5000);
	end(&bench);
	bench.boot_id = 2;
	start(&bench);
	bench.looks = -1;
	ck_assert_int_eq(run(&bench), RT_OK);
	pieces = contents(&bench);
	ck_assert(rt_slice_equal(rt_buf_slice(&whole), rt_buf_slice(&pieces)));
	ck_assert_uint_eq(rtt_db_files(&bench.db),
	    RUNS + bench.result.outputs_count);
	publish(&bench);
	end(&bench);
	rt_buf_fini(&whole);
	rt_buf_fini(&pieces);
	bench_fini(&bench);
}
END_TEST

START_TEST(a_damaged_record_is_of_no_use)
{
	struct bench bench;

	srand(seed_new());
	for (uint64_t offset = 0; offset < 100; offset += 31) {
		bench_init(&bench);
		leave_in_the_middle(&bench);
		flip_byte(&bench, bench.db.scratch.fd, RT_PATH_PROGRESS,
		    offset);
		start(&bench);
		ck_assert_uint_eq(bench.resume.count, 0);
		ck_assert(!has_record(&bench));
		ck_assert_uint_eq(rtt_db_files(&bench.db), RUNS);
		end(&bench);
		bench_fini(&bench);
	}
}
END_TEST

static struct rt_buf
record(struct bench *bench)
{
	struct rt_buf bytes = { 0 };

	ck_assert_int_eq(rt_fs_read_file(bench->db.fs, bench->db.scratch.fd,
	    RT_PATH_PROGRESS, RTC_PROGRESS_BYTES_MAX, &bytes, &failure), RT_OK);
	return bytes;
}

static int
close_badly(struct rt_fs *fs, int fd)
{
	(void)rt_fs_posix()->close(rt_fs_posix(), fd);
	return -EIO;
}

/* Its bytes are all there this time; those of another might not be. */
START_TEST(a_record_whose_close_fails_does_not_replace_the_one_before)
{
	struct rt_buf before, after, whole, pieces;
	struct bench bench;
	struct rt_fs fs;

	srand(seed_new());
	bench_init(&bench);
	whole = undisturbed(&bench);
	leave_in_the_middle(&bench);
	start(&bench);
	before = record(&bench);
	fs = *bench.db.fs;
	fs.close = close_badly;
	bench.progress.fs = &fs;
	bench.looks = 12;
	ck_assert_int_eq(run(&bench), RT_ESTOPPED);
	/* There was something to tell. */
	ck_assert_uint_gt(bench.result.outputs_count, 0);
	after = record(&bench);
	ck_assert(rt_slice_equal(rt_buf_slice(&before), rt_buf_slice(&after)));
	end(&bench);
	start(&bench);
	ck_assert_uint_eq(bench.resume.count, 1);
	bench.looks = -1;
	ck_assert_int_eq(run(&bench), RT_OK);
	pieces = contents(&bench);
	ck_assert(rt_slice_equal(rt_buf_slice(&whole), rt_buf_slice(&pieces)));
	publish(&bench);
	end(&bench);
	rt_buf_fini(&before);
	rt_buf_fini(&after);
	rt_buf_fini(&whole);
	rt_buf_fini(&pieces);
	bench_fini(&bench);
}
END_TEST

START_TEST(a_job_that_does_not_fit_is_given_up)
{
	static const struct rtc_limits limits, outside = { .l0_only = true };
	const struct rt_manifest *manifest;
	struct bench bench;

	srand(seed_new());
	bench_init(&bench);
	leave_in_the_middle(&bench);
	start(&bench);
	manifest = rtt_db_load(&bench.db);
	/* Outside of the window it waits. */
	ck_assert(!rtc_resume_next(&bench.resume, manifest, &outside, 0,
	    &bench.job));
	ck_assert_uint_eq(bench.resume.count, 1);
	ck_assert(has_record(&bench));
	ck_assert(!rtc_resume_next(&bench.resume, manifest, &limits, 1,
	    &bench.job));
	ck_assert_uint_eq(bench.resume.count, 0);
	ck_assert(!has_record(&bench));
	ck_assert_uint_eq(rtt_db_files(&bench.db), RUNS);
	rt_manifest_unref(manifest);
	end(&bench);
	bench_fini(&bench);
}
END_TEST

RTT_MAIN("progress", a_job_in_pieces_makes_the_same,
    readers_see_the_same_after_pieces_of_several_manifests,
    compactors_that_live_for_one_output_get_through,
    a_job_whose_inputs_are_gone_is_swept, a_damaged_output_is_made_anew,
    what_was_read_back_is_read_again_after_a_boot,
    a_checked_output_that_a_boot_damaged_is_made_anew,
    a_damaged_record_is_of_no_use,
    a_record_whose_close_fails_does_not_replace_the_one_before,
    a_job_that_does_not_fit_is_given_up)
