/* The order of things:
 *
 * 1. List the segments from the floor on and read their headers. One of
 *    another database, or begun under a later manifest than ours, is refused.
 * 2. From the newest segment with a whole header follow the predecessors'
 *    numbers down to the floor: that is the chain. A link that is missing or
 *    has no whole header is damage. Newer files without a whole header were
 *    about to be begun and hold nothing acknowledged; files between two links
 *    were given up by an earlier, tolerant recovery.
 * 3. Replay the chain. All but its last segment end exactly where their
 *    successor's header says: rotation syncs the old segment whole before a
 *    byte of the new one is written, so an earlier end is damage.
 * 4. In the last segment the first record that is not whole, at X, is damage
 *    when a later record tells that more than X was durable, or when the
 *    manifest's mark of a clean stop lies beyond X. Otherwise a write was
 *    under way: the tail is torn, was never acknowledged as durable, and is
 *    cut. */
#include "riptided/wal/wal_reader.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "libcommon/base/invariant.h"
#include "libcommon/os/crashpoint.h"
#include "libcommon/os/path.h"
#include "riptided/wal/wal_segment.h"

/* How often progress is told of, in bytes. */
#define PROGRESS_BYTES (UINT64_C(64) << 10)
#define PAGE_BYTES 4096
/* Of the log's end, written again at a time. */
#define PIECE_BYTES ((size_t)256 << 10)

/* A file with a segment's name. */
struct found {
	uint64_t number;
	bool whole;		/* its header is */
	uint64_t size;
	struct rtd_wal_segment_header header;
};

struct replayer {
	struct rtd_wal_replay *replay;
	struct found *found;	/* ascending; from the floor on */
	size_t found_count, found_cap;
	size_t *chain;		/* indexes into found, ascending */
	size_t chain_count;
	uint64_t next_seq;
	uint64_t synced_upto;	/* bytes of the last segment known as safe */
	uint64_t before_bytes;	/* in the links before the one under way */
	uint64_t total_bytes;	/* in all of them */
	uint64_t told_bytes;	/* when progress was told of last */
	/* A link that is not there, when tolerant: what the chain ends with. */
	bool broken;
	struct rt_err broken_err;
	uint64_t broken_segment;
};

static void
note_name(void *arg, const char *name)
{
	struct replayer *replayer = arg;
	struct rtd_wal_replay *replay = replayer->replay;
	uint64_t number;

	if (!rt_path_parse_wal(name, &number))
		return;
	if (number > replay->last_segment)
		replay->last_segment = number;
	if (number < replay->floor)
		return;
	if (replayer->found_count == replayer->found_cap) {
		replayer->found_cap = replayer->found_cap * 2 + 16;
		replayer->found = rt_realloc(replayer->found,
		    replayer->found_cap * sizeof(replayer->found[0]));
	}
	replayer->found[replayer->found_count++] =
	    (struct found){ .number = number };
}

static int
by_number(const void *a, const void *b)
{
	const struct found *x = a, *y = b;

	return (x->number > y->number) - (x->number < y->number);
}

static enum rt_code
check_origin(const struct rtd_wal_replay *replay, const struct found *found,
    struct rt_err *err)
{
	if (memcmp(found->header.database_uuid, replay->database_uuid,
		RTD_WAL_UUID_BYTES) != 0)
		return rt_err_set(err, RT_EDAMAGED,
		    "wal/%" PRIu64 ".wal belongs to another database",
		    found->number);
	if (found->header.manifest_generation > replay->manifest_generation)
		return rt_err_set(err, RT_EDAMAGED,
		    "wal/%" PRIu64 ".wal was begun under manifest generation %"
		    PRIu64 ", but the newest manifest here is generation %"
		    PRIu64 ": newer manifests are missing", found->number,
		    found->header.manifest_generation,
		    replay->manifest_generation);
	return RT_OK;
}

/* A file whose header names another segment: the header of one below the floor,
 * or one that was written before a power cut took back the file's name and has
 * no record. Both are spares that were renamed and not yet given a header of
 * their own. With a record it is a segment under a wrong name. */
static enum rt_code
judge_stranger(const struct rtd_wal_replay *replay,
    struct rtd_wal_segment *seg, uint64_t number, struct rt_err *err)
{
	struct rtd_wal_record record;
	enum rt_code code;

