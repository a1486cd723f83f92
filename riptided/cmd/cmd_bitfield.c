/* BITFIELD: numbers of any width at any bit of a string. All operations of a
 * command work on one copy of the value, which becomes its value when the last
 * one is done. */
#include <stdlib.h>

#include "libcommon/base/invariant.h"
#include "libcommon/base/number.h"
#include "riptided/cmd/bits.h"
#include "riptided/cmd/handlers.h"
#include "riptided/cmd/made.h"
#include "riptided/cmd/notify.h"

enum kind { FIELD_GET, FIELD_SET, FIELD_INCRBY };
enum overflow { OVERFLOW_WRAP, OVERFLOW_SAT, OVERFLOW_FAIL };

struct operation {
	enum kind kind;
	enum overflow overflow;
	bool is_signed;
	unsigned width;
	uint64_t bit;
	int64_t number;		/* to be set or added */
};

struct operations {
	struct operation *all;
	size_t count;
	bool write;		/* one of them does */
	uint64_t last_bit;	/* that is written */
};

/* -- reading the command -- */

/* i1 to i64, u1 to u63. False: the error reply is written. */
static bool
parse_type(struct rtd_call *call, struct rt_slice text,
    struct operation *operation)
{
	int64_t width;

	if (text.len > 1 && (text.data[0] == 'i' || text.data[0] == 'u') &&
	    rt_parse_i64(rt_slice(text.data + 1, text.len - 1), &width)) {
		operation->is_signed = text.data[0] == 'i';
		operation->width = (unsigned)width;
		if (width >= 1 && width <= (operation->is_signed ? 64 : 63))
			return true;
	}
	rtd_reply_error(rtd_call_reply(call), "ERR Invalid bitfield type. Use "
	    "something like i16 u8. Note that u64 is not supported but i64 "
	    "is.");
	return false;
}

/* A bit, or with # in front how many fields of this width lie before it. */
static bool
parse_bit(struct rtd_call *call, struct rt_slice text,
    struct operation *operation)
{
	int64_t bit, scale = 1;

	if (text.len != 0 && text.data[0] == '#') {
		scale = operation->width;
		text = rt_slice(text.data + 1, text.len - 1);
	}
	if (rt_parse_i64(text, &bit) && bit >= 0 &&
	    !__builtin_mul_overflow(bit, scale, &bit) &&
	    (uint64_t)bit / 8 < call->server->config->proto_max_bulk_len) {
		operation->bit = (uint64_t)bit;
		return true;
	}
	rtd_reply_error(rtd_call_reply(call),
	    "ERR bit offset is not an integer or out of range");
	return false;
}

static bool
parse_overflow(struct rtd_call *call, size_t i, enum overflow *overflow)
{
	if (rtd_call_arg_is(call, i, "WRAP")) {
		*overflow = OVERFLOW_WRAP;
	} else if (rtd_call_arg_is(call, i, "SAT")) {
		*overflow = OVERFLOW_SAT;
	} else if (rtd_call_arg_is(call, i, "FAIL")) {
		*overflow = OVERFLOW_FAIL;
	} else {
		rtd_reply_error(rtd_call_reply(call),
		    "ERR Invalid OVERFLOW type specified");
		return false;
	}
	return true;
}

/* The operation at argument i; the words it takes, or 0 with the error reply
 * written. */
static size_t
parse_operation(struct rtd_call *call, size_t i, struct operation *operation)
{
	size_t more = call->argc - i - 1, words = 4;

	if (rtd_call_arg_is(call, i, "GET") && more >= 2) {
		operation->kind = FIELD_GET;
		words = 3;
	} else if (rtd_call_arg_is(call, i, "SET") && more >= 3) {
		operation->kind = FIELD_SET;
	} else if (rtd_call_arg_is(call, i, "INCRBY") && more >= 3) {
		operation->kind = FIELD_INCRBY;
	} else {
		rtd_call_syntax_error(call);
		return 0;
	}
	if (!parse_type(call, call->argv[i + 1], operation) ||
	    !parse_bit(call, call->argv[i + 2], operation))
		return 0;
	if (words == 4 && !rtd_call_i64(call, call->argv[i + 3],
		&operation->number))
		return 0;
	return words;
}

/* False: the error reply is written. all is to be freed in both cases. */
static bool
parse(struct rtd_call *call, struct operations *operations)
{
	enum overflow overflow = OVERFLOW_WRAP;
	size_t words;

	operations->all = rt_alloc_zero(call->argc,
	    sizeof(*operations->all));
	for (size_t i = 2; i < call->argc; i += words) {
		struct operation *next = &operations->all[operations->count];
		uint64_t last;

		if (rtd_call_arg_is(call, i, "OVERFLOW") &&
		    i + 1 < call->argc) {
			if (!parse_overflow(call, i + 1, &overflow))
				return false;
			words = 2;
			continue;
		}
		words = parse_operation(call, i, next);
		if (words == 0)
			return false;
		next->overflow = overflow;
		operations->count++;
		last = next->bit + next->width - 1;
		if (next->kind == FIELD_GET)
			continue;
		operations->write = true;
		if (last > operations->last_bit)
			operations->last_bit = last;
	}
	return true;
}

