/* The model is a plain array of what each key of each database holds. Writes
 * change it as they join the batch; a batch is committed before anything that
 * is not a write. While a kill is armed, the model as of the last acknowledged
 * batch is kept (`settled`): when the disk has died, the engine is thrown away
 * and opened again, and the last sequence that it then knows says whether the
 * one batch under way is there or not. */
#include "tests/model/engine_subject.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libcommon/base/invariant.h"
#include "libcommon/table/value.h"
#include "riptide-compactd/compactor.h"
#include "riptided/engine/snapshots.h"
#include "tests/support/fault_fs.h"
#include "tests/support/scratch_dir.h"

#define START_MS 1000000000
#define KILL_CALLS 120
#define KEY_BYTES 40

/* What a key should hold: version 0 is absent. */
struct cell {
	uint32_t version;
	uint32_t len;
	uint64_t expire_ms;
};

/* All databases at one moment. */
struct model {
	uint64_t now_ms;
	struct cell cells[RTT_DATABASES][RTT_KEYS];
};

struct held {
	struct rtd_snapshot *snapshot;	/* NULL: none */
	struct model model;
};

struct turned_clock {
	struct rt_clock base;
	int64_t wall_ms;
};

struct subject {
	struct rtt_scratch scratch;
	struct rt_config config;
	struct turned_clock clock;
	struct rtd_engine *engine;
	struct rtd_reader *reader;
	struct rtd_write_batch batch;
	struct model model;
	struct model settled;	/* while a kill is armed */
	uint64_t settled_seq, last_seq;
	struct held held[RTT_SNAPSHOTS];
	unsigned next_held;
	uint32_t versions;
	unsigned merges;
	struct rtt_fault_fs fault;
	char failure[RTT_FAILURE_BYTES];	/* "" while all is well */
};

/* Whether the disk has died: what fails from now on is no news. */
static bool
is_dead(struct subject *subject)
{
	return atomic_load(&subject->fault.failed) != 0;
}

static void __attribute__((format(printf, 2, 3)))
complain(struct subject *subject, const char *format, ...)
{
	va_list args;

	if (subject->failure[0] != '\0' || is_dead(subject))
		return;
	va_start(args, format);
	vsnprintf(subject->failure, sizeof(subject->failure), format, args);
	va_end(args);
}

static uint64_t
monotonic_ns(struct rt_clock *clock)
{
	(void)clock;
	return rt_clock_monotonic_ns(rt_clock_system());
}

static int64_t
wall_ms(struct rt_clock *clock)
{
	return ((struct turned_clock *)clock)->wall_ms;
}

/* Time passes; the wall clock does not step. */
static uint64_t
boot_ns(struct rt_clock *clock)
{
	return (uint64_t)wall_ms(clock) * 1000000;
}

/* -- keys and values -- */

/* Keys ascend with n, share prefixes, and are of many lengths; key 0 is empty. */
static struct rt_slice
key_of(char out[KEY_BYTES], unsigned n)
{
	int len = snprintf(out, KEY_BYTES, "key:%u:%03u%.*s", n / 100, n,
	    (int)(n % 5 * 4), "................");

	return rt_slice(out, n == 0 ? 0 : (size_t)len);
}

static void
fill_value(uint8_t *out, uint32_t version, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++)
		out[i] = (uint8_t)(version >> (i % 4 * 8) ^ i / 7);
}

static bool
is_there(const struct model *model, const struct cell *cell)
{
	return cell->version != 0 && (cell->expire_ms == RT_NO_EXPIRY ||
		cell->expire_ms > model->now_ms);
}

static bool
holds(const struct cell *cell, struct rt_slice bytes)
{
	uint8_t *should = rt_alloc(cell->len + 1);
	bool same;

	fill_value(should, cell->version, cell->len);
	same = rt_slice_equal(bytes, rt_slice(should, cell->len));
	free(should);
	return same;
}

/* -- operations -- */

static void
open_engine(struct subject *subject)
{
	struct rtd_engine_options options = {
		.fs = &subject->fault.fs,
		.clock = &subject->clock.base,
		.config = &subject->config,
	};
	struct rt_err err = { 0 };

	if (rtd_engine_open(&subject->engine, &options, &err) != RT_OK) {
		subject->engine = NULL;
		complain(subject, "open: %s", err.text);
		return;
	}
	subject->reader = rtd_reader_new(subject->engine);
}