	if (seg->header.number < replay->floor)
		return RT_OK;
	code = rtd_wal_segment_next(seg, &record, err);
	if (code != RT_OK)
		return code == RT_ENOTFOUND ? RT_OK : code;
	return rt_err_set(err, RT_EDAMAGED,
	    "wal/%" PRIu64 ".wal holds segment %" PRIu64
	    ": files were renamed", number, seg->header.number);
}

static enum rt_code
read_header(const struct rtd_wal_replay *replay, struct found *found,
    struct rt_err *err)
{
	struct rtd_wal_segment seg = RTD_WAL_SEGMENT_INIT;
	char name[RT_PATH_NAME_BYTES];
	enum rt_code code;

	code = rtd_wal_segment_open(&seg, replay->fs, replay->dir,
	    rt_path_wal(name, found->number), err);
	found->header = seg.header;
	found->size = seg.size;
	if (code == RT_ENOTFOUND) {
		rt_err_clear(err);
		code = RT_OK;
	} else if (code != RT_OK) {
		rt_err_prefix(err, "wal/%s", name);
	} else if (found->header.number == found->number) {
		found->whole = true;
		code = check_origin(replay, found, err);
	} else {
		code = judge_stranger(replay, &seg, found->number, err);
	}
	rtd_wal_segment_close(&seg);
	return code;
}

static enum rt_code
list_segments(struct replayer *replayer, struct rt_err *err)
{
	struct rtd_wal_replay *replay = replayer->replay;
	enum rt_code code = rt_fs_list(replay->fs, replay->dir, note_name,
	    replayer, err);

	if (code != RT_OK)
		return rt_err_prefix(err, "wal");
	if (replayer->found_count != 0)
		qsort(replayer->found, replayer->found_count,
		    sizeof(replayer->found[0]), by_number);
	for (size_t i = 0; i < replayer->found_count && code == RT_OK; i++)
		code = read_header(replay, &replayer->found[i], err);
	if (code == RT_OK && replayer->found_count != 0)
		replay->first_segment = replayer->found[0].number;
	return code;
}

/* The newest whole segment with a number below `below`: its index, or
 * found_count. */
static size_t
newest_whole(const struct replayer *replayer, uint64_t below)
{
	for (size_t i = replayer->found_count; i > 0; i--) {
		if (replayer->found[i - 1].whole &&
		    replayer->found[i - 1].number < below)
			return i - 1;
	}
	return replayer->found_count;
}

/* The chain is broken at `segment`: an error, or when tolerant the end of what
 * is kept. The lowest break counts. */
static enum rt_code
break_chain(struct replayer *replayer, uint64_t segment, const char *what,
    uint64_t named_by, struct rt_err *err)
{
	rt_err_set(&replayer->broken_err, RT_EDAMAGED,
	    "wal/%" PRIu64 ".wal %s, and segment %" PRIu64
	    " follows it: acknowledged writes after sequence %" PRIu64
	    " are missing", segment, what, named_by,
	    replayer->replay->flushed_seq);
	replayer->broken = true;
	replayer->broken_segment = segment;
	replayer->chain_count = 0;
	replayer->replay->tolerable = true;
	if (replayer->replay->tolerant)
		return RT_OK;
	if (err != NULL)
		*err = replayer->broken_err;
	return RT_EDAMAGED;
}

static void
reverse(size_t *items, size_t count)
{
	for (size_t i = 0; i < count / 2; i++) {
		size_t item = items[i];

		items[i] = items[count - 1 - i];
		items[count - 1 - i] = item;
	}
}

/* The segment that follows in the chain downwards from `from`, as an index;
 * found_count at its lower end. */
static enum rt_code
step_down(struct replayer *replayer, const struct found *from, size_t *next,
    struct rt_err *err)
{
	uint64_t prev = from->header.prev_number;
	/* Downwards in any case, whatever the header says. */
	uint64_t below = prev < from->number ? prev : from->number;

