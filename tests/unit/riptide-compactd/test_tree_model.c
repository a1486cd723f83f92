/* A database of eight keys in memory: real manifests, edits, picker and drop
 * rule, and tables of a few versions that exist in the test alone. Flushes,
 * snapshots, drops, expiry, tombstones that age, merges one beside the other,
 * under both policies and while the policy changes. After each step every reader
 * must see what it would see if nothing had ever been merged. In the end a
 * compactor that is left alone comes to rest, with nothing too old. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "libcommon/base/invariant.h"
#include "libcommon/manifest/manifest_edit.h"
#include "libcommon/table/value.h"
#include "riptide-compactd/aging.h"
#include "riptide-compactd/picker.h"
#include "riptide-compactd/retention.h"
#include "tests/support/draw_manifest.h"
#include "tests/support/runner.h"

#define KEYS 8
#define STEPS 220
#define SNAPSHOTS_MAX 4
#define JOBS_MAX 3
#define ENTRY_BYTES 10
/* No database of a model has that much to do. */
#define REST_JOBS_MAX 300

struct version {
	unsigned key;
	uint64_t seq;
	bool is_tombstone;
	uint64_t expire_ms;	/* 0: never */
};

struct versions {
	struct version *all;
	size_t count, cap;
};

struct file {
	struct rt_file_id id;
	struct versions versions;	/* by key, newest first */
};

struct snapshot {
	uint64_t seq, created_ms, drop_seq;
};

struct world {
	const struct rt_manifest *manifest;
	struct versions written;	/* all there ever were */
	struct versions memtable;
	struct file *files;
	size_t files_count;
	struct snapshot snapshots[SNAPSHOTS_MAX];
	size_t snapshots_count;
	uint64_t seq, now_ms, flushed_ms, drop_seq, next_file;
	uint64_t age;	/* tombstones get so old; 0: any. As now_ms */
	struct rtc_limits limits;
	const struct rtc_job *running[JOBS_MAX];
	struct rtc_job jobs[JOBS_MAX];
	uint64_t expired_before[JOBS_MAX];
	unsigned merges, as_runs, conflicts, aged, judged[RTC_VERDICTS];
	uint32_t runs_seen;	/* most runs of a level below 0 */
};

static void
append(struct versions *list, const struct version *version)
{
	if (list->count == list->cap) {
		list->cap = list->cap * 2 + 8;
		list->all = rt_realloc(list->all,
		    list->cap * sizeof(list->all[0]));
	}
	list->all[list->count++] = *version;
}

static int
compare(const void *a, const void *b)
{
	const struct version *x = a, *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return x->seq > y->seq ? -1 : x->seq < y->seq;
}

static void
sort(struct versions *list)
{
	if (list->count > 0)
		qsort(list->all, list->count, sizeof(list->all[0]), compare);
}

static struct rt_slice
key_of(unsigned n, char out[8])
{
	memcpy(out, "\0\0\0\0sk", 6);
	out[6] = (char)('0' + n);
	return rt_slice(out, 7);
}

/* -- what readers see -- */

static uint64_t
judge_seen(const struct version *newest, uint64_t read_seq, uint64_t now_ms,
    uint64_t drop_seq)
{
	if (newest == NULL || newest->is_tombstone ||
	    (newest->expire_ms != 0 && newest->expire_ms < now_ms) ||
	    (read_seq >= drop_seq && newest->seq < drop_seq))
		return 0;
	return newest->seq;
}

static const struct version *
newest_in(const struct versions *list, unsigned key, uint64_t read_seq)
{
	const struct version *newest = NULL;

	for (size_t i = 0; i < list->count; i++)
		if (list->all[i].key == key && list->all[i].seq <= read_seq &&
		    (newest == NULL || list->all[i].seq > newest->seq))
			newest = &list->all[i];
	return newest;
}

static const struct file *
find_file(const struct world *world, struct rt_file_id id)
{
	for (size_t i = 0; i < world->files_count; i++)
		if (rt_file_id_equal(world->files[i].id, id))
			return &world->files[i];
	ck_abort_msg("no such file");
}

