#include "riptided/cmd/deadlines.h"

#include <stdlib.h>
#include <string.h>

#include "libcommon/base/invariant.h"
#include "libcommon/table/value.h"
#include "riptided/cmd/missed.h"
#include "riptided/cmd/notify.h"

struct rtd_deadline {
	uint64_t expire_ms;
	uint32_t keyspace;
	unsigned misses;	/* DL2 */
	size_t len;
	uint8_t key[];
};

static struct rt_slice
key_of(const struct rtd_deadline *deadline)
{
	return rt_slice(deadline->key, deadline->len);
}

static size_t
bytes_of(const struct rtd_deadline *deadline)
{
	return sizeof(*deadline) + deadline->len + sizeof(void *);
}

/* -- the heap -- */

/* By time; those of one key and time are neighbours. */
static int
compare(const struct rtd_deadline *a, const struct rtd_deadline *b)
{
	if (a->expire_ms != b->expire_ms)
		return a->expire_ms < b->expire_ms ? -1 : 1;
	if (a->keyspace != b->keyspace)
		return a->keyspace < b->keyspace ? -1 : 1;
	return rt_slice_compare(key_of(a), key_of(b));
}

static void
swap(struct rtd_deadlines *deadlines, size_t i, size_t j)
{
	struct rtd_deadline *item = deadlines->items[i];

	deadlines->items[i] = deadlines->items[j];
	deadlines->items[j] = item;
}

static void
rise(struct rtd_deadlines *deadlines, size_t i)
{
	while (i != 0 && compare(deadlines->items[i],
		deadlines->items[(i - 1) / 2]) < 0) {
		swap(deadlines, i, (i - 1) / 2);
		i = (i - 1) / 2;
	}
}

static void
sink(struct rtd_deadlines *deadlines, size_t i)
{
	for (;;) {
		size_t least = i;

		for (size_t child = 2 * i + 1; child <= 2 * i + 2; child++)
			if (child < deadlines->count &&
			    compare(deadlines->items[child],
				deadlines->items[least]) < 0)
				least = child;
		if (least == i)
			return;
		swap(deadlines, i, least);
		i = least;
	}
}

static struct rtd_deadline *
take(struct rtd_deadlines *deadlines, size_t i)
{
	struct rtd_deadline *deadline = deadlines->items[i];

	deadlines->bytes -= bytes_of(deadline);
	deadlines->count--;
	if (i != deadlines->count) {
		deadlines->items[i] = deadlines->items[deadlines->count];
		sink(deadlines, i);
		rise(deadlines, i);
	}
	return deadline;
}

static bool
is_full(const struct rtd_deadlines *deadlines)
{
	return deadlines->count > RTD_DEADLINES_MAX ||
	    deadlines->bytes > RTD_DEADLINES_BYTES_MAX;
}

/* DL4: of some that have nobody behind them the one that ends last. */
static void
forget_late(struct rtd_deadlines *deadlines)
{
	size_t leaves = deadlines->count - deadlines->count / 2, latest = 0;

	for (int i = 0; i < 8; i++) {
		size_t at;

		deadlines->seed = deadlines->seed * 6364136223846793005u +
		    1442695040888963407u;
		at = deadlines->count / 2 + (deadlines->seed >> 33) % leaves;
		if (i == 0 || compare(deadlines->items[at],
			deadlines->items[latest]) > 0)
			latest = at;
	}
	free(take(deadlines, latest));
	deadlines->forgot = true;
}

static void
add(struct rtd_deadlines *deadlines, struct rtd_deadline *deadline)
{
	if (deadlines->count == deadlines->cap) {
		deadlines->cap = deadlines->cap * 2 + 64;
		deadlines->items = rt_realloc(deadlines->items,
		    deadlines->cap * sizeof(struct rtd_deadline *));
	}
	deadlines->items[deadlines->count] = deadline;
	deadlines->bytes += bytes_of(deadline);
	rise(deadlines, deadlines->count++);
	while (is_full(deadlines))
		forget_late(deadlines);
}

static void
add_key(struct rtd_deadlines *deadlines, struct rt_slice store_key,
    uint64_t expire_ms)
{
	struct rt_slice key = rt_key_user(store_key);
	struct rtd_deadline *deadline =
	    rt_alloc(sizeof(*deadline) + key.len);

	*deadline = (struct rtd_deadline){
		.expire_ms = expire_ms,
		.keyspace = rt_key_keyspace(store_key),
		.len = key.len,
	};
	if (key.len != 0)
		memcpy(deadline->key, key.data, key.len);
	add(deadlines, deadline);
}