	*next = newest_whole(replayer, from->number);
	if (prev == 0) {
		/* The log claims to begin here, above what is not flushed. */
		if (*next == replayer->found_count ||
		    from->header.prev_last_seq <= replayer->replay->flushed_seq)
			goto bottom;
		return break_chain(replayer, replayer->found[*next].number,
		    "is not named as its predecessor", from->number, err);
	}
	if (prev < replayer->replay->floor)
		goto bottom;
	for (size_t i = 0; i < replayer->found_count; i++) {
		if (replayer->found[i].number != prev)
			continue;
		if (replayer->found[i].whole && prev < from->number) {
			*next = i;
			return RT_OK;
		}
		*next = newest_whole(replayer, below);
		return break_chain(replayer, prev, "has no whole header",
		    from->number, err);
	}
	*next = newest_whole(replayer, below);
	return break_chain(replayer, prev, "is missing", from->number, err);
bottom:
	*next = replayer->found_count;
	return RT_OK;
}

static enum rt_code
build_chain(struct replayer *replayer, struct rt_err *err)
{
	size_t at = newest_whole(replayer, UINT64_MAX);
	enum rt_code code;

	replayer->chain = rt_alloc_zero(replayer->found_count + 1,
	    sizeof(replayer->chain[0]));
	while (at < replayer->found_count) {
		const struct found *found = &replayer->found[at];

		replayer->chain[replayer->chain_count++] = at;
		code = step_down(replayer, found, &at, err);
		if (code != RT_OK)
			return code;
	}
	reverse(replayer->chain, replayer->chain_count);
	return RT_OK;
}

/* The manifest's mark of a clean stop names a segment that must be there. */
static enum rt_code
check_clean_mark(struct replayer *replayer, struct rt_err *err)
{
	struct rtd_wal_replay *replay = replayer->replay;

	if (replay->clean_wal == 0 || replay->clean_wal < replay->floor)
		return RT_OK;
	for (size_t i = 0; i < replayer->found_count; i++) {
		if (replayer->found[i].number == replay->clean_wal &&
		    replayer->found[i].whole)
			return RT_OK;
	}
	rt_err_set(&replayer->broken_err, RT_EDAMAGED, "wal/%" PRIu64
	    ".wal is missing or has no whole header, and the manifest says "
	    "that it ended cleanly with %" PRIu64 " bytes", replay->clean_wal,
	    replay->clean_wal_bytes);
	replayer->broken = true;
	replayer->broken_segment = replay->clean_wal;
	replay->tolerable = true;
	if (replay->tolerant)
		return RT_OK;
	if (err != NULL)
		*err = replayer->broken_err;
	return RT_EDAMAGED;
}

static enum rt_code
tell_progress(struct replayer *replayer, uint64_t done, struct rt_err *err)
{
	const struct rtd_wal_replay *replay = replayer->replay;

	replayer->told_bytes = done;
	if (done > replayer->total_bytes)
		done = replayer->total_bytes;
	if (replay->progress == NULL ||
	    replay->progress(replay->arg, done, replayer->total_bytes))
		return RT_OK;
	return rt_err_set(err, RT_ESTOPPED, "replay was stopped");
}

/* One record: RT_ENOTFOUND when its sequence does not follow. */
static enum rt_code
take_record(struct replayer *replayer, uint64_t segment,
    const struct rtd_wal_record *record, struct rt_err *err)
{
	struct rtd_wal_replay *replay = replayer->replay;
	uint64_t first = record->header.first_seq;
	uint64_t last = first + record->header.count - 1;
	enum rt_code code = RT_OK;

	if (first != replayer->next_seq || last + 1 < first)
		return RT_ENOTFOUND;
	if (record->header.synced_upto > replayer->synced_upto)
		replayer->synced_upto = record->header.synced_upto;
	if (record->header.type != RTD_WAL_DATA)
		return RT_OK;
	replayer->next_seq = last + 1;
	if (last <= replay->flushed_seq)
		return RT_OK;
	replay->bulk = record->bulk;
	if (replay->apply != NULL)
		code = replay->apply(replay->arg, segment, first,
		    record->header.count, record->payload, err);
	if (code != RT_OK)
		return rt_err_prefix(err, "replay");
	replay->records++;
	replay->bytes += RTD_WAL_RECORD_HEADER_BYTES + record->header.length;
	replay->last_seq = last;
	return RT_OK;
}

/* All records up to the first that is not whole or does not follow; *clean:
 * the last was a clean end. seg->offset is the end. */
