/* Walks over the keys: SCAN and KEYS, each on a pool thread, over an
 * iterator that was made on the loop and sees one moment.
 *
 * SCAN looks at COUNT keys in key order from the cursor's place (its two forms
 * are in scan_cursor.h) and returns those that match. A pattern that begins
 * with literal bytes bounds the walk to the range of keys that begin with
 * them. A cursor whose key is not in the table any more is looked for by
 * hashing keys from the start of that range; when it is not found the scan
 * begins anew. docs/scan.md has the argument why no key is missed. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "libcommon/base/glob.h"
#include "libcommon/base/invariant.h"
#include "libcommon/base/number.h"
#include "riptided/cmd/cmd_job.h"
#include "riptided/cmd/handlers.h"

#define COUNT_DEFAULT 10

struct walk {
	struct rtd_cmd_job job;
	struct rt_iter *iter;
	uint64_t seq;			/* what the iterator sees */
	uint32_t keyspace;
	/* asked */
	struct rt_buf pattern;
	bool match_all;
	bool match_none;		/* a type that does not exist here */
	size_t literal;			/* bytes of the pattern */
	uint64_t cursor;
	struct rt_buf place;		/* user key to go on at, or behind */
	bool behind;
	bool search;			/* the place is known by hash only */
	bool past_end;			/* a cursor that nothing can follow */
	uint64_t count;			/* keys to look at; UINT64_MAX: all */
	/* found */
	struct rt_buf keys;		/* bulk replies */
	uint64_t found;
	struct rt_buf last;		/* the last key looked at */
	uint64_t next_cursor;
	enum rt_code code;
	struct rt_err err;
};

static struct walk *
walk_of(struct rtd_cmd_job *job)
{
	return (struct walk *)job;
}

static void
walk_free(struct rtd_cmd_job *job)
{
	struct walk *walk = walk_of(job);

	rt_iter_free(walk->iter);
	rt_buf_fini(&walk->pattern);
	rt_buf_fini(&walk->place);
	rt_buf_fini(&walk->keys);
	rt_buf_fini(&walk->last);
	free(walk);
}

/* -- on the pool thread -- */

static struct rt_slice
literal_of(const struct walk *walk)
{
	return rt_slice(walk->pattern.data, walk->literal);
}

static bool
in_range(const struct walk *walk)
{
	return walk->iter->valid && rt_slice_starts_with(
	    rt_key_user(walk->iter->entry.key), literal_of(walk));
}

static void
seek(struct walk *walk, struct rt_slice user_key)
{
	struct rt_buf key = { 0 };
	uint8_t prefix[RT_KEY_PREFIX_BYTES];

	rt_key_put_prefix(prefix, walk->keyspace, RT_KEY_KIND_STRING);
	rt_buf_append(&key, prefix, sizeof(prefix));
	rt_buf_append_slice(&key, user_key);
	rt_iter_seek(walk->iter, rt_buf_slice(&key), RT_SEQ_MAX);
	rt_buf_fini(&key);
}

/* Behind the key whose hash the cursor is, or back to the start. */
static void
search(struct walk *walk)
{
	seek(walk, literal_of(walk));
	while (in_range(walk)) {
		bool here = rtd_cursor_behind(rt_key_user(
		    walk->iter->entry.key)) == walk->cursor;

		rt_iter_next(walk->iter);
		if (here)
			return;
	}
	if (walk->iter->code == RT_OK)
		seek(walk, literal_of(walk));
}

static void
go_to_place(struct walk *walk)
{
	struct rt_slice place = rt_buf_slice(&walk->place);

	if (walk->search) {
		search(walk);
		return;
	}
	if (rt_slice_compare(place, literal_of(walk)) < 0) {
		seek(walk, literal_of(walk));
		return;
	}
	seek(walk, place);
	if (walk->behind && walk->iter->valid && rt_slice_equal(place,
		rt_key_user(walk->iter->entry.key)))
		rt_iter_next(walk->iter);
}

static void
look_at(struct walk *walk, struct rt_slice key)
{
	struct rtd_resp_writer writer = { .out = &walk->keys, .protocol = 2 };

	if (walk->match_none || (!walk->match_all &&
		!rt_glob_match(rt_buf_slice(&walk->pattern), key, false)))
		return;
	walk->found++;
	rtd_reply_bulk(&writer, key);
}

static void
walk_work(struct rtd_cmd_job *job)
{
	struct walk *walk = walk_of(job);
	uint64_t looked = 0;

	if (walk->past_end)
		return;
	go_to_place(walk);
	for (; in_range(walk); rt_iter_next(walk->iter)) {
		struct rt_slice key = rt_key_user(walk->iter->entry.key);

		if (looked == walk->count) {
			walk->next_cursor = rtd_cursor_between(
			    rt_buf_slice(&walk->last), key);
			break;
		}
		look_at(walk, key);
		if (++looked == walk->count)
			rt_buf_append_slice(&walk->last, key);
	}
	walk->code = walk->iter->code;
	walk->err = walk->iter->err;
}

/* -- on the loop -- */

static void
release_keys(void *arg)
{
	rt_buf_fini(arg);
	free(arg);
}

/* Many of them are not copied: the reply takes them over. */
static void
reply_keys(struct rtd_resp_writer *reply, struct rt_buf *found)
{
	struct rt_bulk *bulk;
	struct rt_buf *keys;

	if (found->len < RT_BULK_BYTES_MIN || reply->inlays == NULL) {
		rt_buf_append_slice(reply->out, rt_buf_slice(found));
		return;
	}
	keys = rt_alloc(sizeof(*keys));
	*keys = *found;
	*found = (struct rt_buf){ 0 };
	bulk = rt_bulk_wrap(keys->data, keys->len, release_keys, keys);
	/* The end of the last line stands in the buffer, so that the reply
	 * does not end with an inlay. */
	rt_inlays_add(reply->inlays, reply->out->len,
	    rt_slice(keys->data, keys->len - 2), bulk);
	rt_buf_append(reply->out, "\r\n", 2);
	rt_bulk_unref(bulk);
}