/* The first run that has a version ends the search, as in the daemon. */
static const struct version *
newest_in_tree(const struct world *world, unsigned key, uint64_t read_seq)
{
	const struct version *found = newest_in(&world->memtable, key,
	    read_seq);
	const struct rt_manifest *manifest = world->manifest;
	char text[8];
	struct rt_slice name = key_of(key, text);

	for (size_t i = 0; found == NULL && i < manifest->runs_count; i++) {
		const struct rt_manifest_run *run = &manifest->runs[i];

		for (size_t j = 0; found == NULL && j < run->tables_count; j++)
			if (rt_slice_compare(run->tables[j].smallest, name) <=
				0 && rt_slice_compare(run->tables[j].largest,
				name) >= 0)
				found = newest_in(&find_file(world,
				    run->tables[j].id)->versions, key,
				    read_seq);
	}
	return found;
}

static void
check_reader(const struct world *world, uint64_t read_seq, uint64_t now_ms,
    uint64_t drop_seq, unsigned seed, const char *what)
{
	for (unsigned key = 0; key < KEYS; key++)
		ck_assert_msg(judge_seen(newest_in(&world->written, key,
		    read_seq), read_seq, now_ms, drop_seq) ==
		    judge_seen(newest_in_tree(world, key, read_seq), read_seq,
			now_ms, drop_seq), "RTT_SEED=%u: key %u at %" PRIu64
		    " after %s", seed, key, read_seq, what);
}

static void
check(const struct world *world, unsigned seed, const char *what)
{
	check_reader(world, world->seq, world->now_ms, world->drop_seq, seed,
	    what);
	for (size_t i = 0; i < world->snapshots_count; i++)
		check_reader(world, world->snapshots[i].seq,
		    world->snapshots[i].created_ms,
		    world->snapshots[i].drop_seq, seed, what);
}

/* -- tables -- */

static struct rt_manifest_table
describe(const struct versions *list, struct rt_file_id id, char keys[2][8])
{
	struct rt_manifest_table table = {
		.id = id,
		.unique_id = id.number,
		.size = list->count * ENTRY_BYTES,
		.smallest = key_of(list->all[0].key, keys[0]),
		.largest = key_of(list->all[list->count - 1].key, keys[1]),
		.min_seq = UINT64_MAX,
		.entries = list->count,
	};
	bool for_ever = false;

	for (size_t i = 0; i < list->count; i++) {
		const struct version *at = &list->all[i];

		if (at->seq < table.min_seq)
			table.min_seq = at->seq;
		if (at->seq > table.max_seq)
			table.max_seq = at->seq;
		table.tombstones += at->is_tombstone;
		table.older_versions += i > 0 && at[-1].key == at->key;
		for_ever = for_ever || at->expire_ms == 0;
		if (at->expire_ms != 0 && (table.expire_min_ms == 0 ||
			at->expire_ms < table.expire_min_ms))
			table.expire_min_ms = at->expire_ms;
		if (at->expire_ms > table.expire_max_ms)
			table.expire_max_ms = at->expire_ms;
	}
	if (for_ever)
		table.expire_max_ms = 0;
	return table;
}

static void
keep_file(struct world *world, struct rt_file_id id,
    const struct versions *versions)
{
	world->files = rt_realloc(world->files,
	    (world->files_count + 1) * sizeof(world->files[0]));
	world->files[world->files_count++] = (struct file){ id, *versions };
}

static enum rt_code
publish(struct world *world, struct rt_manifest_edit *edit, struct rt_err *err)
{
	const struct rt_manifest *next = NULL;
	enum rt_code code = rt_manifest_edit_apply(edit, world->manifest,
	    &next, err);

	rt_manifest_edit_free(edit);
	if (code != RT_OK)
		return code;
	rt_manifest_unref(world->manifest);
	world->manifest = next;
	return RT_OK;
}

/* -- the daemon's steps -- */

static void
write_some(struct world *world)
{
	for (int left = 1 + rand() % 6; left > 0; left--) {
		struct version version = {
			.key = (unsigned)rand() % KEYS,
			.seq = ++world->seq,
			.is_tombstone = rand() % 4 == 0,
		};

		if (!version.is_tombstone && rand() % 4 == 0)
			version.expire_ms = world->now_ms +
			    (uint64_t)rand() % 60;
		append(&world->written, &version);
		append(&world->memtable, &version);
	}
	if (rand() % 20 == 0)
		world->drop_seq = ++world->seq;
}