/* -- reckoning -- */

/* The field's lowest bits as the number they are. */
static int64_t
number_of(const struct operation *operation, uint64_t bits)
{
	unsigned unused = 64 - operation->width;

	return operation->is_signed ? (int64_t)(bits << unused) >> unused :
	    (int64_t)bits;
}

/* Fit a number, which may be the sum of two, into the field: *out is what to
 * write. False: it does not fit, and nothing is to be written. */
static bool
fit(const struct operation *operation, __int128 sum, int64_t *out)
{
	__int128 least = 0, most;

	most = ((__int128)1 << (operation->width -
	    (operation->is_signed ? 1 : 0))) - 1;
	if (operation->is_signed)
		least = -most - 1;
	if (sum >= least && sum <= most) {
		*out = (int64_t)sum;
		return true;
	}
	switch (operation->overflow) {
	case OVERFLOW_SAT:
		*out = (int64_t)(sum < least ? least : most);
		return true;
	case OVERFLOW_WRAP:
		*out = number_of(operation, (uint64_t)sum &
		    (UINT64_MAX >> (64 - operation->width)));
		return true;
	case OVERFLOW_FAIL:
		break;
	}
	return false;
}

/* Do it and answer. bytes: to be written to, unless it is a GET. */
static void
run_one(struct rtd_resp_writer *reply, const struct operation *operation,
    uint8_t *bytes, size_t len)
{
	int64_t old = number_of(operation, rtd_bits_read(rt_slice(bytes, len),
	    operation->bit, operation->width));
	int64_t number = operation->number;
	__int128 wanted;

	if (operation->kind == FIELD_GET) {
		rtd_reply_integer(reply, old);
		return;
	}
	if (operation->kind == FIELD_INCRBY)
		wanted = (__int128)old + number;
	else if (operation->is_signed)
		wanted = number;
	else
		/* As in Redis, -1 is the greatest number there is. */
		wanted = (uint64_t)number;
	if (!fit(operation, wanted, &number)) {
		rtd_reply_null(reply);
		return;
	}
	rtd_bits_write(bytes, operation->bit, operation->width,
	    (uint64_t)number);
	rtd_reply_integer(reply, operation->kind == FIELD_SET ? old : number);
}

static void
run_all(struct rtd_resp_writer *reply, const struct operations *operations,
    uint8_t *bytes, size_t len)
{
	rtd_reply_array(reply, operations->count);
	for (size_t i = 0; i < operations->count; i++)
		run_one(reply, &operations->all[i], bytes, len);
}

/* -- the commands -- */

static void
read_fields(struct rtd_call *call, const struct operations *operations)
{
	struct rtd_value value = { 0 };

	/* Nothing writes to the bytes: all are GETs. */
	if (rtd_call_read(call, call->argv[1], &value) != RTD_FAILED)
		run_all(rtd_call_reply(call), operations,
		    (uint8_t *)(uintptr_t)value.bytes.data, value.bytes.len);
	rtd_value_fini(&value);
}

static void
write_fields(struct rtd_call *call, const struct operations *operations)
{
	struct rtd_resp_writer *reply = rtd_call_reply(call);
	struct rtd_value old = { 0 };
	enum rtd_lookup lookup = rtd_call_get(call, call->argv[1], &old);
	size_t len = operations->last_bit / 8 + 1, before, replied;
	struct rtd_made made;

	if (len < old.bytes.len)
		len = old.bytes.len;
	if (lookup != RTD_FAILED && rtd_made_from(call, &old, len, &made)) {
		before = reply->out->len;
		run_all(reply, operations, made.bytes, made.len);
		replied = reply->out->len;
		rtd_made_put(call, &made, rtd_call_keyspace(call),
		    call->argv[1], lookup == RTD_FOUND ? old.expire_ms :
		    RT_NO_EXPIRY);
		if (rtd_call_commit(call))
			rtd_notify(call, RT_EVENT_STRING, "setbit",
			    call->argv[1]);
		else
			/* Its error takes the reply's place. */
			rtd_reply_cut(reply, before, replied);
	}
	rtd_value_fini(&old);
}

void
rtd_cmd_bitfield(struct rtd_call *call)
{
	struct operations operations = { 0 };

	if (parse(call, &operations)) {
		if (operations.write)
			write_fields(call, &operations);
		else
			read_fields(call, &operations);
	}
	free(operations.all);
}

void
rtd_cmd_bitfield_ro(struct rtd_call *call)
{
	struct operations operations = { 0 };

	if (parse(call, &operations)) {
		if (operations.write)
			rtd_reply_error(rtd_call_reply(call), "ERR BITFIELD_RO "
			    "only supports the GET subcommand");
		else
			read_fields(call, &operations);
	}
	free(operations.all);
}