static enum rt_code
read_records(struct replayer *replayer, struct rtd_wal_segment *seg,
    bool *clean, struct rt_err *err)
{
	struct rtd_wal_record record;
	uint64_t at, done;
	enum rt_code code;

	*clean = false;
	while (!*clean) {
		at = seg->offset;
		code = rtd_wal_segment_next(seg, &record, err);
		if (code == RT_OK)
			code = take_record(replayer, seg->header.number,
			    &record, err);
		if (code != RT_OK) {
			seg->offset = at;
			return code == RT_ENOTFOUND ? RT_OK : code;
		}
		*clean = record.header.type == RTD_WAL_CLEAN_END;
		done = replayer->before_bytes + seg->offset;
		if (RT_UNLIKELY(done - replayer->told_bytes >= PROGRESS_BYTES))
			code = tell_progress(replayer, done, err);
		if (code != RT_OK)
			return code;
	}
	return RT_OK;
}

static enum rt_code
damaged(const struct replayer *replayer, const struct rtd_wal_segment *seg,
    uint64_t offset, uint64_t last_seq, struct rt_err *err)
{
	uint64_t number = seg->header.number;

	if (last_seq < replayer->next_seq)
		return rt_err_set(err, RT_EDAMAGED, "wal/%" PRIu64
		    ".wal is damaged at offset %" PRIu64
		    ": acknowledged writes from sequence %" PRIu64
		    " on cannot be read", number, offset, replayer->next_seq);
	return rt_err_set(err, RT_EDAMAGED, "wal/%" PRIu64
	    ".wal is damaged at offset %" PRIu64
	    ": acknowledged writes of the sequences %" PRIu64 " to %" PRIu64
	    " cannot be read", number, offset, replayer->next_seq, last_seq);
}

static void
set_torn(struct rtd_wal_replay *replay, uint64_t segment, uint64_t offset,
    uint64_t end)
{
	replay->torn_segment = segment;
	replay->torn_offset = offset;
	replay->torn_bytes = end - offset;
}

/* The rest of the last segment behind its last good record: quiet, torn, or
 * RT_EDAMAGED. */
static enum rt_code
judge_tail(struct replayer *replayer, struct rtd_wal_segment *seg,
    struct rt_err *err)
{
	struct rtd_wal_replay *replay = replayer->replay;
	uint64_t number = seg->header.number, bad_at = seg->offset;
	uint64_t end = bad_at, synced_upto = 0, last_seq = 0;
	struct rtd_wal_record record;
	uint8_t head[RTD_WAL_RECORD_HEADER_BYTES];
	enum rt_code code;
	size_t got;

	for (uint64_t at = bad_at;; at = seg->offset) {
		code = rtd_wal_segment_search(seg, at, replayer->next_seq,
		    &record, err);
		if (code != RT_OK)
			break;
		end = seg->offset;
		if (record.header.synced_upto > synced_upto)
			synced_upto = record.header.synced_upto;
		last_seq = record.header.first_seq + record.header.count - 1;
	}
	seg->offset = bad_at;
	if (code != RT_ENOTFOUND)
		return code;
	if (synced_upto > bad_at || (number == replay->clean_wal &&
		bad_at < replay->clean_wal_bytes))
		return damaged(replayer, seg, bad_at, last_seq, err);
	if ((seg->header.flags & RTD_WAL_FLAG_RECYCLED) == 0) {
		code = rtd_wal_segment_nonzero_end(seg, bad_at, &end, err);
	} else if (end == bad_at) {
		/* What an earlier segment left is no torn record; one of ours
		 * shows its sequence, or the file ends within its header. */
		code = rt_fs_read(seg->fs, seg->fd, head, sizeof(head), bad_at,
		    &got, err);
		if (code == RT_OK && (got < sizeof(head) ||
			(rtd_wal_record_header_decode(head, &record.header) &&
			    record.header.first_seq == replayer->next_seq)))
			end = bad_at + got;
	} else {
		code = RT_OK;
	}
	if (code == RT_OK && end > bad_at)
		set_torn(replay, number, bad_at, end);
	return code;
}

