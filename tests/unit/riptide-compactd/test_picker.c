#include "riptide-compactd/picker.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "libcommon/base/buf.h"
#include "libcommon/manifest/manifest_edit.h"
#include "riptide-compactd/aging.h"
#include "tests/support/draw_manifest.h"
#include "tests/support/runner.h"
#include "tests/support/text_cases.h"

#define RUNNING_MAX 4
#define RUNNING_BYTES 128

static struct rt_file_id avoided[8];
static uint64_t together;	/* jobs begun while others ran */

/* Names with commas between. */
static size_t
read_avoided(char *names)
{
	size_t count = 0;
	char *name, file[RT_PATH_NAME_BYTES];

	while ((name = strsep(&names, ",")) != NULL) {
		ck_assert_uint_lt(count, RT_COUNTOF(avoided));
		snprintf(file, sizeof(file), "%s.sst", name);
		ck_assert(rt_path_parse_table(file, &avoided[count++]));
	}
	return count;
}

static struct rtc_limits
read_limits(const char *line)
{
	struct rtc_limits limits = { .avoid = avoided };
	char copy[256], *rest = copy, *word;

	snprintf(copy, sizeof(copy), "%.*s", (int)strcspn(line, "\n"), line);
	while ((word = strsep(&rest, " ")) != NULL) {
		uint64_t value;

		if (sscanf(word, "trigger=%" SCNu64, &value) == 1)
			limits.l0_trigger = value;
		else if (sscanf(word, "base=%" SCNu64, &value) == 1)
			limits.level_base_bytes = value;
		else if (sscanf(word, "mult=%" SCNu64, &value) == 1)
			limits.level_multiplier = value;
		else if (sscanf(word, "expired=%" SCNu64, &value) == 1)
			limits.expired_before_ms = value;
		else if (sscanf(word, "aged=%" SCNu64, &value) == 1)
			limits.tombstones_before_s = value;
		else if (sscanf(word, "table=%" SCNu64, &value) == 1)
			limits.table_bytes = value;
		else if (sscanf(word, "compression=%" SCNu64, &value) == 1)
			limits.compression = (enum rt_compression)value;
		else if (sscanf(word, "bottom=%" SCNu64, &value) == 1)
			limits.compression_bottom = (enum rt_compression)value;
		else if (sscanf(word, "most=%" SCNu64, &value) == 1)
			limits.max_job_bytes = value;
		else if (strncmp(word, "avoid=", 6) == 0)
			limits.avoid_count = read_avoided(word + 6);
		else if (sscanf(word, "full=%" SCNu64, &value) == 1)
			limits.full_seq = value;
		else if (strcmp(word, "full") == 0)
			limits.full_seq = UINT64_MAX;
		else if (strcmp(word, "lazy") == 0)
			limits.lazy = true;
		else if (strcmp(word, "l0only") == 0)
			limits.l0_only = true;
		else
			ck_abort_msg("%s is no limit", word);
	}
	return limits;
}

/* Lines "running L5 -> L6: c1-4 c1-1" are jobs under way, the others a drawing.
 * Returns how many jobs there are. */
static size_t
split_running(const char *given, struct rt_buf *drawing,
    char running[RUNNING_MAX][RUNNING_BYTES])
{
	size_t count = 0;

	while (*given != '\0') {
		size_t len = strcspn(given, "\n");

		if (strncmp(given, "running ", 8) == 0) {
			ck_assert_uint_lt(count, RUNNING_MAX);
			snprintf(running[count++], RUNNING_BYTES, "%.*s",
			    (int)len - 8, given + 8);
		} else {
			rt_buf_printf(drawing, "%.*s\n", (int)len, given);
		}
		given += len + (given[len] == '\n');
	}
	rt_buf_append_byte(drawing, '\0');
	return count;
}

static void
make_running(struct rtc_job *job, const struct rt_manifest *manifest,
    char *text)
{
	uint32_t source, target;
	int used = 0;
	char *name;

	ck_assert_int_eq(sscanf(text, "L%" SCNu32 " -> L%" SCNu32 ": %n",
	    &source, &target, &used), 2);
	rtc_job_init(job, manifest, RTC_JOB_MERGE, source, target, "running");
	text += used;
	while ((name = strsep(&text, " ")) != NULL)
		rtc_job_add(job, rt_manifest_find(manifest, rtt_file_id(name),
		    NULL));
}

