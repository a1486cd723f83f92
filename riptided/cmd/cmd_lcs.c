/* LCS: what two strings have in common. The table is of one times the other, so
 * that it is made on a pool thread unless it is small. */
#include <stdlib.h>

#include "libcommon/base/invariant.h"
#include "riptided/cmd/cmd_job.h"
#include "riptided/cmd/handlers.h"
#include "riptided/cmd/held.h"
#include "riptided/cmd/lcs.h"

/* Tables up to so many bytes are made on the loop, in some 30 us. */
#define SMALL_TABLE_BYTES (64 << 10)

struct wanted {
	bool len, ranges, range_lens;
	int64_t range_len_min;
};

struct comparing {
	struct rtd_cmd_job job;
	struct wanted wanted;
	struct rtd_held a, b;
	struct rtd_lcs lcs;
	bool has_memory;
};

/* False: the error reply is written. */
static bool
parse(struct rtd_call *call, struct wanted *wanted)
{
	for (size_t i = 3; i < call->argc; i++) {
		if (rtd_call_arg_is(call, i, "IDX")) {
			wanted->ranges = true;
		} else if (rtd_call_arg_is(call, i, "LEN")) {
			wanted->len = true;
		} else if (rtd_call_arg_is(call, i, "WITHMATCHLEN")) {
			wanted->range_lens = true;
		} else if (rtd_call_arg_is(call, i, "MINMATCHLEN") &&
		    i + 1 < call->argc) {
			if (!rtd_call_i64(call, call->argv[++i],
				&wanted->range_len_min))
				return false;
		} else {
			rtd_call_syntax_error(call);
			return false;
		}
	}
	if (wanted->ranges && wanted->len) {
		rtd_reply_error(rtd_call_reply(call), "ERR If you want both "
		    "the length and indexes, please just use IDX.");
		return false;
	}
	return true;
}

static void
reply_pair(struct rtd_resp_writer *reply, size_t first, size_t len)
{
	rtd_reply_array(reply, 2);
	rtd_reply_integer(reply, (int64_t)first);
	rtd_reply_integer(reply, (int64_t)(first + len - 1));
}

static void
reply_ranges(struct rtd_resp_writer *reply, const struct wanted *wanted,
    const struct rtd_lcs *lcs)
{
	const void *data = lcs->ranges.data;
	const struct rtd_lcs_range *ranges = data;
	size_t count = lcs->ranges.len / sizeof(*ranges), shown = 0;

	for (size_t i = 0; i < count; i++)
		shown += (int64_t)ranges[i].len >= wanted->range_len_min;
	rtd_reply_map(reply, 2);
	rtd_reply_bulk_cstr(reply, "matches");
	rtd_reply_array(reply, shown);
	for (size_t i = 0; i < count; i++) {
		if ((int64_t)ranges[i].len < wanted->range_len_min)
			continue;
		rtd_reply_array(reply, wanted->range_lens ? 3 : 2);
		reply_pair(reply, ranges[i].a_at, ranges[i].len);
		reply_pair(reply, ranges[i].b_at, ranges[i].len);
		if (wanted->range_lens)
			rtd_reply_integer(reply, (int64_t)ranges[i].len);
	}
	rtd_reply_bulk_cstr(reply, "len");
	rtd_reply_integer(reply, (int64_t)lcs->len);
}

static void
reply_found(struct rtd_resp_writer *reply, const struct wanted *wanted,
    const struct rtd_lcs *lcs, bool has_memory)
{
	if (!has_memory)
		rtd_reply_error(reply, "ERR Insufficient memory, failed "
		    "allocating transient memory for LCS");
	else if (wanted->ranges)
		reply_ranges(reply, wanted, lcs);
	else if (wanted->len)
		rtd_reply_integer(reply, (int64_t)lcs->len);
	else
		rtd_reply_bulk(reply, rt_buf_slice(&lcs->common));
}

static void
comparing_work(struct rtd_cmd_job *job)
{
	struct comparing *comparing = (struct comparing *)job;

	comparing->has_memory = rtd_lcs_find(comparing->a.bytes,
	    comparing->b.bytes, &comparing->lcs);
}

static void
comparing_reply(struct rtd_cmd_job *job)
{
	struct comparing *comparing = (struct comparing *)job;

	reply_found(&job->client->reply, &comparing->wanted, &comparing->lcs,
	    comparing->has_memory);
}

static void
comparing_free(struct rtd_cmd_job *job)
{
	struct comparing *comparing = (struct comparing *)job;

	rtd_held_fini(&comparing->a);
	rtd_held_fini(&comparing->b);
	rtd_lcs_fini(&comparing->lcs);
	free(comparing);
}

static void
compare_aside(struct rtd_call *call, const struct wanted *wanted,
    struct rtd_value *a, struct rtd_value *b)
{
	struct comparing *comparing = rt_alloc_zero(1, sizeof(*comparing));

	comparing->wanted = *wanted;
	rtd_held_take(&comparing->a, a);
	rtd_held_take(&comparing->b, b);
	comparing->job.work = comparing_work;
	comparing->job.reply = comparing_reply;
	comparing->job.free = comparing_free;
	rtd_cmd_job_start(&comparing->job, call);
}

static void
compare(struct rtd_call *call, struct rtd_value *a, struct rtd_value *b)
{
	struct wanted wanted = { 0 };
	struct rtd_lcs lcs = { 0 };
	uint64_t bytes;
	bool has_memory;

	if (!parse(call, &wanted))
		return;
	if (!rtd_lcs_table_bytes(a->bytes.len, b->bytes.len, &bytes) ||
	    bytes > call->server->config->proto_max_bulk_len) {
		rtd_reply_error(rtd_call_reply(call), "ERR Insufficient "
		    "memory, transient memory for LCS exceeds "
		    "proto-max-bulk-len");
		return;
	}
	if (bytes > SMALL_TABLE_BYTES) {
		compare_aside(call, &wanted, a, b);
		return;
	}
	has_memory = rtd_lcs_find(a->bytes, b->bytes, &lcs);
	reply_found(rtd_call_reply(call), &wanted, &lcs, has_memory);
	rtd_lcs_fini(&lcs);
}

void
rtd_cmd_lcs(struct rtd_call *call)
{
	struct rtd_value a = { 0 }, b = { 0 };

	if (rtd_call_read(call, call->argv[1], &a) != RTD_FAILED &&
	    rtd_call_read(call, call->argv[2], &b) != RTD_FAILED)
		compare(call, &a, &b);
	rtd_value_fini(&a);
	rtd_value_fini(&b);
}