static enum rt_code
replay_segment(struct replayer *replayer, const struct found *found,
    const struct found *successor, struct rt_err *err)
{
	struct rtd_wal_replay *replay = replayer->replay;
	struct rtd_wal_segment seg = RTD_WAL_SEGMENT_INIT;
	char name[RT_PATH_NAME_BYTES];
	enum rt_code code;
	bool clean = false;

	code = rtd_wal_segment_open(&seg, replay->fs, replay->dir,
	    rt_path_wal(name, found->number), err);
	if (code != RT_OK)
		goto out;
	if (successor != NULL && successor->header.prev_bytes < seg.limit)
		seg.limit = successor->header.prev_bytes;
	/* The sequence before the first may lie higher than the predecessor's
	 * last one: recovery begins above all that was ever given out. */
	if (found->header.prev_last_seq + 1 < replayer->next_seq) {
		code = damaged(replayer, &seg, 0, 0, err);
		goto out;
	}
	replayer->next_seq = found->header.prev_last_seq + 1;
	replayer->synced_upto = 0;
	code = read_records(replayer, &seg, &clean, err);
	if (code != RT_OK)
		goto out;
	replay->end_segment = found->number;
	replay->end_bytes = seg.offset;
	if (successor != NULL) {
		if (seg.offset < successor->header.prev_bytes)
			code = damaged(replayer, &seg, seg.offset,
			    successor->header.prev_last_seq, err);
	} else if (!clean) {
		code = judge_tail(replayer, &seg, err);
	}
out:
	replay->tolerable = code == RT_EDAMAGED;
	if (replay->tolerable && replay->tolerant)
		set_torn(replay, found->number, seg.offset,
		    seg.size < seg.offset ? seg.offset : seg.size);
	rtd_wal_segment_close(&seg);
	return code;
}

/* The i-th link of the chain; NULL behind the last. */
static const struct found *
link_at(const struct replayer *replayer, size_t i)
{
	return i < replayer->chain_count ?
	    &replayer->found[replayer->chain[i]] : NULL;
}

/* About where the zeros begin that end a segment, whose space is prepared
 * before it is written. What was there before a recycled one counts. Only for
 * people: an error gives the size. */
static uint64_t
about_written(const struct replayer *replayer, const struct found *found)
{
	const struct rtd_wal_replay *replay = replayer->replay;
	uint64_t low = RTD_WAL_RECORDS_AT / PAGE_BYTES;
	uint64_t high = found->size / PAGE_BYTES;
	char name[RT_PATH_NAME_BYTES];
	uint8_t page[PAGE_BYTES];
	size_t got;
	int fd = -1;

	if (rt_fs_open_read(replay->fs, replay->dir,
		rt_path_wal(name, found->number), &fd, NULL) != RT_OK)
		return found->size;
	while (low < high) {
		uint64_t middle = low + (high - low) / 2;
		bool zeros;

		if (rt_fs_read(replay->fs, fd, page, sizeof(page),
			middle * PAGE_BYTES, &got, NULL) != RT_OK)
			break;
		zeros = got == 0 || (page[0] == 0 &&
			memcmp(page, page + 1, got - 1) == 0);
		if (zeros)
			high = middle;
		else
			low = middle + 1;
	}
	rt_fs_close(replay->fs, &fd, NULL);
	return low == high && low * PAGE_BYTES < found->size
	    ? low * PAGE_BYTES : found->size;
}

/* The bytes to go through in a link. Where the last one ends is not known
 * before it is read, unless the manifest has a mark. */
static uint64_t
link_bytes(const struct replayer *replayer, size_t i)
{
	const struct rtd_wal_replay *replay = replayer->replay;
	const struct found *found = link_at(replayer, i);
	const struct found *successor = link_at(replayer, i + 1);

	rt_assert(found != NULL);
	if (successor != NULL && successor->header.prev_bytes < found->size)
		return successor->header.prev_bytes;
	if (found->number == replay->clean_wal &&
	    replay->clean_wal_bytes < found->size)
		return replay->clean_wal_bytes;
	return successor == NULL ? about_written(replayer, found) : found->size;
}

