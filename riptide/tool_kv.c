/* The verbs on keys, and figures. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "libcommon/base/number.h"
#include "libcommon/table/key.h"
#include "libcommon/table/value.h"
#include "riptide/session.h"

/* Wall time for expiry, in the engine's unit. */
static uint64_t
now_ms(void)
{
	return (uint64_t)rt_clock_wall_ms(rt_clock_system());
}

static enum rt_code
check_key(struct rt_slice key, struct rt_err *err)
{
	if (key.len > RT_USER_KEY_BYTES_MAX)
		return rt_err_set(err, RT_EUSAGE,
		    "the key has more than %u bytes", RT_USER_KEY_BYTES_MAX);
	return RT_OK;
}

enum rt_code
rtl_get(struct rtl_tool *tool, struct rt_err *err)
{
	struct rt_slice key = rt_slice_cstr(tool->argv[0]);
	struct rtd_value value = { 0 };
	struct rt_buf out = { 0 };
	struct rtl_session session;
	enum rt_code code;

	code = rtl_session_open(&session, tool, false, err);
	if (code == RT_OK)
		code = check_key(key, err);
	if (code == RT_OK) {
		code = rtd_reader_get(session.reader,
		    &(struct rtd_read){ .keyspace = session.keyspace,
			.now_ms = now_ms() }, key, &value, err);
		if (code == RT_ENOTFOUND)
			rt_err_set(err, code, "no such key");
	}
	if (code == RT_OK) {
		rt_buf_append_slice(&out, value.bytes);
		rt_buf_append_byte(&out, '\n');
		code = rtl_print(&out, err);
	}
	rtd_value_fini(&value);
	rt_buf_fini(&out);
	return rtl_session_close(&session, code, err);
}

/* `--name N` as the last two words; *out is untouched without it. */
static enum rt_code
take_number(struct rtl_tool *tool, const char *name, uint64_t *out,
    struct rt_err *err)
{
	if (tool->argc < 2 || strcmp(tool->argv[tool->argc - 2], name) != 0)
		return RT_OK;
	if (!rt_parse_u64(rt_slice_cstr(tool->argv[tool->argc - 1]), out) ||
	    *out == 0)
		return rt_err_set(err, RT_EUSAGE, "%s takes a number above 0",
		    name);
	tool->argc -= 2;
	return RT_OK;
}

static enum rt_code
write_batch(struct rtl_session *session, struct rtd_write_batch *batch,
    struct rt_err *err)
{
	uint64_t seq;
	enum rt_code code = rtd_engine_write(session->engine, batch, &seq, err);

	if (code == RT_OK)
		rtd_engine_end_turn(session->engine);
	return code;
}

enum rt_code
rtl_set(struct rtl_tool *tool, struct rt_err *err)
{
	uint64_t ttl_s = 0, expire_ms = RT_NO_EXPIRY;
	struct rtd_write_batch batch = { 0 };
	struct rtl_session session;
	enum rt_code code;

	code = take_number(tool, "--ttl", &ttl_s, err);
	if (code == RT_OK && (tool->argc != 2 || ttl_s > UINT32_MAX))
		code = rt_err_set(err, RT_EUSAGE,
		    "set takes a key, a value, and --ttl SECONDS");
	if (code == RT_OK)
		code = check_key(rt_slice_cstr(tool->argv[0]), err);
	if (code != RT_OK)
		return code;
	if (ttl_s != 0)
		expire_ms = now_ms() + ttl_s * 1000;
	code = rtl_session_open(&session, tool, true, err);
	if (code == RT_OK) {
		rtd_write_batch_put(&batch, session.keyspace,
		    rt_slice_cstr(tool->argv[0]), rt_slice_cstr(tool->argv[1]),
		    expire_ms);
		code = write_batch(&session, &batch, err);
	}
	rtd_write_batch_fini(&batch);
	return rtl_session_close(&session, code, err);
}

