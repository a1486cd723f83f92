/* BITOP: strings combined bit by bit. */
#include <stdlib.h>

#include "libcommon/base/invariant.h"
#include "riptided/cmd/bits.h"
#include "riptided/cmd/handlers.h"
#include "riptided/cmd/made.h"
#include "riptided/cmd/notify.h"

static const struct operation {
	const char *name;
	enum rtd_bits_op op;
} operations[] = {
	{ "AND", RTD_BITS_AND },
	{ "OR", RTD_BITS_OR },
	{ "XOR", RTD_BITS_XOR },
	{ "NOT", RTD_BITS_NOT },
};

static bool
parse_operation(struct rtd_call *call, enum rtd_bits_op *op)
{
	for (size_t i = 0; i < RT_COUNTOF(operations); i++) {
		if (!rtd_call_arg_is(call, 1, operations[i].name))
			continue;
		*op = operations[i].op;
		if (*op != RTD_BITS_NOT || call->argc == 4)
			return true;
		rtd_reply_error(rtd_call_reply(call), "ERR BITOP NOT must be "
		    "called with a single source key.");
		return false;
	}
	rtd_call_syntax_error(call);
	return false;
}

static void
combine(unsigned op, const struct rt_slice *inputs, size_t count, uint8_t *out,
    size_t len)
{
	rtd_bits_combine((enum rtd_bits_op)op, inputs, count, out, len);
}

/* An empty result takes the key away. */
static bool
delete_result(struct rtd_call *call)
{
	struct rtd_value there = { 0 };
	enum rtd_lookup lookup = rtd_call_get(call, call->argv[2], &there);

	rtd_value_fini(&there);
	if (lookup == RTD_FOUND) {
		rtd_call_delete(call, call->argv[2]);
		rtd_notify(call, RT_EVENT_GENERIC, "del", call->argv[2]);
	}
	return lookup != RTD_FAILED;
}

/* False: it is answered, or the command runs again. */
static bool
put_result(struct rtd_call *call, enum rtd_bits_op op,
    struct rtd_value *sources, size_t count, size_t len)
{
	struct rtd_made made;

	if (len == 0)
		return delete_result(call) && rtd_call_commit(call);
	if (!rtd_made_of(call, combine, op, sources, count, len, &made))
		return false;
	rtd_made_put(call, &made, rtd_call_keyspace(call), call->argv[2],
	    RT_NO_EXPIRY);
	if (!rtd_call_commit(call))
		return false;
	rtd_notify(call, RT_EVENT_STRING, "set", call->argv[2]);
	return true;
}

void
rtd_cmd_bitop(struct rtd_call *call)
{
	size_t count = call->argc - 3, len = 0;
	struct rtd_value *sources;
	enum rtd_lookup lookup = RTD_ABSENT;
	enum rtd_bits_op op;

	if (!parse_operation(call, &op))
		return;
	sources = rt_alloc_zero(count, sizeof(*sources));
	for (size_t i = 0; i < count && lookup != RTD_FAILED; i++) {
		lookup = rtd_call_get(call, call->argv[3 + i], &sources[i]);
		if (sources[i].bytes.len > len)
			len = sources[i].bytes.len;
	}
	if (lookup != RTD_FAILED && put_result(call, op, sources, count, len))
		rtd_reply_integer(rtd_call_reply(call), (int64_t)len);
	for (size_t i = 0; i < count; i++)
		rtd_value_fini(&sources[i]);
	free(sources);
}