static void
close_engine(struct subject *subject)
{
	struct rt_err err = { 0 };

	if (subject->engine == NULL)
		return;
	rtd_reader_free(subject->reader);
	if (rtd_engine_close(subject->engine, &err) != RT_OK)
		complain(subject, "close: %s", err.text);
	subject->engine = NULL;
}

/* Wait for the acknowledgement, so that no more than one batch is under way
 * when the disk dies. */
static void
settle(struct subject *subject, uint64_t seq)
{
	while (rtd_engine_acked_seq(subject->engine) < seq &&
	    !is_dead(subject))
		usleep(50);
	if (is_dead(subject))
		return;
	subject->settled = subject->model;
	subject->settled_seq = seq;
}

static bool
is_armed(const struct subject *subject)
{
	return atomic_load(&subject->fault.fail_at) != 0;
}

static void
commit(struct subject *subject)
{
	struct rt_err err = { 0 };
	uint64_t seq;

	if (subject->batch.count == 0 || subject->engine == NULL)
		return;
	while (!rtd_engine_has_room(subject->engine) && !is_dead(subject))
		usleep(200);
	if (rtd_engine_write(subject->engine, &subject->batch, &seq, &err) !=
	    RT_OK)
		complain(subject, "write: %s", err.text);
	else
		subject->last_seq = seq;
	rtd_write_batch_clear(&subject->batch);
	rtd_engine_end_turn(subject->engine);
	if (is_armed(subject))
		settle(subject, subject->last_seq);
}

static void
put(struct subject *subject, const struct rtt_op *op)
{
	struct cell *cell = &subject->model.cells[op->database][op->key];
	uint8_t *value = rt_alloc(op->len + 1);
	char text[KEY_BYTES];

	*cell = (struct cell){ .version = ++subject->versions,
		.len = op->len };
	if (op->ttl_ms != 0)
		cell->expire_ms =
		    (uint64_t)subject->clock.wall_ms + op->ttl_ms;
	fill_value(value, cell->version, op->len);
	rtd_write_batch_put(&subject->batch,
	    rtd_engine_keyspace(subject->engine, op->database),
	    key_of(text, op->key), rt_slice(value, op->len), cell->expire_ms);
	free(value);
}

static void
flush(struct subject *subject)
{
	rtd_engine_flush(subject->engine);
	while (!rtd_engine_flushed(subject->engine) && !is_dead(subject)) {
		usleep(200);
		rtd_engine_flush(subject->engine);
	}
}

static void
compact(struct subject *subject, bool full)
{
	struct rtc_options options = {
		.fs = &subject->fault.fs,
		.clock = &subject->clock.base,
		.config = &subject->config,
		.once = !full,
		.full = full,
		.signal_fd = -1,
	};
	struct rtc_compactor *compactor = NULL;
	struct rt_err err = { 0 };

	/* The policy changes under a database in use. */
	subject->config.compaction_policy = subject->merges++ % 3 == 2
	    ? RT_POLICY_LEVELED : RT_POLICY_LAZY;
	if (rtc_compactor_open(&compactor, &options, &err) != RT_OK ||
	    rtc_compactor_run(compactor, &err) != RT_OK)
		complain(subject, "compact: %s", err.text);
	rtc_compactor_close(compactor);
}

static void
release(struct subject *subject, unsigned i)
{
	struct held *held = &subject->held[i];

	if (held->snapshot == NULL)
		return;
	rtd_snapshot_release(subject->engine, held->snapshot->id);
	rtd_snapshot_unref(held->snapshot);
	held->snapshot = NULL;
}

/* Whether a generation behind this one names the sequence. */
static bool
is_published(struct subject *subject, uint64_t seq, uint64_t generation)
{
	const struct rt_manifest *manifest =
	    rtd_engine_manifest(subject->engine);
	bool published = false;

	for (size_t i = 0; i < manifest->snapshots_count; i++)
		published = published || manifest->snapshots[i] == seq;
	published = published && manifest->generation > generation;
	rt_manifest_unref(manifest);
	return published;
}

static uint64_t
generation_of(struct subject *subject)
{
	const struct rt_manifest *manifest =
	    rtd_engine_manifest(subject->engine);
	uint64_t generation = manifest->generation;

	rt_manifest_unref(manifest);
	return generation;
}