void
rtd_deadlines_note(struct rtd_deadlines *deadlines,
    const struct rtd_write_batch *batch)
{
	struct rtd_write_batch_walk walk = rtd_write_batch_walk(batch);
	struct rtd_write_op op;
	struct rt_slice bytes;
	uint64_t expire_ms;

	while (rtd_write_batch_walk_next(&walk, &op))
		if (op.type == RTD_OP_PUT &&
		    rt_value_decode(op.value, &expire_ms, &bytes) &&
		    expire_ms != RT_NO_EXPIRY)
			add_key(deadlines, op.key, expire_ms);
}

static void
empty(struct rtd_deadlines *deadlines)
{
	for (size_t i = 0; i < deadlines->count; i++)
		free(deadlines->items[i]);
	free(deadlines->items);
	deadlines->items = NULL;
	deadlines->count = deadlines->cap = deadlines->bytes = 0;
	deadlines->forgot = false;
}

void
rtd_deadlines_fini(struct rtd_deadlines *deadlines)
{
	empty(deadlines);
	*deadlines = (struct rtd_deadlines){ 0 };
}

void
rtd_deadlines_enable(struct rtd_server_state *server, bool enabled)
{
	struct rtd_deadlines *deadlines = &server->deadlines;

	if (enabled == deadlines->enabled)
		return;
	deadlines->enabled = enabled;
	deadlines->walked = false;
	if (!enabled)
		empty(deadlines);
}

/* -- the walk (DL3) -- */

struct walk {
	struct rtd_job job;
	struct rtd_server_state *server;	/* pool: hands off */
	struct rt_iter **iters;			/* of the databases */
	size_t count;
	struct rtd_deadlines found;
};

static void
walk_run(struct rtd_job *job)
{
	struct walk *walk = (struct walk *)job;
	struct rt_slice bytes;
	uint64_t expire_ms;

	for (size_t i = 0; i < walk->count; i++) {
		struct rt_iter *iter = walk->iters[i];

		for (rt_iter_seek_first(iter); iter->valid; rt_iter_next(iter))
			if (rt_value_decode(iter->entry.value, &expire_ms,
				&bytes) && expire_ms != RT_NO_EXPIRY)
				add_key(&walk->found, iter->entry.key,
				    expire_ms);
	}
}

static void
walk_done(struct rtd_job *job)
{
	struct walk *walk = (struct walk *)job;
	struct rtd_deadlines *deadlines = &walk->server->deadlines;

	deadlines->walking = false;
	walk->server->jobs_running--;
	if (deadlines->enabled) {
		deadlines->forgot |= walk->found.forgot;
		while (walk->found.count != 0)
			add(deadlines, take(&walk->found,
			    walk->found.count - 1));
	}
	empty(&walk->found);
	for (size_t i = 0; i < walk->count; i++)
		rt_iter_free(walk->iters[i]);
	free(walk->iters);
	free(walk);
}

static void
begin_walk(struct rtd_server_state *server)
{
	struct rtd_deadlines *deadlines = &server->deadlines;
	struct walk *walk = rt_alloc_zero(1, sizeof(*walk));

	walk->job = (struct rtd_job){ .run = walk_run, .done = walk_done };
	walk->server = server;
	walk->count = (size_t)server->config->databases;
	walk->iters = rt_alloc_zero(walk->count, sizeof(struct rt_iter *));
	for (size_t i = 0; i < walk->count; i++) {
		const struct rtd_read read = {
			.keyspace = rtd_engine_keyspace(server->engine,
			    (uint32_t)i),
			.now_ms = (uint64_t)server->now_ms,
		};

		walk->iters[i] = rtd_reader_iter(server->lane->reader, &read, NULL);
	}
	deadlines->walked = deadlines->walking = true;
	deadlines->forgot = false;
	server->jobs_running++;
	rtd_pool_submit(server->pool, &walk->job);
}

/* -- reading what is not in memory (DL2) -- */

struct reading {
	struct rtd_job job;
	struct rtd_server_state *server;	/* pool: hands off */
	struct rtd_engine *engine;
	struct rtd_deadlines due;
};

