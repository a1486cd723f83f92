/* retention: which versions a merge may leave out. Path: merger > [retention].
 *
 * S are the snapshots of the generation that the inputs were taken from; a
 * later snapshot lies above every input (I10, I11 in docs/manifest-protocol.md)
 * and needs of each key only the newest version, which is always kept.
 *
 * R1 Versions of a key that lie between the same two snapshots are seen by the
 *    same readers: the newest of them is kept, the others go.
 * R2 A version that a drop covers goes, when the drop is flushed and no
 *    snapshot lies between the two.
 *    Whatever is older is covered as well.
 * R3 A tombstone goes when it lies below every snapshot and nothing older
 *    outside the inputs can hold its key. Inside the inputs everything older
 *    goes by R1, since it shares the lowest stripe. A merge of level 0 into
 *    itself counts every older run as one that holds the key.
 * R4 A value whose expiry and grace have passed is a tombstone: it goes by R3,
 *    or becomes one in its place. It is never merely left out, or an older
 *    version would rise. But where a snapshot of S sees it, it stays: a
 *    snapshot judges expiry by the time of its creation, and a later one was
 *    made less than the grace ago.
 * Thread: one at a time. Keys must come in the order of key.h. */
#ifndef RIPTIDE_COMPACTD_RETENTION_H
#define RIPTIDE_COMPACTD_RETENTION_H

#include "libcommon/base/buf.h"
#include "libcommon/table/key.h"
#include "riptide-compactd/job.h"

enum rtc_verdict {
	RTC_KEEP,
	RTC_KEEP_AS_TOMBSTONE,	/* R4 */
	RTC_GO_SHADOWED,	/* R1 */
	RTC_GO_DROPPED,		/* R2 */
	RTC_GO_TOMBSTONE,	/* R3 */
	RTC_GO_EXPIRED,		/* R4 by R3 */
	RTC_VERDICTS
};

/* The tables of one older run that are not inputs, in key order, and how far
 * the merge has come along them. */
struct rtc_older_run {
	const struct rt_manifest_table **tables;
	size_t count;
	size_t at;
};

struct rtc_retention {
	const struct rt_manifest *manifest;
	uint64_t expired_before_ms;
	struct rtc_older_run *older;
	size_t older_count;
	struct rt_buf key;	/* the key under way */
	bool has_key;
	bool begins_key;	/* the entry judged last is its first version */
	bool keeps_tombstones;	/* every key counts as held by an older run */
	size_t stripe;		/* of its version seen last */
};

/* expired_before_ms: values that expire before have had their grace. The job
 * must outlive it. */
void rtc_retention_init(struct rtc_retention *retention,
    const struct rtc_job *job, uint64_t expired_before_ms);
void rtc_retention_fini(struct rtc_retention *retention);

enum rtc_verdict rtc_retention_judge(struct rtc_retention *retention,
    const struct rt_entry *entry);

#endif
