/* Bits of strings: SETBIT, GETBIT, BITCOUNT, BITPOS. */
#include <stdlib.h>

#include "libcommon/base/invariant.h"
#include "libcommon/base/number.h"
#include "riptided/cmd/bits.h"
#include "riptided/cmd/cmd_job.h"
#include "riptided/cmd/handlers.h"
#include "riptided/cmd/notify.h"
#include "riptided/cmd/held.h"
#include "riptided/cmd/made.h"

/* False: the error reply is written. */
static bool
parse_offset(struct rtd_call *call, uint64_t *bit)
{
	int64_t offset;

	if (rt_parse_i64(call->argv[2], &offset) && offset >= 0 &&
	    (uint64_t)offset / 8 < call->server->config->proto_max_bulk_len) {
		*bit = (uint64_t)offset;
		return true;
	}
	rtd_reply_error(rtd_call_reply(call),
	    "ERR bit offset is not an integer or out of range");
	return false;
}

void
rtd_cmd_getbit(struct rtd_call *call)
{
	struct rtd_value value = { 0 };
	uint64_t bit;

	if (!parse_offset(call, &bit))
		return;
	if (rtd_call_read(call, call->argv[1], &value) != RTD_FAILED)
		rtd_reply_integer(rtd_call_reply(call),
		    rtd_bits_get(value.bytes, bit));
	rtd_value_fini(&value);
}

/* Write the value with the bit, unless it has it already. False: it is
 * answered, or the command runs again. */
static bool
write_bit(struct rtd_call *call, enum rtd_lookup lookup, struct rtd_value *old,
    uint64_t bit, bool on)
{
	uint64_t expire_ms = lookup == RTD_FOUND ? old->expire_ms :
	    RT_NO_EXPIRY;
	size_t len = bit / 8 + 1;
	struct rtd_made made;

	if (lookup == RTD_FOUND && len <= old->bytes.len &&
	    rtd_bits_get(old->bytes, bit) == on)
		return true;
	if (len < old->bytes.len)
		len = old->bytes.len;
	if (!rtd_made_from(call, old, len, &made))
		return false;
	rtd_bits_set(made.bytes, bit, on);
	rtd_made_put(call, &made, rtd_call_keyspace(call), call->argv[1],
	    expire_ms);
	if (!rtd_call_commit(call))
		return false;
	rtd_notify(call, RT_EVENT_STRING, "setbit", call->argv[1]);
	return true;
}

void
rtd_cmd_setbit(struct rtd_call *call)
{
	struct rtd_value old = { 0 };
	enum rtd_lookup lookup;
	uint64_t bit;
	int64_t on;
	bool was;

	if (!parse_offset(call, &bit))
		return;
	if (!rt_parse_i64(call->argv[3], &on) || on < 0 || on > 1) {
		rtd_reply_error(rtd_call_reply(call),
		    "ERR bit is not an integer or out of range");
		return;
	}
	lookup = rtd_call_get(call, call->argv[1], &old);
	was = rtd_bits_get(old.bytes, bit);
	if (lookup != RTD_FAILED && write_bit(call, lookup, &old, bit, on == 1))
		rtd_reply_integer(rtd_call_reply(call), was);
	rtd_value_fini(&old);
}

/* -- BITCOUNT and BITPOS -- */

/* What is asked of a value's bits. */
struct question {
	bool count;		/* how many are set; else where the first is */
	bool value;		/* of the bit looked for */
	uint64_t first, last;	/* bits, within the value */
	int64_t if_none;	/* the answer without such a bit */
};

static int64_t
answer(const struct question *question, struct rt_slice bytes)
{
	int64_t found;

	if (question->count)
		return (int64_t)rtd_bits_count(bytes, question->first,
		    question->last);
	found = rtd_bits_find(bytes, question->value, question->first,
	    question->last);
	return found >= 0 ? found : question->if_none;
}

/* Of a large value, on a pool thread. */
struct asking {
	struct rtd_cmd_job job;
	struct question question;
	struct rtd_held held;
	int64_t answer;
};

static void
asking_work(struct rtd_cmd_job *job)
{
	struct asking *asking = (struct asking *)job;

	asking->answer = answer(&asking->question, asking->held.bytes);
}

static void
asking_reply(struct rtd_cmd_job *job)
{
	rtd_reply_integer(&job->client->reply, ((struct asking *)job)->answer);
}

static void
asking_free(struct rtd_cmd_job *job)
{
	struct asking *asking = (struct asking *)job;

	rtd_held_fini(&asking->held);
	free(asking);
}