static enum rt_code
replay_chain(struct replayer *replayer, struct rt_err *err)
{
	enum rt_code code;

	for (size_t i = 0; i < replayer->chain_count; i++)
		replayer->total_bytes += link_bytes(replayer, i);
	code = tell_progress(replayer, 0, err);
	for (size_t i = 0; i < replayer->chain_count && code == RT_OK; i++) {
		/* Below a break the chain's end is known only by its bytes. */
		code = replay_segment(replayer, link_at(replayer, i),
		    link_at(replayer, i + 1), err);
		replayer->before_bytes += link_bytes(replayer, i);
	}
	if (code == RT_OK)
		code = tell_progress(replayer, replayer->total_bytes, err);
	return code;
}

/* Write [from, to) over with what is there; a file that was cut behind its
 * header ends before. */
static enum rt_code
write_again(const struct rtd_wal_replay *replay, int fd, uint64_t from,
    uint64_t to, struct rt_err *err)
{
	uint8_t *bytes = rt_alloc(PIECE_BYTES);
	enum rt_code code = RT_OK;

	while (code == RT_OK && from < to) {
		size_t len = to - from < PIECE_BYTES ? (size_t)(to - from) :
		    PIECE_BYTES, got = 0;

		code = rt_fs_read(replay->fs, fd, bytes, len, from, &got, err);
		if (code == RT_OK)
			code = rt_fs_write_exact(replay->fs, fd, bytes, got,
			    from, err);
		from += got;
		if (got < len)
			break;
	}
	free(bytes);
	return code;
}

/* After a process that was killed, what was replayed may be in the kernel's
 * memory alone. Reads will rest on it and a new segment will follow it, so that
 * it has to be safe first: a power cut would leave a hole. A sync alone is not
 * enough: where one failed before, the kernel takes those pages for clean. So
 * what is not known to have been synced is written again. */
static enum rt_code
keep_end(const struct replayer *replayer, bool cut, struct rt_err *err)
{
	const struct rtd_wal_replay *replay = replayer->replay;
	char name[RT_PATH_NAME_BYTES];
	enum rt_code code;
	int fd = -1;

	rt_path_wal(name, replay->end_segment);
	code = rt_fs_open_write(replay->fs, replay->dir, name, &fd, err);
	if (code == RT_OK && cut)
		code = rt_fs_truncate(replay->fs, fd, replay->torn_offset, err);
	RT_CRASHPOINT("recover-tail-cut");
	if (code == RT_OK)
		code = write_again(replay, fd, replayer->synced_upto,
		    replay->end_bytes, err);
	if (code == RT_OK)
		code = rt_fs_sync(replay->fs, fd, err);
	rt_fs_close(replay->fs, &fd, NULL);
	if (code != RT_OK)
		rt_err_prefix(err, "keep the end of the log in wal/%s", name);
	return code;
}

static void
reset_outputs(struct rtd_wal_replay *replay)
{
	replay->first_segment = replay->last_segment = 0;
	replay->end_segment = replay->end_bytes = 0;
	replay->last_seq = replay->flushed_seq;
	replay->records = replay->bytes = 0;
	replay->torn_segment = replay->torn_offset = replay->torn_bytes = 0;
	replay->tolerable = false;
}

enum rt_code
rtd_wal_replay(struct rtd_wal_replay *replay, struct rt_err *err)
{
	struct replayer replayer = { .replay = replay };
	struct rt_err own = { 0 };
	enum rt_code code;
	bool cut = false;

	if (err == NULL)
		err = &own;
	reset_outputs(replay);
	code = list_segments(&replayer, err);
	if (code == RT_OK)
		code = build_chain(&replayer, err);
	if (code == RT_OK)
		code = check_clean_mark(&replayer, err);
	if (code != RT_OK)
		goto out;
	code = replay_chain(&replayer, err);
	if (code == RT_OK && replayer.broken) {
		*err = replayer.broken_err;
		if (replay->torn_segment == 0)
			set_torn(replay, replayer.broken_segment, 0, 0);
	} else if (code == RT_EDAMAGED && replay->tolerant &&
	    replay->torn_segment != 0) {
		code = RT_OK;
	} else if (code == RT_OK) {
		cut = replay->torn_segment != 0;
	}
	if (code == RT_OK && replay->end_segment != 0 && !replay->read_only)
		code = keep_end(&replayer, cut, err);
out:
	free(replayer.chain);
	free(replayer.found);
	return code;
}
