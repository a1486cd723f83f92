#include "riptide-compactd/retention.h"

#include <stdlib.h>

#include "libcommon/base/invariant.h"
#include "libcommon/table/key_pieces.h"
#include "libcommon/table/value.h"

/* Where the outputs will stand among the runs: every run behind this index is
 * older. For level 0 that is the last input's run; else the target's, or the
 * last one before it where they are to be its newest run. *newest: the index of
 * the first input's run; those in front of it are newer than all inputs. */
static size_t
position_of(const struct rtc_job *job, size_t *newest)
{
	const struct rt_manifest *manifest = job->manifest;
	size_t position = 0;

	*newest = manifest->runs_count;
	for (size_t i = 0; i < manifest->runs_count; i++) {
		const struct rt_manifest_run *run = &manifest->runs[i];
		bool holds_input = false;

		for (size_t j = 0; j < run->tables_count && !holds_input; j++)
			holds_input = rtc_job_has(job, &run->tables[j]);
		if (holds_input && *newest == manifest->runs_count)
			*newest = i;
		if (holds_input || (job->target_level > 0 &&
			run->level + job->as_run <= job->target_level))
			position = i + 1;
	}
	return position;
}

static void
add_older(struct rtc_retention *retention, const struct rtc_job *job,
    const struct rt_manifest_run *run)
{
	struct rtc_older_run *older =
	    &retention->older[retention->older_count];

	older->tables = rt_alloc_zero(run->tables_count,
	    sizeof(older->tables[0]));
	for (size_t i = 0; i < run->tables_count; i++)
		if (!rtc_job_has(job, &run->tables[i]))
			older->tables[older->count++] = &run->tables[i];
	retention->older_count++;
}

void
rtc_retention_init(struct rtc_retention *retention, const struct rtc_job *job,
    uint64_t expired_before_ms)
{
	const struct rt_manifest *manifest = job->manifest;
	size_t newest, position = position_of(job, &newest);

	*retention = (struct rtc_retention){
		.manifest = manifest,
		.expired_before_ms = expired_before_ms,
		.older = rt_alloc_zero(manifest->runs_count + 1,
		    sizeof(struct rtc_older_run)),
	};
	retention->keeps_tombstones = job->target_level == 0 &&
	    position < manifest->runs_count;
	for (size_t i = 0; i < manifest->runs_count; i++) {
		const struct rt_manifest_run *run = &manifest->runs[i];

		/* Tables of the target level that are not inputs share no key
		 * with the outputs, but an entry in a gap between inputs may
		 * lie in one: look at them as well. So it may in one of those
		 * runs of the source level that are older than others. */
		if (i >= position || (i >= newest && job->target_level > 0 &&
			(run->level == job->target_level ||
			    (run->level > 0 &&
				run->level == job->source_level))))
			add_older(retention, job, run);
	}
}

void
rtc_retention_fini(struct rtc_retention *retention)
{
	for (size_t i = 0; i < retention->older_count; i++)
		free(retention->older[i].tables);
	free(retention->older);
	rt_buf_fini(&retention->key);
}

/* Whether an older table outside the inputs has a range that holds the key. */
static bool
may_be_older(struct rtc_retention *retention, struct rt_slice key)
{
	if (retention->keeps_tombstones)
		return true;
	for (size_t i = 0; i < retention->older_count; i++) {
		struct rtc_older_run *older = &retention->older[i];

		while (older->at < older->count &&
		    rt_slice_compare(older->tables[older->at]->largest, key) <
			0)
			older->at++;
		if (older->at < older->count &&
		    rt_slice_compare(older->tables[older->at]->smallest,
			key) <= 0)
			return true;
	}
	return false;
}

/* How many snapshots lie below the sequence: those that do not see it. */
static size_t
stripe_of(const struct rt_manifest *manifest, uint64_t seq)
{
	size_t low = 0, high = manifest->snapshots_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (manifest->snapshots[middle] < seq)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* R2. A snapshot at the drop's own sequence sees the drop. */
static bool
is_dropped(const struct rtc_retention *retention, const struct rt_entry *entry,
    size_t stripe)
{
	uint64_t drop_seq = rt_manifest_drop_seq(retention->manifest,
	    rt_key_keyspace(entry->key));

	/* A snapshot that the list lacks may lie above what is flushed. */
	return entry->seq < drop_seq &&
	    drop_seq <= retention->manifest->flushed_seq &&
	    stripe_of(retention->manifest, drop_seq) == stripe;
}

static bool
is_expired(const struct rtc_retention *retention, const struct rt_entry *entry)
{
	struct rt_slice bytes;
	uint64_t expire_ms;

	return entry->type == RT_ENTRY_PUT &&
	    rt_value_decode(entry->value, &expire_ms, &bytes) &&
	    expire_ms != RT_NO_EXPIRY &&
	    expire_ms < retention->expired_before_ms;
}

enum rtc_verdict
rtc_retention_judge(struct rtc_retention *retention,
    const struct rt_entry *entry)
{
	size_t stripe = stripe_of(retention->manifest, entry->seq);
	bool expired;

	retention->begins_key = !retention->has_key ||
	    !rt_key_pieces_equal(rt_buf_slice(&retention->key), entry->key);
	if (retention->begins_key) {
		rt_key_pieces_copy(&retention->key, entry->key, 0);
		retention->has_key = true;
	} else if (stripe == retention->stripe) {
		return RTC_GO_SHADOWED;
	}
	retention->stripe = stripe;
	if (is_dropped(retention, entry, stripe))
		return RTC_GO_DROPPED;
	/* A snapshot that sees it was made before it expired, perhaps. */
	expired = stripe == retention->manifest->snapshots_count &&
	    is_expired(retention, entry);
	if (!expired && entry->type != RT_ENTRY_TOMBSTONE)
		return RTC_KEEP;
	if (stripe == 0 && !may_be_older(retention, entry->key))
		return expired ? RTC_GO_EXPIRED : RTC_GO_TOMBSTONE;
	return expired ? RTC_KEEP_AS_TOMBSTONE : RTC_KEEP;
}