static char *
pick(const char *given)
{
	static const char *const kinds[] = { "merge", "move", "discard" };
	struct rtc_limits limits = read_limits(given);
	char running[RUNNING_MAX][RUNNING_BYTES];
	const struct rtc_job *beside[RUNNING_MAX];
	const struct rt_manifest *manifest;
	struct rtc_job job, jobs[RUNNING_MAX];
	struct rt_buf answer = { 0 }, drawing = { 0 };

	given = strchr(given, '\n');
	limits.running_count = split_running(given != NULL ? given : "",
	    &drawing, running);
	manifest = rtt_draw_manifest((const char *)drawing.data);
	limits.running = beside;
	for (size_t i = 0; i < limits.running_count; i++) {
		make_running(&jobs[i], manifest, running[i]);
		beside[i] = &jobs[i];
	}
	if (!rtc_picker_pick(manifest, &limits, &job)) {
		rt_buf_printf(&answer, "nothing");
	} else {
		rt_buf_printf(&answer, "%s L%" PRIu32 " -> L%" PRIu32 ":",
		    kinds[job.kind], job.source_level, job.target_level);
		for (size_t i = 0; i < job.inputs_count; i++) {
			char name[RT_PATH_NAME_BYTES];

			rt_path_table(name, job.inputs[i]->id);
			rt_buf_printf(&answer, " %.*s",
			    (int)strcspn(name, "."), name);
		}
		if (job.as_run)
			rt_buf_printf(&answer, " as a run");
		rtc_job_fini(&job);
	}
	for (size_t i = 0; i < limits.running_count; i++)
		rtc_job_fini(&jobs[i]);
	rt_manifest_unref(manifest);
	rt_buf_fini(&drawing);
	rt_buf_append_byte(&answer, '\0');
	return (char *)answer.data;
}

START_TEST(each_drawn_case_is_picked_as_written)
{
	rtt_text_cases("tests/cases/picker/cases.txt", pick);
}
END_TEST

START_TEST(debt_is_what_lies_above_the_targets)
{
	struct rtc_limits limits =
	    read_limits("trigger=2 base=1000 mult=10");
	const struct rt_manifest *manifest =
	    rtt_draw_manifest("L0 d-1 a..z size=70 seq=90-99\n"
			      "L5 c1-2 a..z size=1500\n"
			      "L6 c1-1 a..z size=10000\n");

	ck_assert_uint_eq(rtc_picker_debt(manifest, &limits), 500);
	limits.l0_trigger = 1;
	ck_assert_uint_eq(rtc_picker_debt(manifest, &limits), 570);
	rt_manifest_unref(manifest);
}
END_TEST

START_TEST(the_next_age_is_that_of_the_oldest_young_tombstone)
{
	struct rtc_limits limits = read_limits("aged=70");
	const struct rt_manifest *manifest = rtt_draw_manifest(
	    "snapshot 50\n"
	    "L0 d-9 a..z seq=50-59 tombstones=1 since=71\n"	/* pinned */
	    "L0 d-1 a..z seq=40-49 tombstones=1 since=90\n"
	    "L5 c1-2 a..z tombstones=1 since=75\n"
	    "L6 c1-1 a..f tombstones=1 since=70\n"	/* due already */
	    "L6 c1-3 g..h since=72\n"	/* nothing in it ages */
	    "L6 c1-4 i..j tombstones=1\n");

	ck_assert_uint_eq(rtc_aging_next_s(manifest, &limits), 5);
	limits.tombstones_before_s = 75;
	ck_assert_uint_eq(rtc_aging_next_s(manifest, &limits), 15);
	limits.tombstones_before_s = 90;
	ck_assert_uint_eq(rtc_aging_next_s(manifest, &limits),
	    RTC_AGING_NEVER);
	limits.tombstones_before_s = 0;
	ck_assert_uint_eq(rtc_aging_next_s(manifest, &limits),
	    RTC_AGING_NEVER);
	rt_manifest_unref(manifest);
}
END_TEST

/* A run cut at random letters. */
static void
draw_run(struct rt_buf *out, unsigned level, bool is_older, unsigned *file)
{
	for (char from = 'a'; from <= 'z';) {
		char to = (char)(from + rand() % 6);

		to = to > 'z' ? 'z' : to;
		if (rand() % 3 != 0) {
			rt_buf_printf(out, "L%u%s c1-%u %c..%cz size=%d "
			    "seq=%d-%d tombstones=%d since=%d expire=%d-%d\n",
			    level, is_older ? "+" : "", (*file)++, from, to,
			    50 + rand() % 100, 1 + rand() % 400,
			    500 + rand() % 400, rand() % 5, rand() % 40,
			    1 + rand() % 99,
			    100 + rand() % 900);
			is_older = false;
		}
		from = (char)(to + 1);
	}
}