/* With no grace for expired values the compactor has to know of a snapshot
 * before the clock goes on. A snapshot released before may have had the same
 * sequence, and a list without either may be on its way. */
static void
hold(struct subject *subject)
{
	unsigned i = subject->next_held++ % RTT_SNAPSHOTS;
	uint64_t generation = generation_of(subject);
	struct rt_err err = { 0 };

	release(subject, i);
	subject->held[i].model = subject->model;
	if (rtd_snapshot_create(subject->engine, 0, &subject->held[i].snapshot,
		&err) != RT_OK)
		complain(subject, "snapshot: %s", err.text);
	else
		while (!is_dead(subject) && !is_published(subject,
		    subject->held[i].snapshot->seq, generation))
			usleep(200);
}

/* -- checks -- */

/* What a read at this moment should see, and how to ask for it. */
static const struct model *
at_moment(const struct subject *subject, const struct rtt_op *op,
    struct rtd_read *read)
{
	const struct held *held =
	    op->moment == 0 ? NULL : &subject->held[op->moment - 1];

	if (held == NULL || held->snapshot == NULL) {
		*read = (struct rtd_read){
			.keyspace = rtd_engine_keyspace(subject->engine,
			    op->database),
			.now_ms = subject->model.now_ms,
		};
		return &subject->model;
	}
	*read = (struct rtd_read){
		.keyspace =
		    rtd_snapshot_keyspace(held->snapshot, op->database),
		.now_ms = held->snapshot->created_ms,
		.snapshot = held->snapshot,
	};
	return &held->model;
}

/* value is finished here. */
static void
check_value(struct subject *subject, const struct rtt_op *op, unsigned key,
    const struct model *model, enum rt_code code, struct rtd_value *value,
    const struct rt_err *err)
{
	const struct cell *cell = &model->cells[op->database][key];

	if (code != (is_there(model, cell) ? RT_OK : RT_ENOTFOUND))
		complain(subject, "get of key %u in database %u: %s %s", key,
		    op->database, rt_code_name(code), err->text);
	else if (code == RT_OK && (!holds(cell, value->bytes) ||
			value->expire_ms != cell->expire_ms))
		complain(subject,
		    "get of key %u in database %u: a wrong value", key,
		    op->database);
	rtd_value_fini(value);
}

/* The key alone, then in a batch with every seventh one behind it. */
static void
check_get(struct subject *subject, const struct rtt_op *op)
{
	struct rtd_value values[RTD_READ_KEYS_MAX] = { { .seq = 0 } };
	enum rt_code codes[RTD_READ_KEYS_MAX];
	struct rt_slice keys[RTD_READ_KEYS_MAX];
	char texts[RTD_READ_KEYS_MAX][KEY_BYTES];
	struct rt_err err = { 0 };
	const struct model *model;
	struct rtd_read read;

	model = at_moment(subject, op, &read);
	codes[0] = rtd_reader_get(subject->reader, &read,
	    key_of(texts[0], op->key), &values[0], &err);
	check_value(subject, op, op->key, model, codes[0], &values[0], &err);
	for (unsigned i = 0; i < RTD_READ_KEYS_MAX; i++)
		keys[i] = key_of(texts[i], (op->key + 7 * i) % RTT_KEYS);
	rtd_reader_get_many(subject->reader, &read, keys, RTD_READ_KEYS_MAX,
	    values, codes, &err);
	for (unsigned i = 0; i < RTD_READ_KEYS_MAX; i++)
		check_value(subject, op, (op->key + 7 * i) % RTT_KEYS, model,
		    codes[i], &values[i], &err);
}

/* The next key at or behind `key` that is there, or RTT_KEYS. */
static unsigned
next_there(const struct model *model, uint32_t database, unsigned key)
{
	while (key < RTT_KEYS &&
	    !is_there(model, &model->cells[database][key]))
		key++;
	return key;
}