/* Add a tombstone for a key that is there. */
static enum rt_code
del_one(struct rtl_session *session, struct rt_slice key,
    struct rtd_write_batch *batch, struct rt_err *err)
{
	struct rtd_value value = { 0 };
	enum rt_code code = check_key(key, err);

	if (code != RT_OK)
		return code;
	code = rtd_reader_get(session->reader,
	    &(struct rtd_read){ .keyspace = session->keyspace,
		.now_ms = now_ms() }, key, &value, err);
	rtd_value_fini(&value);
	if (code == RT_OK)
		rtd_write_batch_delete(batch, session->keyspace, key);
	return code == RT_ENOTFOUND ? RT_OK : code;
}

enum rt_code
rtl_del(struct rtl_tool *tool, struct rt_err *err)
{
	struct rtd_write_batch batch = { 0 };
	struct rt_buf out = { 0 };
	struct rtl_session session;
	enum rt_code code;

	code = rtl_session_open(&session, tool, false, err);
	for (int i = 0; i < tool->argc && code == RT_OK; i++)
		code = del_one(&session, rt_slice_cstr(tool->argv[i]), &batch,
		    err);
	rt_buf_printf(&out, "%u\n", batch.count);
	if (code == RT_OK && batch.count != 0)
		code = write_batch(&session, &batch, err);
	code = rtl_session_close(&session, code, err);
	if (code == RT_OK)
		code = rtl_print(&out, err);
	rtd_write_batch_fini(&batch);
	rt_buf_fini(&out);
	return code;
}

struct scan {
	struct rt_slice prefix;		/* user keys, all may be empty */
	struct rt_slice from;
	struct rt_slice to;
	uint64_t limit;
	bool reverse;
};

static enum rt_code
parse_limit(const char *word, uint64_t *out, struct rt_err *err)
{
	if (rt_parse_u64(rt_slice_cstr(word), out) && *out != 0)
		return RT_OK;
	return rt_err_set(err, RT_EUSAGE, "--limit takes a number above 0");
}

static enum rt_code
parse_scan(const struct rtl_tool *tool, struct scan *scan, struct rt_err *err)
{
	*scan = (struct scan){ .limit = UINT64_MAX };
	for (int i = 0; i < tool->argc; i++) {
		const char *word = tool->argv[i];
		struct rt_slice *takes = NULL;
		enum rt_code code = RT_OK;

		if (strcmp(word, "--reverse") == 0) {
			scan->reverse = true;
			continue;
		}
		if (strncmp(word, "--", 2) != 0) {
			scan->prefix = rt_slice_cstr(word);
			continue;
		}
		if (strcmp(word, "--prefix") == 0)
			takes = &scan->prefix;
		else if (strcmp(word, "--from") == 0)
			takes = &scan->from;
		else if (strcmp(word, "--to") == 0)
			takes = &scan->to;
		else if (strcmp(word, "--limit") != 0)
			return rt_err_set(err, RT_EUSAGE,
			    "scan does not know %s", word);
		if (++i == tool->argc)
			return rt_err_set(err, RT_EUSAGE, "%s takes a value",
			    word);
		if (takes != NULL)
			*takes = rt_slice_cstr(tool->argv[i]);
		else
			code = parse_limit(tool->argv[i], &scan->limit, err);
		if (code != RT_OK)
			return code;
	}
	return RT_OK;
}

static enum rt_code
print_keys(struct rt_iter *iter, const struct scan *scan, struct rt_err *err)
{
	struct rt_buf out = { 0 };
	enum rt_code code = RT_OK;
	uint64_t left = scan->limit;

	if (scan->reverse)
		rt_iter_seek_last(iter);
	else
		rt_iter_seek_first(iter);
	while (iter->valid && left > 0 && code == RT_OK) {
		rtl_put_text(&out, rt_key_user(iter->entry.key));
		/* The quotes serve dumps; here a line is a key. */
		out.data[out.len - 1] = '\n';
		rt_buf_consume(&out, 1);
		code = rtl_print(&out, err);
		if (--left == 0)
			break;
		if (scan->reverse)
			rt_iter_prev(iter);
		else
			rt_iter_next(iter);
	}
	if (code == RT_OK && iter->code != RT_OK) {
		code = iter->code;
		*err = iter->err;
	}
	rt_buf_fini(&out);
	return code;
}