/* Level 0 with random ranges, and levels of one run or several. */
static void
draw_random(struct rt_buf *out)
{
	unsigned runs = (unsigned)rand() % 12, file = 1;
	bool tiers = rand() % 2 == 0;

	for (unsigned i = runs; i > 0; i--) {
		char from = (char)('a' + rand() % 26);

		rt_buf_printf(out, "L0 d-%u %c..%c%c seq=%u-%u size=%d "
		    "tombstones=%d since=%d\n", i,
		    from, from + rand() % ('z' - from + 1), 'm',
		    1000 + i * 10, 1009 + i * 10, 50 + rand() % 100,
		    rand() % 3, rand() % 40);
	}
	for (unsigned level = 3; level <= RTC_LEVEL_LAST; level++) {
		draw_run(out, level, false, &file);
		for (int more = rand() % 4; tiers && more > 0 &&
		     level < RTC_LEVEL_LAST; more--)
			draw_run(out, level, true, &file);
	}
	if (rand() % 2 == 0)
		rt_buf_printf(out, "snapshot %d\n", 1 + rand() % 1000);
	if (rand() % 3 == 0)
		rt_buf_printf(out, "drop 0 %d\n", 1 + rand() % 1000);
	rt_buf_append_byte(out, '\0');
}

/* Whether tombstones of the output may have to stay: a snapshot is older, or
 * some table outside that is older than an input meets it. */
static bool
keeps_tombstones(const struct rtc_job *job,
    const struct rt_manifest_table *output)
{
	const struct rt_manifest *manifest = job->manifest;
	bool begun = false;

	if (manifest->snapshots_count > 0 &&
	    output->max_seq > manifest->snapshots[0])
		return true;
	for (size_t i = 0; i < manifest->runs_count; i++) {
		const struct rt_manifest_run *run = &manifest->runs[i];

		for (size_t j = 0; j < run->tables_count; j++) {
			const struct rt_manifest_table *table = &run->tables[j];

			if (rtc_job_has(job, table))
				begun = true;
			else if (begun && rt_slice_compare(table->smallest,
				output->largest) <= 0 &&
			    rt_slice_compare(table->largest,
				output->smallest) >= 0)
				return true;
		}
	}
	return false;
}

/* What is known of the tombstones of all inputs. */
static void
add_tombstones(const struct rtc_job *job, struct rt_manifest_table *output)
{
	output->tombstones = output->tombstones_since_s = 0;
	for (size_t i = 0; i < job->inputs_count; i++) {
		const struct rt_manifest_table *input = job->inputs[i];

		output->tombstones += input->tombstones;
		if (input->tombstones_since_s != 0 &&
		    (output->tombstones_since_s == 0 ||
			input->tombstones_since_s < output->tombstones_since_s))
			output->tombstones_since_s = input->tombstones_since_s;
	}
	output->entries = 10 + output->tombstones;
	if (job->kind == RTC_JOB_MERGE && !keeps_tombstones(job, output))
		output->tombstones = output->tombstones_since_s = 0;
}

/* A manifest after the job, whose inputs become one table. */
static const struct rt_manifest *
carry_out(const struct rtc_job *job, const struct rt_manifest *manifest,
    uint64_t number)
{
	struct rt_manifest_edit *edit = rt_manifest_edit_new(RT_ROLE_COMPACTOR,
	    job->manifest->compactor_epoch);
	struct rt_manifest_table output = *job->inputs[0];
	struct rt_file_id *ids = rtc_job_ids(job);
	const struct rt_manifest *next = NULL;
	struct rt_err err = { 0 };
	char line[256];

	output.id = (struct rt_file_id){ job->manifest->compactor_epoch,
		number };
	output.size = job->input_bytes;
	rtc_job_range(job, &output.smallest, &output.largest);
	/* A merge with nothing below it is free of them. */
	output.expire_min_ms = output.expire_max_ms = 0;
	for (size_t i = 0; i < job->inputs_count; i++) {
		const struct rt_manifest_table *input = job->inputs[i];

		if (input->min_seq < output.min_seq)
			output.min_seq = input->min_seq;
		if (input->max_seq > output.max_seq)
			output.max_seq = input->max_seq;
	}
	add_tombstones(job, &output);
	/* And free of what was dropped. */
	if (output.min_seq < rt_manifest_drop_seq(job->manifest, 0) &&
	    output.max_seq >= rt_manifest_drop_seq(job->manifest, 0))
		output.min_seq = rt_manifest_drop_seq(job->manifest, 0);
	if (job->kind == RTC_JOB_MOVE)
		rt_manifest_edit_move(edit, ids[0], job->target_level);
	else
		rt_manifest_edit_replace(edit, ids, job->inputs_count,
		    job->target_level, &output,
		    job->kind == RTC_JOB_DISCARD ? 0 : 1);
	if (job->as_run)
		rt_manifest_edit_as_run(edit);
	ck_assert_msg(rt_manifest_edit_apply(edit, manifest, &next,
	    &err) == RT_OK, "%s: %s", rtc_job_print(job, line, sizeof(line)),
	    err.text);
	rt_manifest_edit_free(edit);
	free(ids);
	return next;
}