static void
flush(struct world *world)
{
	struct rt_manifest_edit *edit = rt_manifest_edit_new(RT_ROLE_DAEMON,
	    world->manifest->daemon_epoch);
	struct rt_file_id id = { 0, world->next_file++ };
	uint64_t seqs[SNAPSHOTS_MAX];
	struct rt_manifest_table table;
	struct rt_err err = { 0 };
	char keys[2][8];
	size_t count = 0;

	for (size_t i = 0; i < world->snapshots_count; i++)
		if (count == 0 || seqs[count - 1] < world->snapshots[i].seq)
			seqs[count++] = world->snapshots[i].seq;
	if (world->memtable.count > 0) {
		sort(&world->memtable);
		table = describe(&world->memtable, id, keys);
		if (table.tombstones > 0)
			table.tombstones_since_s = world->now_ms;
		rt_manifest_edit_add_run(edit, &table);
		keep_file(world, id, &world->memtable);
		world->memtable = (struct versions){ 0 };
	}
	rt_manifest_edit_set_flushed(edit, world->seq, 0);
	rt_manifest_edit_set_snapshots(edit, seqs, count);
	if (world->drop_seq != 0)
		rt_manifest_edit_set_drop(edit, 0, world->drop_seq);
	ck_assert_msg(publish(world, edit, &err) == RT_OK, "%s", err.text);
	world->flushed_ms = world->now_ms;
}

static void
turn_snapshots(struct world *world)
{
	if (world->snapshots_count == SNAPSHOTS_MAX ||
	    (world->snapshots_count > 0 && rand() % 2 == 0)) {
		size_t which = (size_t)rand() % world->snapshots_count;

		world->snapshots_count--;
		memmove(&world->snapshots[which], &world->snapshots[which + 1],
		    (world->snapshots_count - which) *
			sizeof(world->snapshots[0]));
		return;
	}
	world->snapshots[world->snapshots_count++] = (struct snapshot){
		world->seq, world->now_ms, world->drop_seq };
}

/* -- the compactor's -- */

static struct versions
merged(struct world *world, const struct rtc_job *job, uint64_t expired_before)
{
	struct versions in = { 0 }, out = { 0 };
	struct rtc_retention retention;
	char key[8];

	for (size_t i = 0; i < job->inputs_count; i++) {
		const struct versions *from =
		    &find_file(world, job->inputs[i]->id)->versions;

		for (size_t j = 0; j < from->count; j++)
			append(&in, &from->all[j]);
	}
	sort(&in);
	rtc_retention_init(&retention, job, expired_before);
	for (size_t i = 0; i < in.count; i++) {
		struct version version = in.all[i];
		uint8_t stored[RT_VALUE_HEADER_BYTES_MAX];
		struct rt_entry entry = {
			.key = key_of(version.key, key),
			.seq = version.seq,
			.type = version.is_tombstone ? RT_ENTRY_TOMBSTONE
			    : RT_ENTRY_PUT,
		};
		enum rtc_verdict verdict;

		if (!version.is_tombstone)
			entry.value = rt_slice(stored, rt_value_put_header(
			    stored, version.expire_ms));
		verdict = rtc_retention_judge(&retention, &entry);
		world->judged[verdict]++;
		if (verdict == RTC_KEEP_AS_TOMBSTONE)
			version = (struct version){ version.key, version.seq,
				true, 0 };
		if (verdict == RTC_KEEP || verdict == RTC_KEEP_AS_TOMBSTONE)
			append(&out, &version);
	}
	rtc_retention_fini(&retention);
	free(in.all);
	return out;
}

/* As the publisher has it, if less exactly. */
static uint64_t
since_of(const struct world *world, const struct rtc_job *job,
    const struct rt_manifest_table *table)
{
	uint64_t since = 0;

	if (table->tombstones == 0)
		return 0;
	for (size_t i = 0; i < job->inputs_count; i++) {
		uint64_t own = job->inputs[i]->tombstones_since_s;

		if (own != 0 && (since == 0 || own < since))
			since = own;
	}
	return since != 0 ? since : world->now_ms;
}

