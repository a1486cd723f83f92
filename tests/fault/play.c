/* A value is its state and length in digits, then bytes that both determine, so
 * that a wrong byte anywhere shows. */
#include "tests/fault/play.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "libcommon/base/bulk.h"
#include "libcommon/base/invariant.h"
#include "libcommon/table/value.h"
#include "riptide-compactd/compactor.h"

#define POLL_US 100
#define WAIT_US_MAX (20 * 1000 * 1000)
#define HEAD_BYTES 24
#define UNREADABLE UINT_MAX
#define NOW_MS 1000

void
rtt_play_fail(const struct rtt_play *play, const char *fmt, ...)
{
	char text[700];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	/* One write: several processes may have something to say. */
	dprintf(STDERR_FILENO, "# %s: %s\n",
	    play->story != NULL ? play->story : "play", text);
	_exit(1);
}

struct rtt_history *
rtt_history_new(void)
{
	struct rtt_history *history = mmap(NULL, sizeof(*history),
	    PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	rt_assert(history != MAP_FAILED);
	history->count = 1;
	return history;
}

const struct rtt_contents *
rtt_play_latest(const struct rtt_play *play)
{
	return &play->history->contents[play->history->count - 1];
}

void
rtt_play_init(struct rtt_play *play, struct rt_fs *fs, const char *dir,
    struct rtt_history *history)
{
	*play = (struct rtt_play){
		.fs = fs,
		.history = history,
		.value_bytes = 40,
	};
	rt_config_init(&play->config);
	free(play->config.dir);
	play->config.dir = rt_strdup(dir);
	play->config.memtable_size = 64 << 10;
	play->config.block_cache_size = 0;
	play->config.disk_reserve = 0;
	play->config.databases = RTT_PLAY_DATABASES;
}

void
rtt_play_fini(struct rtt_play *play)
{
	rtd_write_batch_fini(&play->batch);
	rt_config_fini(&play->config);
}

enum rt_code
rtt_play_open(struct rtt_play *play, struct rt_err *err)
{
	struct rtd_engine_options options = {
		.fs = play->fs,
		.clock = rt_clock_system(),
		.config = &play->config,
	};
	enum rt_code code = rtd_engine_open(&play->engine, &options, err);

	if (code != RT_OK) {
		play->engine = NULL;
		return code;
	}
	play->reader = rtd_reader_new(play->engine);
	play->settled = play->history->acked == play->history->count - 1;
	play->after = *rtt_play_latest(play);
	return RT_OK;
}

enum rt_code
rtt_play_close(struct rtt_play *play, struct rt_err *err)
{
	enum rt_code code;

	if (play->engine == NULL)
		return RT_OK;
	rtd_reader_free(play->reader);
	play->reader = NULL;
	code = rtd_engine_close(play->engine, err);
	play->engine = NULL;
	if (code == RT_OK && play->settled)
		play->history->acked =
		    play->history->count - 1;
	return code;
}

/* -- values -- */

static size_t
value_len(const struct rtt_play *play, unsigned state)
{
	return HEAD_BYTES + play->value_bytes / 2 +
	    state * 37 % (play->value_bytes + 1);
}

static uint8_t
value_byte(unsigned state, size_t len, size_t i)
{
	return (uint8_t)('a' + (state + len + i / 7 * 3) % 23);
}

static void
fill_value(uint8_t *out, unsigned state, size_t len)
{
	char head[HEAD_BYTES + 1];

	snprintf(head, sizeof(head), "%10u %12u", state, (unsigned)len);
	memcpy(out, head, HEAD_BYTES - 1);
	out[HEAD_BYTES - 1] = ' ';
	for (size_t i = HEAD_BYTES; i < len; i++)
		out[i] = value_byte(state, len, i);
}

/* The state that a value was made from; fails for what was never written. */
static unsigned
value_state(const struct rtt_play *play, const char *key,
    struct rt_slice value)
{
	char head[HEAD_BYTES + 1] = "";
	unsigned state;

	if (value.len >= HEAD_BYTES)
		memcpy(head, value.data, HEAD_BYTES);
	state = (unsigned)strtoul(head, NULL, 10);
	if (value.len < HEAD_BYTES || state == 0 ||
	    strtoul(head + 11, NULL, 10) != value.len)
		rtt_play_fail(play, "%s: a value that was never written, %zu "
		    "bytes: \"%s\"", key, value.len, head);
	for (size_t i = HEAD_BYTES; i < value.len; i++)
		if (value.data[i] != value_byte(state, value.len, i))
			rtt_play_fail(play, "%s: wrong byte %zu of %zu", key, i,
			    value.len);
	return state;
}

static const char *
key_name(char out[16], unsigned key)
{
	snprintf(out, 16, "key%02u", key);
	return out;
}

/* -- writing -- */

void
rtt_play_put(struct rtt_play *play, unsigned database, unsigned key)
{
	unsigned state = ++play->history->state;
	size_t len = value_len(play, state);
	uint32_t keyspace = rtd_engine_keyspace(play->engine, database);
	char name[16];
	struct rt_slice user_key = rt_slice_cstr(key_name(name, key));

	if (len >= RT_BULK_BYTES_MIN) {
		struct rt_bulk *bulk = rt_bulk_new(len);

		rt_assert(bulk != NULL);
		fill_value(bulk->data, state, len);
		rtd_write_batch_put_bulk(&play->batch, keyspace, user_key, bulk,
		    RT_NO_EXPIRY);
		rt_bulk_unref(bulk);
	} else {
		uint8_t *value = rt_alloc(len);

		fill_value(value, state, len);
		rtd_write_batch_put(&play->batch, keyspace, user_key,
		    rt_slice(value, len), RT_NO_EXPIRY);
		free(value);
	}
	play->after.keys[database][key] = state;
}

void
rtt_play_delete(struct rtt_play *play, unsigned database, unsigned key)
{
	char name[16];

	rtd_write_batch_delete(&play->batch,
	    rtd_engine_keyspace(play->engine, database),
	    rt_slice_cstr(key_name(name, key)));
	play->after.keys[database][key] = 0;
}

void
rtt_play_drop(struct rtt_play *play, unsigned database)
{
	rtd_write_batch_drop(&play->batch,
	    rtd_engine_keyspace(play->engine, database));
	memset(play->after.keys[database], 0,
	    sizeof(play->after.keys[database]));
}

void
rtt_play_swap(struct rtt_play *play)
{
	struct rtt_contents before = play->after;

	rtd_write_batch_swap(&play->batch, 0, 1);
	memcpy(play->after.keys[0], before.keys[1], sizeof(before.keys[0]));
	memcpy(play->after.keys[1], before.keys[0], sizeof(before.keys[0]));
}

static bool
wait_for_ack(struct rtt_play *play, uint64_t seq)
{
	for (unsigned us = 0; us < WAIT_US_MAX; us += POLL_US) {
		/* The state first: an ack that came before it counts. */
		bool stuck = rtd_engine_log_stuck(play->engine);

		if (rtd_engine_acked_seq(play->engine) >= seq)
			return true;
		if (stuck)
			return false;
		usleep(POLL_US);
		rtd_engine_end_turn(play->engine);
	}
	rtt_play_fail(play, "sequence %llu is neither acked nor refused",
	    (unsigned long long)seq);
}

/* As the loop does: a write waits while too many memtables do. */
static bool
wait_for_room(struct rtt_play *play)
{
	for (unsigned us = 0; us < WAIT_US_MAX; us += POLL_US) {
		if (rtd_engine_write_state(play->engine, NULL) != RT_OK)
			return false;
		if (rtd_engine_has_room(play->engine))
			return true;
		usleep(POLL_US);
		rtd_engine_end_turn(play->engine);
	}
	rtt_play_fail(play, "there is neither room nor a reason");
}

bool
rtt_play_write(struct rtt_play *play)
{
	struct rtt_history *history = play->history;
	uint64_t seq = 0;
	bool acked = false;

	if (play->engine != NULL && play->batch.count != 0 &&
	    history->count < RTT_PLAY_HISTORY_MAX && wait_for_room(play) &&
	    rtd_engine_write(play->engine, &play->batch, &seq, NULL) == RT_OK) {
		history->contents[history->count++] = play->after;
		rtd_engine_end_turn(play->engine);
		acked = wait_for_ack(play, seq);
		if (acked)
			history->acked = history->count - 1;
	}
	rtd_write_batch_clear(&play->batch);
	play->after = *rtt_play_latest(play);
	return acked;
}

bool
rtt_play_set(struct rtt_play *play, unsigned database, unsigned key)
{
	if (play->engine == NULL)
		return false;
	rtt_play_put(play, database, key);
	return rtt_play_write(play);
}

bool
rtt_play_flush(struct rtt_play *play)
{
	struct rtd_engine_stats stats;

	if (play->engine == NULL)
		return false;
	rtd_engine_flush(play->engine);
	for (unsigned us = 0; us < WAIT_US_MAX; us += POLL_US) {
		if (rtd_engine_flushed(play->engine)) {
			play->history->flushed = play->history->count - 1;
			return true;
		}
		rtd_engine_get_stats(play->engine, &stats);
		if (stats.flush_error[0] != '\0' ||
		    rtd_engine_log_stuck(play->engine))
			return false;
		usleep(POLL_US);
		rtd_engine_end_turn(play->engine);
	}
	rtt_play_fail(play, "a flush neither ends nor fails");
}

void
rtt_play_compact(struct rtt_play *play, struct rt_fs *fs, bool full)
{
	struct rtc_options options = {
		.fs = fs,
		.clock = rt_clock_system(),
		.config = &play->config,
		.once = !full,
		.full = full,
		.signal_fd = -1,
	};
	struct rtc_compactor *compactor = NULL;
	enum rt_code code = rtc_compactor_open(&compactor, &options, NULL);

	if (code == RT_OK)
		code = rtc_compactor_run(compactor, NULL);
	if (code == RT_EFENCED)
		rtt_play_fail(play, "the compactor takes an error for another "
		    "one's claim");
	rtc_compactor_close(compactor);
}

/* -- reading -- */

/* The state of a key, or UNREADABLE. */
static unsigned
read_key(struct rtt_play *play, const struct rtd_read *read, unsigned key)
{
	struct rtd_value value = { .seq = 0 };
	struct rt_err err = { 0 };
	unsigned state = 0;
	char name[16];
	enum rt_code code;

	code = rtd_reader_get(play->reader, read,
	    rt_slice_cstr(key_name(name, key)), &value, &err);
	if (code == RT_OK)
		state = value_state(play, name, value.bytes);
	else if (code != RT_ENOTFOUND)
		state = UNREADABLE;
	if (code == RT_EAGAIN && (read->flags & RTD_READ_NOWAIT) == 0)
		rtt_play_fail(play, "%s: a read that may wait says it would "
		    "have to", name);
	rtd_value_fini(&value);
	return state;
}

static unsigned
compare(const struct rtt_play *play, const char *how, unsigned database,
    unsigned key, unsigned found, const struct rtt_contents *expected)
{
	if (found == UNREADABLE)
		return 1;
	if (found != expected->keys[database][key])
		rtt_play_fail(play, "%s: database %u key%02u has state %u, not "
		    "%u", how, database, key, found,
		    expected->keys[database][key]);
	return 0;
}

unsigned
rtt_play_read(struct rtt_play *play, const struct rtd_snapshot *of,
    const struct rtt_contents *expected)
{
	unsigned unreadable = 0;

	for (unsigned database = 0; database < RTT_PLAY_DATABASES; database++) {
		struct rtd_read read = {
			.keyspace = of != NULL
			    ? rtd_snapshot_keyspace(of, database)
			    : rtd_engine_keyspace(play->engine, database),
			.now_ms = NOW_MS,
			.snapshot = of,
		};

		for (unsigned key = 0; key < RTT_PLAY_KEYS; key++) {
			unreadable += compare(play, "read", database, key,
			    read_key(play, &read, key), expected);
			/* It may say that it would wait, never a wrong
			 * state. */
			read.flags = RTD_READ_NOWAIT;
			(void)compare(play, "read without waiting", database,
			    key, read_key(play, &read, key), expected);
			read.flags = 0;
		}
	}
	return unreadable;
}

/* Walk over one database; false: an error ended it early. */
static bool
scan_database(struct rtt_play *play, unsigned database,
    struct rtt_contents *found)
{
	const struct rtd_read read = {
		.keyspace = rtd_engine_keyspace(play->engine, database),
		.now_ms = NOW_MS,
	};
	struct rt_iter *iter = rtd_reader_iter(play->reader, &read, NULL);
	enum rt_code code;

	rt_iter_seek_first(iter);
	while (iter->valid) {
		struct rt_slice user = rt_key_user(iter->entry.key);
		uint64_t expire_ms;
		struct rt_slice value;
		unsigned key = RTT_PLAY_KEYS;
		char name[16] = "";

		if (user.len < sizeof(name))
			memcpy(name, user.data, user.len);
		(void)sscanf(name, "key%2u", &key);
		if (key >= RTT_PLAY_KEYS)
			rtt_play_fail(play, "scan: a key that was never "
			    "written: \"%s\"", name);
		if (!rt_value_decode(iter->entry.value, &expire_ms, &value))
			rtt_play_fail(play, "scan: %s: no value", name);
		found->keys[database][key] = value_state(play, name, value);
		rt_iter_next(iter);
	}
	code = iter->code;
	rt_iter_free(iter);
	return code == RT_OK;
}

unsigned
rtt_play_scan(struct rtt_play *play, const struct rtt_contents *expected)
{
	unsigned unreadable = 0;

	for (unsigned database = 0; database < RTT_PLAY_DATABASES; database++) {
		struct rtt_contents found = { 0 };
		bool whole = scan_database(play, database, &found);

		unreadable += !whole;
		for (unsigned key = 0; key < RTT_PLAY_KEYS; key++)
			if (whole || found.keys[database][key] != 0)
				compare(play, "scan", database, key,
				    found.keys[database][key], expected);
	}
	return unreadable;
}

unsigned
rtt_play_read_all(struct rtt_play *play)
{
	unsigned unreadable = 0;

	if (play->engine == NULL)
		return 0;
	unreadable += rtt_play_read(play, NULL, rtt_play_latest(play));
	unreadable += rtt_play_scan(play, rtt_play_latest(play));
	return unreadable;
}

/* Read all keys; returns how many cannot be. */
static unsigned
read_found(struct rtt_play *play, struct rtt_contents *found)
{
	unsigned unreadable = 0;

	for (unsigned database = 0; database < RTT_PLAY_DATABASES; database++) {
		const struct rtd_read read = {
			.keyspace = rtd_engine_keyspace(play->engine, database),
			.now_ms = NOW_MS,
		};

		for (unsigned key = 0; key < RTT_PLAY_KEYS; key++) {
			unsigned state = read_key(play, &read, key);

			unreadable += state == UNREADABLE;
			found->keys[database][key] = state;
		}
	}
	return unreadable;
}

static void
print_contents(const char *what, const struct rtt_contents *contents)
{
	for (unsigned i = 0; i < RTT_PLAY_DATABASES; i++) {
		fprintf(stderr, "# %s, database %u:", what, i);
		for (unsigned key = 0; key < RTT_PLAY_KEYS; key++)
			fprintf(stderr, " %u", contents->keys[i][key]);
		fputc('\n', stderr);
	}
}

static size_t
settle_as(struct rtt_play *play, const struct rtt_contents *found,
    size_t at_least)
{
	struct rtt_history *history = play->history;

	for (size_t i = history->count; i-- > at_least;) {
		if (memcmp(&history->contents[i], found, sizeof(*found)) != 0)
			continue;
		history->count = i + 1;
		history->acked = i;
		play->after = *found;
		play->settled = true;
		return i;
	}
	print_contents("found", found);
	print_contents("acked", &history->contents[history->acked]);
	print_contents("latest", rtt_play_latest(play));
	rtt_play_fail(play, "neither what was acked (%zu) nor what may be "
	    "(up to %zu)", at_least, history->count - 1);
}

bool
rtt_play_try_settle(struct rtt_play *play)
{
	struct rtt_contents found;

	if (read_found(play, &found) != 0)
		return false;
	settle_as(play, &found, play->history->acked);
	return true;
}

static bool
may_be(const struct rtt_contents *contents, const struct rtt_contents *found,
    const struct rtt_contents *scanned, const bool whole[RTT_PLAY_DATABASES])
{
	for (unsigned i = 0; i < RTT_PLAY_DATABASES; i++)
		for (unsigned key = 0; key < RTT_PLAY_KEYS; key++) {
			unsigned state = contents->keys[i][key];
			unsigned seen = scanned->keys[i][key];

			if (found->keys[i][key] != UNREADABLE &&
			    found->keys[i][key] != state)
				return false;
			if ((whole[i] || seen != 0) && seen != state)
				return false;
		}
	return true;
}

unsigned
rtt_play_look(struct rtt_play *play, size_t at_least, size_t *at)
{
	const struct rtt_history *history = play->history;
	struct rtt_contents found, scanned = { 0 };
	bool whole[RTT_PLAY_DATABASES];
	unsigned unreadable = read_found(play, &found);

	for (unsigned i = 0; i < RTT_PLAY_DATABASES; i++) {
		whole[i] = scan_database(play, i, &scanned);
		unreadable += !whole[i];
	}
	for (size_t i = history->count; i-- > at_least;)
		if (may_be(&history->contents[i], &found, &scanned, whole)) {
			*at = i;
			return unreadable;
		}
	print_contents("found", &found);
	print_contents("scanned", &scanned);
	print_contents("must be", rtt_play_latest(play));
	rtt_play_fail(play, "what can be read was never there, or not behind "
	    "%zu of %zu", at_least, history->count - 1);
}

size_t
rtt_play_settle(struct rtt_play *play, size_t at_least)
{
	struct rtt_contents found;
	size_t at;

	if (read_found(play, &found) != 0)
		rtt_play_fail(play, "not everything can be read on a sound "
		    "disk");
	at = settle_as(play, &found, at_least);
	if (rtt_play_scan(play, &found) != 0)
		rtt_play_fail(play, "a scan fails on a sound disk");
	return at;
}