static unsigned
take_seed(void)
{
	const char *given = getenv("RTT_SEED");
	unsigned seed = given != NULL ? (unsigned)strtoul(given, NULL, 0)
				      : (unsigned)time(NULL);

	printf("# RTT_SEED=%u\n", seed);
	fflush(stdout);
	return seed;
}

/* Sometimes a few of the tables are damaged. */
static void
avoid_some(struct rtc_limits *limits, const struct rt_manifest *manifest)
{
	if (manifest->runs_count == 0 || rand() % 3 != 0)
		return;
	limits->avoid = avoided;
	for (int i = rand() % 3; i >= 0; i--) {
		const struct rt_manifest_run *run = &manifest->runs[
		    (size_t)rand() % manifest->runs_count];

		avoided[limits->avoid_count++] =
		    run->tables[(size_t)rand() % run->tables_count].id;
	}
}

static void
expect_none_avoided(const struct rtc_limits *limits,
    const struct rtc_job *job)
{
	for (size_t i = 0; i < limits->avoid_count; i++)
		for (size_t j = 0; j < job->inputs_count; j++)
			ck_assert(!rt_file_id_equal(limits->avoid[i],
			    job->inputs[j]->id));
}

/* Mostly what is due, else everything, or what came before a sequence. */
static uint64_t
random_full_seq(void)
{
	switch (rand() % 6) {
	case 0:
		return UINT64_MAX;
	case 1:
		return 1 + (uint64_t)rand() % 1200;
	default:
		return 0;
	}
}

/* What came before the sequence is in the last level. */
static void
expect_down(const struct rtc_limits *limits, const struct rt_manifest_run *run)
{
	for (size_t i = 0; i < run->tables_count; i++)
		if (run->tables[i].min_seq <= limits->full_seq)
			ck_assert_uint_eq(run->level, RTC_LEVEL_LAST);
}

/* What can go for its age is gone. */
static void
expect_no_age(const struct rtc_limits *limits,
    const struct rt_manifest *manifest)
{
	for (size_t i = 0; i < manifest->runs_count; i++)
		for (size_t j = 0; j < manifest->runs[i].tables_count; j++)
			ck_assert(!rtc_aging_is_due(manifest, limits,
			    &manifest->runs[i].tables[j]));
}

static void
expect_no_more_runs(const struct rtc_limits *limits,
    const struct rt_manifest *manifest)
{
	ck_assert_uint_lt(rt_manifest_level0_runs(manifest),
	    limits->l0_trigger);
	if (!limits->lazy)
		ck_assert_uint_eq(rt_manifest_deepest_runs(manifest), 0);
	for (uint32_t level = 1; level < RTC_LEVEL_LAST; level++)
		ck_assert_uint_lt(rt_manifest_level_runs(manifest, level),
		    limits->level_multiplier);
	ck_assert_uint_le(rt_manifest_level_runs(manifest, RTC_LEVEL_LAST), 1);
}