/* Cut between keys, now and then. Returns how many tables. */
static size_t
put_tables(struct world *world, const struct rtc_job *job,
    const struct versions *list, struct rt_manifest_table tables[KEYS],
    char keys[KEYS][2][8])
{
	struct versions piece = { 0 };
	size_t count = 0;

	for (size_t i = 0; i < list->count; i++) {
		struct rt_file_id id = { world->manifest->compactor_epoch,
			world->next_file };

		append(&piece, &list->all[i]);
		if (i + 1 < list->count &&
		    (list->all[i + 1].key == list->all[i].key ||
			rand() % 3 != 0))
			continue;
		tables[count] = describe(&piece, id, keys[count]);
		tables[count].tombstones_since_s =
		    since_of(world, job, &tables[count]);
		keep_file(world, id, &piece);
		piece = (struct versions){ 0 };
		world->next_file++;
		count++;
	}
	return count;
}

static void
carry_out(struct world *world, size_t which, unsigned seed, bool alone)
{
	struct rtc_job *job = &world->jobs[which];
	struct rt_manifest_edit *edit = rt_manifest_edit_new(RT_ROLE_COMPACTOR,
	    world->manifest->compactor_epoch);
	struct rt_file_id *ids = rtc_job_ids(job);
	struct rt_manifest_table tables[KEYS];
	struct versions out = { 0 };
	struct rt_err err = { 0 };
	char keys[KEYS][2][8], line[256];
	enum rt_code code;

	rtc_job_print(job, line, sizeof(line));
	world->aged += strstr(line, "tombstone-max-age") != NULL;
	if (job->kind == RTC_JOB_MERGE)
		out = merged(world, job, world->expired_before[which]);
	if (job->kind == RTC_JOB_MOVE)
		rt_manifest_edit_move(edit, ids[0], job->target_level);
	else
		rt_manifest_edit_replace(edit, ids, job->inputs_count,
		    job->target_level, tables,
		    put_tables(world, job, &out, tables, keys));
	if (job->as_run)
		rt_manifest_edit_as_run(edit);
	code = publish(world, edit, &err);
	ck_assert_msg(code == RT_OK || (code == RT_ECONFLICT && !alone),
	    "RTT_SEED=%u: %s: %s", seed, line, err.text);
	world->conflicts += code != RT_OK;
	world->merges++;
	world->as_runs += job->as_run;
	free(out.all);
	free(ids);
	rtc_job_fini(job);
	world->limits.running_count--;
	world->jobs[which] = world->jobs[world->limits.running_count];
	world->expired_before[which] =
	    world->expired_before[world->limits.running_count];
	check(world, seed, line);
}

static void
look_at_the_clock(struct world *world)
{
	world->limits.expired_before_ms = world->flushed_ms;
	world->limits.tombstones_before_s =
	    world->age != 0 && world->now_ms > world->age
	    ? world->now_ms - world->age : 0;
}

/* Begin a job, or end one of those under way. */
static void
compact(struct world *world, unsigned seed)
{
	size_t count = world->limits.running_count;

	look_at_the_clock(world);
	if (count < JOBS_MAX && rand() % 3 != 0 &&
	    rtc_picker_pick(world->manifest, &world->limits,
		&world->jobs[count])) {
		world->running[count] = &world->jobs[count];
		world->expired_before[count] = world->flushed_ms;
		world->limits.running_count++;
	} else if (count > 0) {
		carry_out(world, (size_t)rand() % count, seed, count == 1);
	}
}

static void
change_mind(struct world *world)
{
	world->limits.lazy = rand() % 2 == 0;
	world->limits.full_seq = rand() % 8 == 0 ? world->seq : 0;
	world->limits.l0_only = rand() % 8 == 0;
	world->limits.max_job_bytes = rand() % 8 == 0 ? 200 : 0;
}