static void
ask(struct rtd_call *call, struct rtd_value *value,
    const struct question *question)
{
	struct asking *asking;

	if (value->bytes.len < RT_BULK_BYTES_MIN) {
		rtd_reply_integer(rtd_call_reply(call),
		    answer(question, value->bytes));
		return;
	}
	asking = rt_alloc_zero(1, sizeof(*asking));
	asking->question = *question;
	rtd_held_take(&asking->held, value);
	asking->job.work = asking_work;
	asking->job.reply = asking_reply;
	asking->job.free = asking_free;
	rtd_cmd_job_start(&asking->job, call);
}

/* BYTE or BIT. False: the error reply is written. */
static bool
parse_unit(struct rtd_call *call, size_t i, bool *bits)
{
	*bits = rtd_call_arg_is(call, i, "BIT");
	if (*bits || rtd_call_arg_is(call, i, "BYTE"))
		return true;
	rtd_call_syntax_error(call);
	return false;
}

/* Bits first to last of len bytes that a range means: negative ends count from
 * behind, and what lies outside is cut off. False: none. */
static bool
range_to_bits(size_t len, int64_t start, int64_t end, bool bits,
    struct question *question)
{
	int64_t total = (int64_t)(bits ? len * 8 : len);

	if (start < 0)
		start = start + total < 0 ? 0 : start + total;
	if (end < 0)
		end = end + total < 0 ? 0 : end + total;
	if (end >= total)
		end = total - 1;
	if (start > end)
		return false;
	question->first = (uint64_t)start * (bits ? 1 : 8);
	question->last = bits ? (uint64_t)end : (uint64_t)end * 8 + 7;
	return true;
}

/* With the value at hand, as in Redis: arguments of a key that is not there are
 * not looked at. False: it is answered. */
static bool
bitcount_range(struct rtd_call *call, size_t len, struct question *question)
{
	int64_t start = 0, end = -1;
	bool bits = false;

	if (call->argc == 3 || call->argc > 5) {
		rtd_call_syntax_error(call);
		return false;
	}
	if (call->argc > 3 && (!rtd_call_i64(call, call->argv[2], &start) ||
		!rtd_call_i64(call, call->argv[3], &end)))
		return false;
	/* Both from behind and in the wrong order: known before the unit. */
	if (!(start < 0 && end < 0 && start > end)) {
		if (call->argc == 5 && !parse_unit(call, 4, &bits))
			return false;
		if (range_to_bits(len, start, end, bits, question))
			return true;
	}
	rtd_reply_integer(rtd_call_reply(call), 0);
	return false;
}

void
rtd_cmd_bitcount(struct rtd_call *call)
{
	struct question question = { .count = true };
	struct rtd_value value = { 0 };
	enum rtd_lookup lookup = rtd_call_read(call, call->argv[1], &value);

	if (lookup == RTD_ABSENT)
		rtd_reply_integer(rtd_call_reply(call), 0);
	else if (lookup == RTD_FOUND &&
	    bitcount_range(call, value.bytes.len, &question))
		ask(call, &value, &question);
	rtd_value_fini(&value);
}

/* As bitcount_range(). */
static bool
bitpos_range(struct rtd_call *call, size_t len, struct question *question)
{
	int64_t start = 0, end = -1;
	bool bits = false;

	if (call->argc > 6) {
		rtd_call_syntax_error(call);
		return false;
	}
	if (call->argc > 3 && !rtd_call_i64(call, call->argv[3], &start))
		return false;
	if (call->argc == 6 && !parse_unit(call, 5, &bits))
		return false;
	if (call->argc > 4 && !rtd_call_i64(call, call->argv[4], &end))
		return false;
	/* A string goes on with zeros behind its end, unless an end is given. */
	question->if_none = question->value || call->argc > 4 ? -1 :
	    (int64_t)len * 8;
	if (range_to_bits(len, start, end, bits, question))
		return true;
	rtd_reply_integer(rtd_call_reply(call), -1);
	return false;
}

void
rtd_cmd_bitpos(struct rtd_call *call)
{
	struct question question = { 0 };
	struct rtd_value value = { 0 };
	enum rtd_lookup lookup;
	int64_t bit;

	if (!rtd_call_i64(call, call->argv[2], &bit))
		return;
	if (bit != 0 && bit != 1) {
		rtd_reply_error(rtd_call_reply(call),
		    "ERR The bit argument must be 1 or 0.");
		return;
	}
	question.value = bit == 1;
	lookup = rtd_call_read(call, call->argv[1], &value);
	if (lookup == RTD_ABSENT)
		rtd_reply_integer(rtd_call_reply(call), bit == 1 ? -1 : 0);
	else if (lookup == RTD_FOUND &&
	    bitpos_range(call, value.bytes.len, &question))
		ask(call, &value, &question);
	rtd_value_fini(&value);
}