static void
reading_run(struct rtd_job *job)
{
	struct reading *reading = (struct reading *)job;
	struct rtd_reader *reader = rtd_reader_new(reading->engine);

	for (size_t i = 0; i < reading->due.count; i++) {
		const struct rtd_deadline *deadline = reading->due.items[i];
		const struct rtd_read read = { .keyspace =
			deadline->keyspace };
		struct rtd_value value = { 0 };

		/* What comes of it the loop finds out. */
		if (rtd_reader_get(reader, &read, key_of(deadline), &value,
			NULL) == RT_OK)
			rtd_value_fini(&value);
	}
	rtd_reader_free(reader);
}

static void
reading_done(struct rtd_job *job)
{
	struct reading *reading = (struct reading *)job;
	struct rtd_deadlines *deadlines = &reading->server->deadlines;

	deadlines->reading = false;
	reading->server->jobs_running--;
	while (deadlines->enabled && reading->due.count != 0)
		add(deadlines, take(&reading->due, reading->due.count - 1));
	empty(&reading->due);
	free(reading);
}

static void
begin_reading(struct rtd_server_state *server, struct rtd_deadlines *due)
{
	struct reading *reading = rt_alloc_zero(1, sizeof(*reading));

	reading->job = (struct rtd_job){ .run = reading_run,
		.done = reading_done };
	reading->server = server;
	reading->engine = server->engine;
	reading->due = *due;
	*due = (struct rtd_deadlines){ 0 };
	server->deadlines.reading = true;
	server->jobs_running++;
	rtd_pool_submit_short(server->pool, &reading->job);
}

/* -- telling -- */

/* False: it is not in memory. */
static bool
tell_one(struct rtd_server_state *server, const struct rtd_deadline *deadline)
{
	/* At time 0 nothing has ended. */
	const struct rtd_read read = {
		.keyspace = deadline->keyspace,
		.flags = deadline->misses < RTD_MISSES_MAX ?
		    RTD_READ_NOWAIT : 0,
	};
	struct rtd_client nobody = { .id = 0 };
	struct rtd_value value = { 0 };
	enum rt_code code = rtd_reader_get(server->lane->reader, &read,
	    key_of(deadline), &value, NULL);
	bool same = code == RT_OK && value.expire_ms == deadline->expire_ms;
	uint32_t database;

	nobody.wait_seq = value.seq;
	rtd_value_fini(&value);
	if (code == RT_EAGAIN)
		return false;
	if (!same)
		return true;
	server->expired_keys++;
	for (database = 0; database < (uint32_t)server->config->databases;
	     database++)
		if (rtd_engine_keyspace(server->engine, database) ==
		    deadline->keyspace)
			rtd_notify_send(server, &nobody, database, "expired",
			    key_of(deadline));
	return true;
}

static bool
is_due(const struct rtd_deadlines *deadlines, int64_t now_ms)
{
	return deadlines->count != 0 &&
	    deadlines->items[0]->expire_ms <= (uint64_t)now_ms;
}

void
rtd_deadlines_tell(struct rtd_server_state *server)
{
	struct rtd_deadlines *deadlines = &server->deadlines;
	struct rtd_deadlines cold = { 0 };
	int left = RTD_DEADLINES_A_TURN;

	if (server->engine == NULL || server->lane->reader == NULL)
		return;
	if (!deadlines->walking && (!deadlines->walked ||
		(deadlines->forgot &&
		    deadlines->count < RTD_DEADLINES_MAX / 2 &&
		    deadlines->bytes < RTD_DEADLINES_BYTES_MAX / 2)))
		begin_walk(server);
	while (left-- > 0 && is_due(deadlines, server->now_ms)) {
		struct rtd_deadline *deadline = take(deadlines, 0);

		/* Noted twice: written with the same end again, or found by
		 * the walk as well. */
		while (deadlines->count != 0 &&
		    compare(deadline, deadlines->items[0]) == 0)
			free(take(deadlines, 0));
		if (tell_one(server, deadline)) {
			free(deadline);
			continue;
		}
		deadline->misses++;
		add(&cold, deadline);
		if (deadlines->reading)
			break;
	}
	if (cold.count == 0)
		return;
	if (!deadlines->reading) {
		begin_reading(server, &cold);
		return;
	}
	/* One job at a time: these wait for the next turn. */
	while (cold.count != 0) {
		struct rtd_deadline *deadline = take(&cold, cold.count - 1);

		deadline->misses--;
		add(deadlines, deadline);
	}
	empty(&cold);
}
