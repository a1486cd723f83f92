#include "riptide-compactd/retention.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libcommon/table/value.h"
#include "tests/support/draw_manifest.h"
#include "tests/support/runner.h"

#define GRACE_OVER_MS 500
#define KEYS 8
#define VERSIONS_MAX 400

/* One version as the model knows it. */
struct version {
	unsigned key;
	uint64_t seq;
	enum rt_entry_type type;
	uint64_t expire_ms;
	uint8_t stored[RT_VALUE_HEADER_BYTES_MAX + 8];
	size_t stored_len;
};

static struct rt_slice
key_of(unsigned n, char out[8])
{
	memcpy(out, "\0\0\0\0sk", 6);
	out[6] = (char)('0' + n);
	return rt_slice(out, 7);
}

static void
make_version(struct version *version, unsigned key, uint64_t seq,
    enum rt_entry_type type, uint64_t expire_ms)
{
	*version = (struct version){ key, seq, type, expire_ms, { 0 }, 0 };
	if (type == RT_ENTRY_PUT) {
		version->stored_len = rt_value_put_header(version->stored,
		    expire_ms);
		version->stored[version->stored_len++] = (uint8_t)('a' + key);
	}
}

static enum rtc_verdict
judge(struct rtc_retention *retention, const struct version *version)
{
	char key[8];
	struct rt_entry entry = {
		.key = key_of(version->key, key),
		.seq = version->seq,
		.type = version->type,
		.value = rt_slice(version->stored, version->stored_len),
	};
	return rtc_retention_judge(retention, &entry);
}

/* The manifest's first two runs are the job's inputs. */
static void
begin(struct rtc_job *job, struct rtc_retention *retention, const char *drawing,
    uint32_t target)
{
	const struct rt_manifest *manifest = rtt_draw_manifest(drawing);

	rtc_job_init(job, manifest, RTC_JOB_MERGE, 0, target, "test");
	for (size_t i = 0; i < 2 && i < manifest->runs_count; i++)
		for (size_t j = 0; j < manifest->runs[i].tables_count; j++)
			rtc_job_add(job, &manifest->runs[i].tables[j]);
	rtc_retention_init(retention, job, GRACE_OVER_MS);
	rt_manifest_unref(manifest);
}

static void
end(struct rtc_job *job, struct rtc_retention *retention)
{
	rtc_retention_fini(retention);
	rtc_job_fini(job);
}


static void
expect_verdicts(const char *drawing, unsigned count,
    const struct version *versions, const enum rtc_verdict *verdicts)
{
	struct rtc_retention retention;
	struct rtc_job job;

	begin(&job, &retention, drawing, 1);
	for (unsigned i = 0; i < count; i++)
		ck_assert_msg(judge(&retention, &versions[i]) == verdicts[i],
		    "version %u of: %s", i, drawing);
	end(&job, &retention);
}

#define INPUTS "L0 d-2 k0..k9 seq=50-99\nL1 c1-1 k0..k9 seq=1-49\n"

START_TEST(only_the_newest_version_stays)
{
	struct version versions[3];
	static const enum rtc_verdict verdicts[] = { RTC_KEEP,
		RTC_GO_SHADOWED, RTC_KEEP };

	make_version(&versions[0], 1, 60, RT_ENTRY_PUT, 0);
	make_version(&versions[1], 1, 20, RT_ENTRY_PUT, 0);
	make_version(&versions[2], 2, 10, RT_ENTRY_PUT, 0);
	expect_verdicts(INPUTS, 3, versions, verdicts);
}
END_TEST

START_TEST(a_snapshot_keeps_the_version_it_sees)
{
	struct version versions[4];
	static const enum rtc_verdict verdicts[] = { RTC_KEEP, RTC_KEEP,
		RTC_GO_SHADOWED, RTC_GO_SHADOWED };

	make_version(&versions[0], 1, 60, RT_ENTRY_PUT, 0);
	make_version(&versions[1], 1, 30, RT_ENTRY_PUT, 0);
	make_version(&versions[2], 1, 20, RT_ENTRY_TOMBSTONE, 0);
	make_version(&versions[3], 1, 10, RT_ENTRY_PUT, 0);
	expect_verdicts("snapshot 30\n" INPUTS, 4, versions, verdicts);
}
END_TEST

