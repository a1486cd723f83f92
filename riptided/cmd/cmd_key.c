/* Keys, whatever they hold. */
#include <stdlib.h>

#include "libcommon/base/number.h"
#include "riptided/cmd/handlers.h"
#include "riptided/cmd/notify.h"

void
rtd_cmd_exists(struct rtd_call *call)
{
	int64_t count = 0;

	for (size_t i = 1; i < call->argc; i++) {
		struct rtd_value value = { 0 };
		enum rtd_lookup lookup =
		    rtd_call_read(call, call->argv[i], &value);

		rtd_value_fini(&value);
		if (lookup == RTD_FAILED)
			return;
		count += lookup == RTD_FOUND;
	}
	rtd_reply_integer(rtd_call_reply(call), count);
}

static int
compare_slices(const void *a, const void *b)
{
	return rt_slice_compare(*(const struct rt_slice *)a,
	    *(const struct rt_slice *)b);
}

/* The command's keys, sorted, each once, in the scratch. */
static const struct rt_slice *
distinct_keys(struct rtd_call *call, size_t *count)
{
	struct rt_buf *scratch = &call->server->scratch;
	struct rt_slice *keys;
	size_t kept = 0;

	*count = call->argc - 1;
	if (*count == 1)
		return call->argv + 1;
	rt_buf_clear(scratch);
	rt_buf_append(scratch, call->argv + 1, *count * sizeof(*keys));
	keys = (struct rt_slice *)(void *)scratch->data;
	qsort(keys, *count, sizeof(*keys), compare_slices);
	for (size_t i = 0; i < *count; i++)
		if (i == 0 || !rt_slice_equal(keys[i], keys[kept - 1]))
			keys[kept++] = keys[i];
	*count = kept;
	return keys;
}

void
rtd_cmd_del(struct rtd_call *call)
{
	int64_t found = 0;
	size_t count;
	const struct rt_slice *keys = distinct_keys(call, &count);

	/* The deletes of this batch are not visible to its own reads, so a
	 * key given twice would count twice. */
	for (size_t i = 0; i < count; i++) {
		struct rtd_value value = { 0 };
		enum rtd_lookup lookup = rtd_call_get(call, keys[i], &value);

		rtd_value_fini(&value);
		if (lookup == RTD_FAILED)
			return;
		if (lookup == RTD_ABSENT)
			continue;
		rtd_call_delete(call, keys[i]);
		rtd_notify(call, RT_EVENT_GENERIC, "del", keys[i]);
		found++;
	}
	if (rtd_call_commit(call))
		rtd_reply_integer(rtd_call_reply(call), found);
}

void
rtd_cmd_type(struct rtd_call *call)
{
	struct rtd_value value = { 0 };
	enum rtd_lookup lookup = rtd_call_read(call, call->argv[1], &value);

	rtd_value_fini(&value);
	if (lookup != RTD_FAILED)
		rtd_reply_simple(rtd_call_reply(call),
		    lookup == RTD_FOUND ? "string" : "none");
}

/* -- OBJECT -- */

/* Read argument 2; true when it is there. Else the reply is written. */
static bool
look_at(struct rtd_call *call, struct rtd_value *value)
{
	enum rtd_lookup lookup = rtd_call_get(call, call->argv[2], value);

	if (lookup == RTD_ABSENT)
		rtd_reply_null(rtd_call_reply(call));
	return lookup == RTD_FOUND;
}

/* The names Redis gives a value of these bytes when it is set whole. */
#define EMBEDDED_BYTES_MAX 44

const char *
rtd_object_encoding(struct rt_slice value)
{
	int64_t number;

	if (rt_parse_i64(value, &number))
		return "int";
	return value.len <= EMBEDDED_BYTES_MAX ? "embstr" : "raw";
}

void
rtd_cmd_object_encoding(struct rtd_call *call)
{
	struct rtd_value value = { 0 };

	if (look_at(call, &value))
		rtd_reply_bulk_cstr(rtd_call_reply(call),
		    rtd_object_encoding(value.bytes));
	rtd_value_fini(&value);
}

static void
reply_if_there(struct rtd_call *call, int64_t number)
{
	struct rtd_value value = { 0 };

	if (look_at(call, &value))
		rtd_reply_integer(rtd_call_reply(call), number);
	rtd_value_fini(&value);
}

void
rtd_cmd_object_refcount(struct rtd_call *call)
{
	reply_if_there(call, 1);
}

void
rtd_cmd_object_idletime(struct rtd_call *call)
{
	reply_if_there(call, 0);
}

void
rtd_cmd_object_freq(struct rtd_call *call)
{
	struct rtd_value value = { 0 };

	if (look_at(call, &value))
		rtd_reply_error(rtd_call_reply(call), "ERR An LFU maxmemory "
		    "policy is not selected, access frequency not tracked. "
		    "Please note that when switching between policies at "
		    "runtime LRU and LFU data will take some time to adjust.");
	rtd_value_fini(&value);
}