/* Nobody writes any more. */
static void
come_to_rest(struct world *world, unsigned seed)
{
	unsigned jobs = 0;

	world->limits.l0_only = false;
	world->limits.max_job_bytes = 0;
	world->now_ms += world->age;
	look_at_the_clock(world);
	while (rtc_picker_pick(world->manifest, &world->limits,
	    &world->jobs[0])) {
		char line[256];

		ck_assert_msg(++jobs < REST_JOBS_MAX,
		    "RTT_SEED=%u: never at rest: %s", seed,
		    rtc_job_print(&world->jobs[0], line, sizeof(line)));
		world->running[0] = &world->jobs[0];
		world->expired_before[0] = world->flushed_ms;
		world->limits.running_count = 1;
		carry_out(world, 0, seed, true);
	}
	for (size_t i = 0; world->limits.full_seq == 0 &&
	     i < world->manifest->runs_count; i++) {
		const struct rt_manifest_run *run = &world->manifest->runs[i];

		for (size_t j = 0; j < run->tables_count; j++)
			ck_assert_msg(!rtc_aging_is_due(world->manifest,
			    &world->limits, &run->tables[j]),
			    "RTT_SEED=%u: too old", seed);
	}
}

static void
play(struct world *world, unsigned seed)
{
	world->age = rand() % 3 == 0 ? 0 : 1 + (uint64_t)rand() % 100;
	world->limits = (struct rtc_limits){
		.l0_trigger = 1 + (uint64_t)rand() % 4,
		.level_base_bytes = 30 + (uint64_t)rand() % 100,
		.level_multiplier = 2 + (uint64_t)rand() % 3,
		.table_bytes = 30,
		.running = world->running,
	};
	for (unsigned step = 0; step < STEPS; step++) {
		world->now_ms += (uint64_t)rand() % 5;
		switch (rand() % 10) {
		case 0:
			turn_snapshots(world);
			break;
		case 1:
		case 2:
			write_some(world);
			break;
		case 3:
			flush(world);
			break;
		case 4:
			if (rand() % 5 == 0)
				change_mind(world);
			break;
		default:
			compact(world, seed);
			break;
		}
		for (uint32_t level = 1; level <= RTC_LEVEL_LAST; level++) {
			size_t runs = rt_manifest_level_runs(world->manifest,
			    level);

			if (runs > world->runs_seen)
				world->runs_seen = (uint32_t)runs;
		}
		check(world, seed, "a step of the daemon");
	}
	while (world->limits.running_count > 0)
		carry_out(world, 0, seed, world->limits.running_count == 1);
	come_to_rest(world, seed);
}

static void
end(struct world *world)
{
	for (size_t i = 0; i < world->files_count; i++)
		free(world->files[i].versions.all);
	free(world->files);
	free(world->written.all);
	free(world->memtable.all);
	rt_manifest_unref(world->manifest);
}

START_TEST(every_reader_sees_the_same_whatever_is_merged)
{
	const char *given = getenv("RTT_SEED"), *rounds = getenv("RTT_ROUNDS");
	unsigned seed = given != NULL ? (unsigned)strtoul(given, NULL, 0)
	    : (unsigned)time(NULL);
	unsigned count = rounds != NULL ? (unsigned)strtoul(rounds, NULL, 0)
	    : 400;
	struct world sum = { 0 };

	printf("# RTT_SEED=%u\n", seed);
	fflush(stdout);
	for (unsigned i = 0; i < count; i++) {
		struct world world = { .next_file = 1, .now_ms = 1000 };

		srand(seed + i);
		world.manifest = rtt_draw_manifest("");
		play(&world, seed + i);
		sum.merges += world.merges;
		sum.as_runs += world.as_runs;
		sum.conflicts += world.conflicts;
		sum.aged += world.aged;
		for (unsigned j = 0; j < RTC_VERDICTS; j++)
			sum.judged[j] += world.judged[j];
		if (world.runs_seen > sum.runs_seen)
			sum.runs_seen = world.runs_seen;
		end(&world);
	}
	printf("# %u jobs, %u of them to runs of their own, %u for tombstones "
	    "of age, %u given up; up to %u runs in a level\n", sum.merges,
	    sum.as_runs, sum.aged, sum.conflicts, sum.runs_seen);
	/* Everything has happened, or nothing was proved. */
	for (unsigned j = 0; j < RTC_VERDICTS; j++)
		ck_assert_msg(sum.judged[j] > 0, "verdict %u never came", j);
	ck_assert_uint_gt(sum.as_runs, count / 2);
	ck_assert_uint_gt(sum.aged, count / 2);
	ck_assert_uint_ge(sum.runs_seen, 3);
	ck_assert_uint_lt(sum.conflicts * 50, sum.merges);
}
END_TEST

RTT_MAIN("tree_model", every_reader_sees_the_same_whatever_is_merged)