START_TEST(a_tombstone_goes_when_nothing_older_can_be_below)
{
	struct version versions[2];
	static const enum rtc_verdict alone[] = { RTC_GO_TOMBSTONE,
		RTC_GO_SHADOWED };
	static const enum rtc_verdict above[] = { RTC_KEEP, RTC_GO_SHADOWED };

	make_version(&versions[0], 5, 60, RT_ENTRY_TOMBSTONE, 0);
	make_version(&versions[1], 5, 20, RT_ENTRY_PUT, 0);
	expect_verdicts(INPUTS, 2, versions, alone);
	expect_verdicts(INPUTS "L2 c1-9 k0..k4\nL2 c1-8 k6..k9\n", 2, versions,
	    alone);
	expect_verdicts(INPUTS "L2 c1-9 k4..k6\n", 2, versions, above);
	expect_verdicts(INPUTS "L2 c1-7 k0..k1\nL3 c1-9 k5..k5\n", 2, versions,
	    above);
	/* A snapshot below it still needs what it hides. */
	expect_verdicts("snapshot 30\n" INPUTS, 2, versions,
	    (const enum rtc_verdict[]){ RTC_KEEP, RTC_KEEP });
}
END_TEST

START_TEST(an_expired_value_never_merely_vanishes)
{
	struct version versions[2];

	make_version(&versions[0], 5, 60, RT_ENTRY_PUT, GRACE_OVER_MS - 1);
	make_version(&versions[1], 5, 20, RT_ENTRY_PUT, 0);
	expect_verdicts(INPUTS, 2, versions,
	    (const enum rtc_verdict[]){ RTC_GO_EXPIRED, RTC_GO_SHADOWED });
	expect_verdicts(INPUTS "L2 c1-9 k4..k6\n", 2, versions,
	    (const enum rtc_verdict[]){ RTC_KEEP_AS_TOMBSTONE,
		RTC_GO_SHADOWED });
	expect_verdicts("snapshot 30\n" INPUTS, 2, versions,
	    (const enum rtc_verdict[]){ RTC_KEEP_AS_TOMBSTONE, RTC_KEEP });
	make_version(&versions[0], 5, 60, RT_ENTRY_PUT, GRACE_OVER_MS);
	expect_verdicts(INPUTS, 2, versions,
	    (const enum rtc_verdict[]){ RTC_KEEP, RTC_GO_SHADOWED });
}
END_TEST

/* It may have been alive when the snapshot was made. */
START_TEST(an_expired_value_that_a_snapshot_sees_stays)
{
	struct version versions[3];

	make_version(&versions[0], 5, 60, RT_ENTRY_PUT, GRACE_OVER_MS - 1);
	make_version(&versions[1], 5, 20, RT_ENTRY_PUT, GRACE_OVER_MS - 1);
	make_version(&versions[2], 5, 10, RT_ENTRY_PUT, 0);
	expect_verdicts("snapshot 60\n" INPUTS, 3, versions,
	    (const enum rtc_verdict[]){ RTC_KEEP, RTC_GO_SHADOWED,
		RTC_GO_SHADOWED });
	expect_verdicts("snapshot 20\n" INPUTS, 3, versions,
	    (const enum rtc_verdict[]){ RTC_KEEP_AS_TOMBSTONE, RTC_KEEP,
		RTC_GO_SHADOWED });
	expect_verdicts("snapshot 20\nsnapshot 60\n" INPUTS, 3, versions,
	    (const enum rtc_verdict[]){ RTC_KEEP, RTC_KEEP,
		RTC_GO_SHADOWED });
}
END_TEST

START_TEST(a_drop_takes_what_came_before_it)
{
	struct version versions[2];

	make_version(&versions[0], 5, 70, RT_ENTRY_PUT, 0);
	make_version(&versions[1], 6, 60, RT_ENTRY_PUT, 0);
	expect_verdicts("drop 0 65\n" INPUTS "L2 c1-9 k0..k9\n", 2, versions,
	    (const enum rtc_verdict[]){ RTC_KEEP, RTC_GO_DROPPED });
	expect_verdicts("snapshot 62\ndrop 0 65\n" INPUTS, 2, versions,
	    (const enum rtc_verdict[]){ RTC_KEEP, RTC_KEEP });
	/* A snapshot above the drop does not see the old version. */
	expect_verdicts("snapshot 66\ndrop 0 65\n" INPUTS, 2, versions,
	    (const enum rtc_verdict[]){ RTC_KEEP, RTC_GO_DROPPED });
	expect_verdicts("drop 1 65\n" INPUTS, 2, versions,
	    (const enum rtc_verdict[]){ RTC_KEEP, RTC_KEEP });
}
END_TEST

