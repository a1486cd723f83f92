#include "tests/powercut/history.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libcommon/base/invariant.h"
#include "libcommon/table/value.h"

void
rtt_history_init(struct rtt_history *history)
{
	const struct rtt_contents nothing = { .versions = { { 0 } } };

	*history = (struct rtt_history){ .count = 0 };
	rtt_history_make(history, 0, 0, RT_NO_EXPIRY);
	rtt_history_add(history, &nothing);
}

void
rtt_history_fini(struct rtt_history *history)
{
	free(history->moments);
	free(history->made);
}

uint32_t
rtt_history_make(struct rtt_history *history, unsigned key, uint32_t len,
    uint64_t expire_ms)
{
	history->made = rt_realloc(history->made,
	    (history->made_count + 1) * sizeof(history->made[0]));
	history->made[history->made_count] =
	    (struct rtt_made){ key, len, expire_ms };
	return (uint32_t)history->made_count++;
}

void
rtt_history_value(const struct rtt_history *history, uint32_t version,
    struct rt_buf *out)
{
	uint32_t len = history->made[version].len, word = version;

	rt_buf_clear(out);
	rt_buf_printf(out, "%u:", version);
	rt_buf_reserve(out, len);
	while (out->len < len) {
		word = word * 1664525 + 1013904223;
		rt_buf_append_byte(out, (uint8_t)(word >> 24));
	}
}

char *
rtt_history_key(char out[RTT_KEY_BYTES], unsigned key)
{
	snprintf(out, RTT_KEY_BYTES, "key%02u", key);
	return out;
}

size_t
rtt_history_add(struct rtt_history *history,
    const struct rtt_contents *contents)
{
	history->moments = rt_realloc(history->moments,
	    (history->count + 1) * sizeof(history->moments[0]));
	history->moments[history->count] =
	    (struct rtt_moment){ .contents = *contents, .seq = UINT64_MAX };
	/* No sequence lies before the first. */
	if (history->count == 0)
		history->moments[0].seq = 0;
	return history->count++;
}

size_t
rtt_history_covered(const struct rtt_history *history, uint64_t seq)
{
	size_t at = history->count - 1;

	while (history->moments[at].seq > seq ||
	    history->moments[at].gone_from != 0)
		at--;
	return at;
}

static bool
take_entry(const struct rtt_history *history, const struct rt_entry *entry,
    uint32_t versions[RTT_KEYS], char *failure, size_t failure_bytes)
{
	struct rt_slice key = rt_key_user(entry->key), bytes;
	char text[RTT_KEY_BYTES] = { 0 }, name[RTT_KEY_BYTES];
	struct rt_buf should = { 0 };
	uint64_t expire_ms;
	unsigned long version;
	bool same;

	if (!rt_value_decode(entry->value, &expire_ms, &bytes)) {
		snprintf(failure, failure_bytes, "a malformed value");
		return false;
	}
	memcpy(text, bytes.data, bytes.len < sizeof(text) - 1 ? bytes.len :
	    sizeof(text) - 1);
	version = strtoul(text, NULL, 10);
	if (version == 0 || version >= history->made_count) {
		snprintf(failure, failure_bytes, "a value nobody wrote");
		return false;
	}
	rtt_history_value(history, (uint32_t)version, &should);
	rtt_history_key(name, history->made[version].key);
	same = rt_slice_equal(bytes, rt_buf_slice(&should)) &&
	    rt_slice_equal(key, rt_slice_cstr(name)) &&
	    expire_ms == history->made[version].expire_ms;
	rt_buf_fini(&should);
	if (!same) {
		snprintf(failure, failure_bytes,
		    "%.*s has version %lu of %s, or other bytes or expiry",
		    (int)key.len, (const char *)key.data, version, name);
		return false;
	}
	versions[history->made[version].key] = (uint32_t)version;
	return true;
}

static bool
read_database(const struct rtt_history *history, struct rtd_reader *reader,
    const struct rtd_read *read, uint32_t versions[RTT_KEYS], char *failure,
    size_t failure_bytes)
{
	struct rt_iter *iter = rtd_reader_iter(reader, read, NULL);
	bool good = true;

	for (rt_iter_seek_first(iter); good && iter->valid; rt_iter_next(iter))
		good = take_entry(history, &iter->entry, versions, failure,
		    failure_bytes);
	if (good && iter->code != RT_OK) {
		snprintf(failure, failure_bytes, "reading: %s",
		    iter->err.text);
		good = false;
	}
	rt_iter_free(iter);
	return good;
}