static void
check_entry(struct subject *subject, const struct rt_iter *iter,
    const struct cell *cells, unsigned key)
{
	struct rt_slice bytes, is = rt_key_user(iter->entry.key);
	uint64_t expire_ms;
	char text[KEY_BYTES];

	if (key == RTT_KEYS)
		complain(subject, "scan: a key too many");
	else if (!rt_slice_equal(is, key_of(text, key)))
		complain(subject, "scan: not key %u but %.*s", key,
		    (int)is.len, (const char *)is.data);
	else if (!rt_value_decode(iter->entry.value, &expire_ms, &bytes) ||
	    !holds(&cells[key], bytes))
		complain(subject, "scan: key %u: a wrong value", key);
}

static void
check_scan(struct subject *subject, const struct rtt_op *op)
{
	uint8_t start[RT_KEY_PREFIX_BYTES + KEY_BYTES];
	const struct model *model;
	struct rt_slice user_key;
	struct rtd_read read;
	struct rt_iter *iter;
	char text[KEY_BYTES];
	unsigned key;

	model = at_moment(subject, op, &read);
	iter = rtd_reader_iter(subject->reader, &read, NULL);
	key = next_there(model, op->database, op->key);
	user_key = key_of(text, op->key);
	rt_key_put_prefix(start, read.keyspace, RT_KEY_KIND_STRING);
	memcpy(start + RT_KEY_PREFIX_BYTES, user_key.data, user_key.len);
	rt_iter_seek(iter,
	    rt_slice(start, RT_KEY_PREFIX_BYTES + user_key.len), RT_SEQ_MAX);
	while (iter->valid && subject->failure[0] == '\0') {
		check_entry(subject, iter, model->cells[op->database], key);
		key = next_there(model, op->database, key + 1);
		rt_iter_next(iter);
	}
	if (iter->code != RT_OK)
		complain(subject, "scan: %s", iter->err.text);
	else if (key < RTT_KEYS)
		complain(subject, "scan of database %u: key %u is missing",
		    op->database, key);
	rt_iter_free(iter);
}

/* A key's place in store order, for seeks. */
static struct rt_slice
store_key(uint8_t memory[RT_KEY_PREFIX_BYTES + KEY_BYTES], uint32_t keyspace,
    unsigned key)
{
	char text[KEY_BYTES];
	struct rt_slice user_key = key_of(text, key);

	rt_key_put_prefix(memory, keyspace, RT_KEY_KIND_STRING);
	memcpy(memory + RT_KEY_PREFIX_BYTES, user_key.data, user_key.len);
	return rt_slice(memory, RT_KEY_PREFIX_BYTES + user_key.len);
}

/* The keys that are there, in order. */
struct there {
	unsigned keys[RTT_KEYS];
	size_t count;
};

static struct there
list_there(const struct model *model, uint32_t database, unsigned from,
    unsigned to)
{
	struct there there = { .count = 0 };

	for (unsigned key = next_there(model, database, from); key < to;
	    key = next_there(model, database, key + 1))
		there.keys[there.count++] = key;
	return there;
}

/* Seek to or before a key drawn from draw; where that leads to. */
static size_t
seek_drawn(struct rt_iter *iter, const struct there *there, uint32_t keyspace,
    unsigned draw)
{
	uint8_t memory[RT_KEY_PREFIX_BYTES + KEY_BYTES];
	unsigned key = draw / 4 % RTT_KEYS;
	size_t at = 0;

	switch (draw % 4) {
	case 0:
		rt_iter_seek_first(iter);
		return 0;
	case 1:
		rt_iter_seek_last(iter);
		return there->count - 1;
	case 2:
		rt_iter_seek(iter, store_key(memory, keyspace, key),
		    RT_SEQ_MAX);
		while (at < there->count && there->keys[at] < key)
			at++;
		return at;
	default:
		rt_iter_seek_for_prev(iter, store_key(memory, keyspace, key),
		    0);
		while (at < there->count && there->keys[at] <= key)
			at++;
		return at - 1;
	}
}