static void
walk_reply(struct rtd_cmd_job *job)
{
	struct walk *walk = walk_of(job);
	struct rtd_client *client = job->client;
	struct rtd_resp_writer *reply = &client->reply;
	char digits[24];

	rtd_client_wait_for(client, walk->seq);
	if (walk->code != RT_OK) {
		rtd_reply_read_error(job->server, reply, walk->err.text);
		return;
	}
	if (walk->count != UINT64_MAX) {
		if (rtd_cursor_is_behind(walk->next_cursor))
			rtd_scan_cursors_put(&job->server->cursors,
			    walk->next_cursor, rt_buf_slice(&walk->last));
		snprintf(digits, sizeof(digits), "%" PRIu64,
		    walk->next_cursor);
		rtd_reply_array(reply, 2);
		rtd_reply_bulk_cstr(reply, digits);
	}
	rtd_reply_array(reply, walk->found);
	reply_keys(reply, &walk->keys);
}

static struct walk *
walk_new(void)
{
	struct walk *walk = rt_alloc_zero(1, sizeof(*walk));

	walk->job.work = walk_work;
	walk->job.reply = walk_reply;
	walk->job.free = walk_free;
	walk->match_all = true;
	walk->count = UINT64_MAX;
	return walk;
}

static void
set_pattern(struct walk *walk, struct rt_slice pattern)
{
	rt_buf_clear(&walk->pattern);
	rt_buf_append_slice(&walk->pattern, pattern);
	walk->match_all = rt_slice_equal(pattern, rt_slice_cstr("*"));
	walk->literal = rt_glob_literal_prefix(pattern);
}

static void
walk_start(struct walk *walk, struct rtd_call *call)
{
	struct rtd_read read = rtd_call_reading(call);
	struct rt_buf behind = { 0 };

	rt_buf_append_slice(&behind, literal_of(walk));
	behind.len = rt_key_behind_prefix(behind.data, behind.len);
	read.lower = literal_of(walk);
	read.upper = rt_buf_slice(&behind);
	walk->keyspace = read.keyspace;
	walk->iter = rtd_call_iter(call, &read, &walk->seq);
	rt_buf_fini(&behind);
	if (walk->iter == NULL) {
		rtd_reply_error(rtd_call_reply(call),
		    "ERR the snapshot in use was released");
		walk_free(&walk->job);
		return;
	}
	rtd_cmd_job_start(&walk->job, call);
}

/* A pattern that is longer than any key matches few and costs much. */
static bool
pattern_allowed(struct rtd_call *call, struct rt_slice pattern)
{
	if (pattern.len <= RT_USER_KEY_BYTES_MAX)
		return true;
	rtd_reply_error(rtd_call_reply(call),
	    "ERR pattern is too long (limit %u)", RT_USER_KEY_BYTES_MAX);
	return false;
}

void
rtd_cmd_keys(struct rtd_call *call)
{
	struct walk *walk;

	if (!pattern_allowed(call, call->argv[1]))
		return;
	walk = walk_new();
	set_pattern(walk, call->argv[1]);
	walk_start(walk, call);
}

/* -- SCAN -- */

/* False: the error reply is written. */
static bool
parse_scan(struct rtd_call *call, struct walk *walk)
{
	int64_t count;

	walk->count = COUNT_DEFAULT;
	if (!rt_parse_u64(call->argv[1], &walk->cursor)) {
		rtd_reply_error(rtd_call_reply(call), "ERR invalid cursor");
		return false;
	}
	for (size_t i = 2; i < call->argc; i += 2) {
		if (i + 1 == call->argc) {
			rtd_call_syntax_error(call);
			return false;
		}
		if (rtd_call_arg_is(call, i, "COUNT")) {
			if (!rtd_call_i64(call, call->argv[i + 1], &count))
				return false;
			if (count < 1) {
				rtd_call_syntax_error(call);
				return false;
			}
			walk->count = (uint64_t)count;
		} else if (rtd_call_arg_is(call, i, "MATCH")) {
			if (!pattern_allowed(call, call->argv[i + 1]))
				return false;
			set_pattern(walk, call->argv[i + 1]);
		} else if (rtd_call_arg_is(call, i, "TYPE")) {
			walk->match_none = !rtd_call_arg_is(call, i + 1,
			    "string");
		} else {
			rtd_call_syntax_error(call);
			return false;
		}
	}
	return true;
}

static void
find_place(struct walk *walk, struct rtd_scan_cursors *cursors)
{
	uint8_t start[RTD_CURSOR_PREFIX_BYTES];
	struct rt_slice key;
	size_t len;

	if (rtd_cursor_is_behind(walk->cursor)) {
		walk->behind = rtd_scan_cursors_get(cursors, walk->cursor,
		    &key);
		walk->search = !walk->behind;
		if (walk->behind)
			rt_buf_append_slice(&walk->place, key);
	} else if (rtd_cursor_start(walk->cursor, start, &len)) {
		rt_buf_append(&walk->place, start, len);
	} else {
		walk->past_end = true;
	}
}

void
rtd_cmd_scan(struct rtd_call *call)
{
	struct walk *walk = walk_new();

	if (!parse_scan(call, walk)) {
		walk_free(&walk->job);
		return;
	}
	find_place(walk, &call->server->cursors);
	walk_start(walk, call);
}