/* Single reads must say what walking said. */
static bool
get_each(const struct rtt_history *history, struct rtd_reader *reader,
    const struct rtd_read *read, const uint32_t versions[RTT_KEYS],
    char *failure, size_t failure_bytes)
{
	bool good = true;

	for (unsigned i = 0; good && i < RTT_KEYS; i++) {
		struct rtd_value value = { .seq = 0 };
		struct rt_err err = { .code = RT_OK };
		char name[RTT_KEY_BYTES];
		enum rt_code code = rtd_reader_get(reader, read,
		    rt_slice_cstr(rtt_history_key(name, i)), &value, &err);

		good = code == (versions[i] != 0 ? RT_OK : RT_ENOTFOUND);
		if (code == RT_OK)
			rtd_value_fini(&value);
		if (!good)
			snprintf(failure, failure_bytes,
			    "a get of %s says %s %s, a walk version %u", name,
			    rt_code_name(code), err.text, versions[i]);
	}
	return good;
}

bool
rtt_contents_read(const struct rtt_history *history,
    struct rtd_engine *engine, uint64_t now_ms, struct rtt_contents *out,
    char *failure, size_t failure_bytes)
{
	struct rtd_reader *reader = rtd_reader_new(engine);
	bool good = true;

	memset(out, 0, sizeof(*out));
	for (unsigned i = 0; good && i < RTT_DATABASES; i++) {
		const struct rtd_read read = {
			.keyspace = rtd_engine_keyspace(engine, i),
			.now_ms = now_ms,
		};

		good = read_database(history, reader, &read, out->versions[i],
		    failure, failure_bytes) &&
		    get_each(history, reader, &read, out->versions[i],
			failure, failure_bytes);
	}
	rtd_reader_free(reader);
	return good;
}

/* The keys that are not as at a moment. */
static unsigned
differences(const struct rtt_history *history,
    const struct rtt_contents *contents, uint64_t now_ms, size_t moment,
    char *text, size_t bytes)
{
	const struct rtt_contents *then = &history->moments[moment].contents;
	unsigned count = 0;
	size_t len = 0;

	for (unsigned i = 0; i < RTT_DATABASES; i++)
		for (unsigned n = 0; n < RTT_KEYS; n++) {
			uint32_t version = then->versions[i][n];
			uint32_t found = contents->versions[i][n];
			uint64_t expire_ms = history->made[version].expire_ms;

			if (expire_ms != RT_NO_EXPIRY && expire_ms <= now_ms)
				version = 0;
			if (version == found)
				continue;
			count++;
			if (text != NULL && len < bytes)
				len += (size_t)snprintf(text + len, bytes - len,
				    " %u/key%02u is %u not %u", i, n, found,
				    version);
		}
	return count;
}

long
rtt_history_find(const struct rtt_history *history,
    const struct rtt_contents *contents, uint64_t now_ms, size_t first,
    size_t last, char *failure, size_t failure_bytes)
{
	unsigned least = UINT32_MAX;
	size_t nearest = first;
	char text[256];

	for (size_t at = last + 1; at-- > first;) {
		size_t gone = history->moments[at].gone_from;
		unsigned count;

		if (gone != 0 && last >= gone)
			continue;
		count = differences(history, contents, now_ms, at, NULL, 0);
		if (count == 0)
			return (long)at;
		if (count < least) {
			least = count;
			nearest = at;
		}
	}
	differences(history, contents, now_ms, nearest, text, sizeof(text));
	snprintf(failure, failure_bytes,
	    "nothing from moment %zu to %zu; nearest is %zu:%s", first, last,
	    nearest, text);
	/* A moment outside tells what went wrong. */
	for (size_t at = 0; at < history->count; at++) {
		size_t len = strlen(failure);

		if ((at < first || at > last) && differences(history, contents,
			now_ms, at, NULL, 0) == 0) {
			snprintf(failure + len, failure_bytes - len,
			    "; it is moment %zu", at);
			break;
		}
	}
	return -1;
}