/* To and fro in a range. */
static void
check_walk(struct subject *subject, const struct rtt_op *op)
{
	uint64_t draw = (uint64_t)op->key * 7919 + op->len;
	unsigned from = (unsigned)(draw % 3) * op->key / 2;
	unsigned to = draw % 5 < 2 ? RTT_KEYS : from + 1 + op->len % RTT_KEYS;
	char texts[2][KEY_BYTES];
	const struct model *model;
	struct rtd_read read;
	struct rt_iter *iter;
	struct there there;
	size_t at = SIZE_MAX;

	to = to < RTT_KEYS ? to : RTT_KEYS;
	model = at_moment(subject, op, &read);
	if (from != 0)
		read.lower = key_of(texts[0], from);
	if (to < RTT_KEYS)
		read.upper = key_of(texts[1], to);
	there = list_there(model, op->database, from, to);
	iter = rtd_reader_iter(subject->reader, &read, NULL);
	for (unsigned i = 0; i < 200 && subject->failure[0] == '\0'; i++) {
		draw = draw * 6364136223846793005u + 1442695040888963407u;
		if (at >= there.count || draw >> 60 == 0) {
			at = seek_drawn(iter, &there, read.keyspace,
			    (unsigned)(draw >> 32));
		} else if (draw >> 58 & 1) {
			rt_iter_next(iter);
			at++;
		} else {
			rt_iter_prev(iter);
			at--;
		}
		/* On a disk that dies this is no failure, but the walk's end. */
		if (iter->code != RT_OK) {
			complain(subject, "walk: %s", iter->err.text);
			break;
		}
		if (iter->valid != (at < there.count))
			complain(subject, "walk: at %zd of %zu", (ssize_t)at,
			    there.count);
		else if (iter->valid)
			check_entry(subject, iter, model->cells[op->database],
			    there.keys[at]);
	}
	rt_iter_free(iter);
}

/* -- one script -- */

static bool
is_write(const struct rtt_op *op)
{
	return op->kind == RTT_OP_PUT || op->kind == RTT_OP_DELETE ||
	    op->kind == RTT_OP_DROP || op->kind == RTT_OP_SWAP;
}

/* The map of databases is that of the last commit, so a swap goes alone. */
static void
swap(struct subject *subject, const struct rtt_op *op)
{
	uint32_t other = (op->database + 1) % RTT_DATABASES;
	struct cell *cells = subject->model.cells[op->database];
	struct cell *others = subject->model.cells[other];
	struct cell kept[RTT_KEYS];

	commit(subject);
	if (is_dead(subject))
		return;
	memcpy(kept, cells, sizeof(kept));
	memcpy(cells, others, sizeof(kept));
	memcpy(others, kept, sizeof(kept));
	rtd_write_batch_swap(&subject->batch, op->database, other);
	commit(subject);
}

static void
add_write(struct subject *subject, const struct rtt_op *op)
{
	struct cell *cells = subject->model.cells[op->database];
	uint32_t keyspace = rtd_engine_keyspace(subject->engine, op->database);
	char text[KEY_BYTES];

	if (op->kind == RTT_OP_PUT) {
		put(subject, op);
	} else if (op->kind == RTT_OP_SWAP) {
		swap(subject, op);
	} else if (op->kind == RTT_OP_DELETE) {
		cells[op->key] = (struct cell){ .version = 0 };
		rtd_write_batch_delete(&subject->batch, keyspace,
		    key_of(text, op->key));
	} else {
		memset(cells, 0, sizeof(subject->model.cells[0]));
		rtd_write_batch_drop(&subject->batch, keyspace);
	}
}

static void
reopen(struct subject *subject)
{
	for (unsigned i = 0; i < RTT_SNAPSHOTS; i++)
		release(subject, i);
	close_engine(subject);
	open_engine(subject);
}

/* From here on the disk may die: call n of the file system, and all that come
 * behind it, fail. */
static void
arm(struct subject *subject, const struct rtt_op *op)
{
	if (is_armed(subject))
		return;
	subject->last_seq = rtd_engine_visible_seq(subject->engine);
	settle(subject, subject->last_seq);
	rtt_fault_fs_arm(&subject->fault, 1 + op->len % KILL_CALLS, true, EIO);
}

/* The disk has died, and the engine with it. What was acknowledged is there,
 * and of the batch under way all or nothing. */