static void
pick_to_the_end(unsigned seed)
{
	struct rtc_limits limits = {
		.l0_trigger = 1 + (uint64_t)rand() % 5,
		.level_base_bytes = 100 + (uint64_t)rand() % 1000,
		.level_multiplier = 2 + (uint64_t)rand() % 9,
		.table_bytes = (uint64_t)rand() % 100,
		.expired_before_ms = (uint64_t)rand() % 1000,
		.tombstones_before_s = (uint64_t)rand() % 50,
		.compression = (enum rt_compression)(rand() % 2),
		.full_seq = random_full_seq(),
		.l0_only = rand() % 5 == 0,
		.lazy = rand() % 2 == 0,
	};
	const struct rt_manifest *manifest, *next;
	struct rt_buf drawing = { 0 };
	uint64_t jobs = 0;
	struct rtc_job job;

	draw_random(&drawing);
	manifest = rtt_draw_manifest((const char *)drawing.data);
	avoid_some(&limits, manifest);
	while (rtc_picker_pick(manifest, &limits, &job)) {
		ck_assert_msg(++jobs < 1000, "seed %u goes on for ever: %s",
		    seed, (const char *)drawing.data);
		expect_none_avoided(&limits, &job);
		next = carry_out(&job, manifest, jobs + 1000);
		rtc_job_fini(&job);
		rt_manifest_unref(manifest);
		manifest = next;
	}
	if (limits.avoid_count == 0 && limits.full_seq != 0 && !limits.l0_only)
		for (size_t i = 0; i < manifest->runs_count; i++)
			expect_down(&limits, &manifest->runs[i]);
	else if (limits.avoid_count == 0 && !limits.l0_only) {
		expect_no_more_runs(&limits, manifest);
		expect_no_age(&limits, manifest);
	}
	rt_manifest_unref(manifest);
	rt_buf_fini(&drawing);
}

START_TEST(every_job_fits_its_manifest_and_the_last_one_comes)
{
	unsigned seed = take_seed();

	for (unsigned i = 0; i < 500; i++) {
		srand(seed + i);
		pick_to_the_end(seed + i);
	}
}
END_TEST

/* Begin jobs beside others, and end those under way in any order. */
static void
pick_several_to_the_end(unsigned seed)
{
	struct rtc_limits limits = {
		.l0_trigger = 1 + (uint64_t)rand() % 5,
		.level_base_bytes = 100 + (uint64_t)rand() % 300,
		.level_multiplier = 2 + (uint64_t)rand() % 9,
		.table_bytes = (uint64_t)rand() % 100,
		.expired_before_ms = (uint64_t)rand() % 1000,
		.tombstones_before_s = (uint64_t)rand() % 50,
		.full_seq = random_full_seq(),
		.l0_only = rand() % 8 == 0,
		.lazy = rand() % 2 == 0,
		.max_job_bytes = rand() % 4 == 0 ? 200 : 0,
	};
	const struct rt_manifest *manifest, *next;
	struct rt_buf drawing = { 0 };
	const struct rtc_job *running[4];
	struct rtc_job jobs[4];
	uint64_t number = 1000, beside = 0;

	draw_random(&drawing);
	manifest = rtt_draw_manifest((const char *)drawing.data);
	limits.running = running;
	for (;;) {
		struct rtc_job *job = &jobs[limits.running_count];
		size_t which;

		if (limits.running_count < RT_COUNTOF(jobs) &&
		    rand() % 3 != 0 &&
		    rtc_picker_pick(manifest, &limits, job)) {
			beside += limits.running_count > 0;
			running[limits.running_count++] = job;
			continue;
		}
		if (limits.running_count == 0 &&
		    !rtc_picker_pick(manifest, &limits, job))
			break;
		if (limits.running_count == 0)
			running[limits.running_count++] = job;
		ck_assert_msg(++number < 3000, "seed %u goes on for ever: %s",
		    seed, (const char *)drawing.data);
		which = (size_t)rand() % limits.running_count;
		next = carry_out(&jobs[which], manifest, number);
		rtc_job_fini(&jobs[which]);
		jobs[which] = jobs[--limits.running_count];
		rt_manifest_unref(manifest);
		manifest = next;
	}
	together += beside;
	rt_manifest_unref(manifest);
	rt_buf_fini(&drawing);
}

START_TEST(jobs_picked_beside_others_end_in_any_order)
{
	unsigned seed = take_seed();

	together = 0;
	for (unsigned i = 0; i < 2000; i++) {
		srand(seed + i);
		pick_several_to_the_end(seed + i);
	}
	printf("# %" PRIu64 " jobs were picked beside others\n", together);
	ck_assert_uint_gt(together, 1000);
}
END_TEST

RTT_MAIN("picker", the_next_age_is_that_of_the_oldest_young_tombstone,
    jobs_picked_beside_others_end_in_any_order,
    every_job_fits_its_manifest_and_the_last_one_comes,
    each_drawn_case_is_picked_as_written,
    debt_is_what_lies_above_the_targets)