START_TEST(a_drop_that_is_not_flushed_takes_nothing)
{
	struct version version;

	make_version(&version, 6, 60, RT_ENTRY_PUT, 0);
	expect_verdicts("drop 0 100\n" INPUTS, 1, &version,
	    (const enum rtc_verdict[]){ RTC_KEEP });
	expect_verdicts("drop 0 99\n" INPUTS, 1, &version,
	    (const enum rtc_verdict[]){ RTC_GO_DROPPED });
}
END_TEST

START_TEST(inside_level_0_tombstones_go_only_with_the_oldest_run)
{
	static const char above[] = "L0 d-3 k0..k9 seq=50-99\n"
				    "L0 d-2 k0..k9 seq=20-49\n";
	struct rtc_retention retention;
	struct version versions[2];
	struct rtc_job job;
	char drawing[128];

	make_version(&versions[0], 5, 60, RT_ENTRY_TOMBSTONE, 0);
	make_version(&versions[1], 5, 30, RT_ENTRY_PUT, 0);
	/* The older run holds other keys, and yet. */
	snprintf(drawing, sizeof(drawing), "%sL0 d-1 k0..k1 seq=1-9\n", above);
	begin(&job, &retention, drawing, 0);
	ck_assert_int_eq(judge(&retention, &versions[0]), RTC_KEEP);
	ck_assert_int_eq(judge(&retention, &versions[1]), RTC_GO_SHADOWED);
	end(&job, &retention);
	begin(&job, &retention, above, 0);
	ck_assert_int_eq(judge(&retention, &versions[0]), RTC_GO_TOMBSTONE);
	end(&job, &retention);
}
END_TEST

/* Of several runs of a level, one is rewritten in its place. */
static enum rtc_verdict
judge_in_place(const char *drawing, const char *table,
    const struct version *version)
{
	const struct rt_manifest *manifest = rtt_draw_manifest(drawing);
	struct rtc_retention retention;
	enum rtc_verdict verdict;
	struct rtc_job job;

	rtc_job_init(&job, manifest, RTC_JOB_MERGE, 5, 5, "test");
	rtc_job_add(&job, rt_manifest_find(manifest, rtt_file_id(table),
	    NULL));
	rtc_retention_init(&retention, &job, GRACE_OVER_MS);
	verdict = judge(&retention, version);
	end(&job, &retention);
	rt_manifest_unref(manifest);
	return verdict;
}

START_TEST(newer_runs_of_its_level_keep_no_tombstone)
{
	static const char runs[] = "L5 c1-3 k0..k9 seq=70-99\n"
				   "L5+ c1-2 k0..k9 seq=50-69\n";
	struct version version;
	char drawing[128];

	make_version(&version, 5, 60, RT_ENTRY_TOMBSTONE, 0);
	ck_assert_int_eq(judge_in_place(runs, "c1-2", &version),
	    RTC_GO_TOMBSTONE);
	snprintf(drawing, sizeof(drawing), "%sL5+ c1-1 k0..k9 seq=1-49\n",
	    runs);
	ck_assert_int_eq(judge_in_place(drawing, "c1-2", &version), RTC_KEEP);
	snprintf(drawing, sizeof(drawing), "%sL6 c1-1 k0..k9 seq=1-49\n",
	    runs);
	ck_assert_int_eq(judge_in_place(drawing, "c1-2", &version), RTC_KEEP);
}
END_TEST

/* What a reader at read_seq, to whom it is now_ms, sees of a key: 0 for nothing,
 * else the sequence. */
static uint64_t
visible(const struct version *versions, unsigned count, unsigned key,
    uint64_t read_seq, uint64_t now_ms, uint64_t drop_seq)
{
	const struct version *newest = NULL;

	for (unsigned i = 0; i < count; i++)
		if (versions[i].key == key && versions[i].seq <= read_seq &&
		    (newest == NULL || versions[i].seq > newest->seq))
			newest = &versions[i];
	if (newest == NULL || newest->type == RT_ENTRY_TOMBSTONE ||
	    (newest->expire_ms != 0 && newest->expire_ms < now_ms) ||
	    (read_seq >= drop_seq && newest->seq < drop_seq))
		return 0;
	return newest->seq;
}

static int
compare_versions(const void *a, const void *b)
{
	const struct version *x = a, *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return x->seq > y->seq ? -1 : 1;
}

/* Versions over three levels, the upper two merged: every reader, at each
 * snapshot by any clock and now by the compactor's, sees the same before and
 * after. */