static void
revive(struct subject *subject)
{
	uint64_t now_ms = subject->model.now_ms, seq;

	rtd_write_batch_clear(&subject->batch);
	for (unsigned i = 0; i < RTT_SNAPSHOTS; i++)
		release(subject, i);
	close_engine(subject);
	rtt_fault_fs_disarm(&subject->fault);
	atomic_store(&subject->fault.failed, 0);
	open_engine(subject);
	if (subject->engine == NULL)
		return;
	seq = rtd_engine_visible_seq(subject->engine);
	if (seq < subject->settled_seq)
		complain(subject, "%llu was acknowledged, %llu is there",
		    (unsigned long long)subject->settled_seq,
		    (unsigned long long)seq);
	if (seq < subject->last_seq && seq > subject->settled_seq)
		complain(subject, "a part of the batch up to %llu is there",
		    (unsigned long long)subject->last_seq);
	if (seq < subject->last_seq ||
	    subject->last_seq == subject->settled_seq)
		subject->model = subject->settled;
	subject->model.now_ms = now_ms;
	for (uint32_t i = 0; i < RTT_DATABASES; i++)
		check_scan(subject, &(struct rtt_op){ .database = i });
}

static void
do_op(struct subject *subject, const struct rtt_op *op)
{
	switch (op->kind) {
	case RTT_OP_FLUSH:
		flush(subject);
		break;
	case RTT_OP_COMPACT:
	case RTT_OP_COMPACT_FULL:
		compact(subject, op->kind == RTT_OP_COMPACT_FULL);
		break;
	case RTT_OP_TICK:
		subject->clock.wall_ms += op->ttl_ms;
		subject->model.now_ms += op->ttl_ms;
		break;
	case RTT_OP_REOPEN:
		reopen(subject);
		break;
	case RTT_OP_KILL:
		arm(subject, op);
		break;
	case RTT_OP_GET:
		check_get(subject, op);
		break;
	case RTT_OP_SCAN:
		check_scan(subject, op);
		check_walk(subject, op);
		break;
	case RTT_OP_HOLD:
		hold(subject);
		break;
	case RTT_OP_RELEASE:
		release(subject, op->key % RTT_SNAPSHOTS);
		break;
	default:
		add_write(subject, op);
		break;
	}
}

static void
begin(struct subject *subject)
{
	struct rt_config *config = &subject->config;

	*subject = (struct subject){ .clock = {
		.base = { .monotonic_ns = monotonic_ns, .wall_ms = wall_ms,
			.boot_ns = boot_ns },
		.wall_ms = START_MS } };
	subject->model.now_ms = START_MS;
	rtt_fault_fs_init(&subject->fault);
	rtt_scratch_init(&subject->scratch);
	rt_config_init(config);
	free(config->dir);
	config->dir = rt_alloc(300);
	snprintf(config->dir, 300, "%s/data", subject->scratch.path);
	config->memtable_size = 64 << 10;
	config->block_size = 1 << 10;
	config->table_size = 64 << 10;
	config->level_base_size = 64 << 10;
	config->level_size_multiplier = 2;
	config->l0_compaction_trigger = 3;
	config->expiry_grace = 0;
	config->appendfsync = RT_FSYNC_NO;
	config->disk_reserve = 0;
	open_engine(subject);
}

static void
end(struct subject *subject)
{
	rtt_fault_fs_disarm(&subject->fault);
	for (unsigned i = 0; i < RTT_SNAPSHOTS; i++)
		release(subject, i);
	close_engine(subject);
	rtd_write_batch_fini(&subject->batch);
	rt_config_fini(&subject->config);
	rtt_scratch_fini(&subject->scratch);
}

/* One operation, and the end of the engine if the disk died meanwhile. */
static void
step(struct subject *subject, const struct rtt_op *op)
{
	if (!is_write(op) || !op->joined ||
	    subject->batch.count == RTT_BATCH_MAX)
		commit(subject);
	if (!is_dead(subject))
		do_op(subject, op);
	if (is_dead(subject))
		revive(subject);
}

bool
rtt_engine_run(const struct rtt_script *script,
    char failure[RTT_FAILURE_BYTES])
{
	struct subject *subject = rt_alloc(sizeof(*subject));

	begin(subject);
	for (size_t i = 0; i < script->count && subject->failure[0] == '\0';
	     i++)
		step(subject, &script->ops[i]);
	if (subject->failure[0] == '\0')
		commit(subject);
	if (is_dead(subject))
		revive(subject);
	for (uint32_t i = 0; i < RTT_DATABASES && subject->failure[0] == '\0';
	     i++)
		check_scan(subject, &(struct rtt_op){ .database = i });
	end(subject);
	memcpy(failure, subject->failure, sizeof(subject->failure));
	free(subject);
	return failure[0] != '\0';
}