static enum rt_code
scan_keys(struct rtl_session *session, const struct scan *scan, struct rt_err *err)
{
	struct rtd_read read = { .keyspace = session->keyspace,
		.now_ms = now_ms(),
		.lower = scan->prefix,
		.upper = scan->to };
	struct rt_buf behind = { 0 };
	struct rt_iter *iter;
	enum rt_code code;

	rt_buf_append_slice(&behind, scan->prefix);
	behind.len = rt_key_behind_prefix(behind.data, behind.len);
	if (rt_slice_compare(scan->from, read.lower) > 0)
		read.lower = scan->from;
	if (behind.len != 0 && (scan->to.len == 0 || rt_slice_compare(scan->to,
		rt_buf_slice(&behind)) > 0))
		read.upper = rt_buf_slice(&behind);
	iter = rtd_reader_iter(session->reader, &read, NULL);
	code = print_keys(iter, scan, err);
	rt_iter_free(iter);
	rt_buf_fini(&behind);
	return code;
}

enum rt_code
rtl_scan(struct rtl_tool *tool, struct rt_err *err)
{
	struct rtl_session session;
	struct scan scan;
	enum rt_code code = parse_scan(tool, &scan, err);

	if (code != RT_OK)
		return code;
	code = rtl_session_open(&session, tool, false, err);
	if (code == RT_OK)
		code = scan_keys(&session, &scan, err);
	return rtl_session_close(&session, code, err);
}

static void
put_stats(struct rt_buf *out, const struct rtd_engine_stats *stats)
{
	const struct {
		const char *name;
		uint64_t value;
	} lines[] = {
		{ "manifest_generation", stats->manifest_generation },
		{ "visible_seq", stats->visible_seq },
		{ "memtable_bytes", stats->memtable_bytes },
		{ "memtable_entries", stats->memtable_entries },
		{ "wal_segments", stats->wal_segments },
		{ "wal_bytes", stats->wal_bytes },
		{ "l0_files", stats->l0_files },
		{ "levels", stats->levels },
		{ "sst_bytes", stats->sst_bytes },
		{ "sst_entries", stats->sst_entries },
		{ "sst_tombstones", stats->sst_tombstones },
		{ "table_memory_bytes", stats->table_memory_bytes },
		{ "obsolete_files", stats->obsolete_files },
		{ "filters_damaged", stats->filters_damaged },
	};

	for (size_t i = 0; i < RT_COUNTOF(lines); i++)
		rt_buf_printf(out, "%s:%" PRIu64 "\n", lines[i].name,
		    lines[i].value);
	for (uint32_t level = 0; level < stats->levels; level++)
		rt_buf_printf(out, "level%u_files:%" PRIu64
		    "\nlevel%u_bytes:%" PRIu64 "\n", level,
		    stats->level_files[level], level,
		    stats->level_bytes[level]);
}

enum rt_code
rtl_stats(struct rtl_tool *tool, struct rt_err *err)
{
	struct rtd_engine_stats stats;
	struct rt_buf out = { 0 };
	struct rtl_session session;
	enum rt_code code;

	code = rtl_session_open(&session, tool, false, err);
	if (code == RT_OK) {
		rtd_engine_get_stats(session.engine, &stats);
		put_stats(&out, &stats);
		code = rtl_print(&out, err);
	}
	rt_buf_fini(&out);
	return rtl_session_close(&session, code, err);
}