static void
one_model(unsigned seed, unsigned gone[RTC_VERDICTS])
{
	static struct version before[VERSIONS_MAX], after[VERSIONS_MAX];
	unsigned count = 0, kept = 0, inputs;
	struct rtc_retention retention;
	struct rtc_job job;
	char drawing[512];
	uint64_t snapshots[3], drop_seq, deep = 1 + (unsigned)rand() % 40;
	unsigned snapshots_count = (unsigned)rand() % 4;
	bool deep_run = rand() % 2 == 0;
	int at = 0;

	drop_seq = rand() % 3 == 0 ? 1 + (uint64_t)rand() % 200 : 0;
	for (unsigned i = 0; i < snapshots_count; i++) {
		snapshots[i] = (i > 0 ? snapshots[i - 1] : 0) + 1 +
		    (uint64_t)rand() % 60;
		at += snprintf(drawing + at, sizeof(drawing) - (size_t)at,
		    "snapshot %llu\n", (unsigned long long)snapshots[i]);
	}
	if (drop_seq != 0)
		at += snprintf(drawing + at, sizeof(drawing) - (size_t)at,
		    "drop 0 %llu\n", (unsigned long long)drop_seq);
	snprintf(drawing + at, sizeof(drawing) - (size_t)at,
	    "L0 d-2 k0..k9 seq=100-199\nL1 c1-1 k0..k9 seq=41-99\n%s",
	    deep_run ? "L2 c1-2 k0..k3 seq=1-40\n" : "");
	/* Sequences below 41 are in the deep run, with keys 0 to 3. */
	for (uint64_t seq = deep_run ? deep : 41; seq < 200; seq++) {
		unsigned key = (unsigned)rand() % (seq < 41 ? 4 : KEYS);
		int kind = rand() % 5;

		make_version(&before[count++], key, seq,
		    kind == 0 ? RT_ENTRY_TOMBSTONE : RT_ENTRY_PUT,
		    kind == 1 ? 1 + (uint64_t)rand() % 1000 : 0);
	}
	qsort(before, count, sizeof(before[0]), compare_versions);
	begin(&job, &retention, drawing, 1);
	inputs = 0;
	for (unsigned i = 0; i < count; i++) {
		enum rtc_verdict verdict;

		if (before[i].seq < 41) {
			after[kept++] = before[i];
			continue;
		}
		inputs++;
		verdict = judge(&retention, &before[i]);
		gone[verdict]++;
		if (verdict == RTC_KEEP)
			after[kept++] = before[i];
		else if (verdict == RTC_KEEP_AS_TOMBSTONE)
			make_version(&after[kept++], before[i].key,
			    before[i].seq, RT_ENTRY_TOMBSTONE, 0);
	}
	ck_assert_uint_gt(inputs, 0);
	for (unsigned key = 0; key < KEYS; key++)
		for (unsigned i = 0; i <= snapshots_count; i++) {
			uint64_t read_seq = i < snapshots_count
			    ? snapshots[i] : 1000;
			uint64_t now_ms = i < snapshots_count
			    ? (uint64_t)rand() % 1000 : GRACE_OVER_MS;

			ck_assert_msg(visible(before, count, key, read_seq,
			    now_ms, drop_seq) == visible(after, kept, key,
			    read_seq, now_ms, drop_seq), "seed %u: key %u at %llu: %s", seed, key,
			    (unsigned long long)read_seq, drawing);
		}
	end(&job, &retention);
}

START_TEST(every_reader_sees_the_same_before_and_after)
{
	unsigned gone[RTC_VERDICTS] = { 0 };

	for (unsigned seed = 1; seed <= 3000; seed++) {
		srand(seed);
		one_model(seed, gone);
	}
	/* Each rule has fired, or nothing was proved. */
	for (unsigned verdict = 0; verdict < RTC_VERDICTS; verdict++)
		ck_assert_msg(gone[verdict] > 0, "verdict %u never came",
		    verdict);
}
END_TEST

RTT_MAIN("retention", only_the_newest_version_stays,
    a_snapshot_keeps_the_version_it_sees,
    a_tombstone_goes_when_nothing_older_can_be_below,
    an_expired_value_never_merely_vanishes,
    an_expired_value_that_a_snapshot_sees_stays, a_drop_takes_what_came_before_it,
    a_drop_that_is_not_flushed_takes_nothing,
    inside_level_0_tombstones_go_only_with_the_oldest_run,
    newer_runs_of_its_level_keep_no_tombstone,
    every_reader_sees_the_same_before_and_after)
