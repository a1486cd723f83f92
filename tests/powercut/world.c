#include "tests/powercut/world.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libcommon/base/invariant.h"
#include "libcommon/table/value.h"
#include "riptide-compactd/compactor.h"
#include "riptided/engine/checkpoint.h"

#define WAIT_STEPS 100000
#define WAIT_US 200
/* One whose results never come to be would merge for ever. */
#define COMPACTOR_CALLS_MAX 20000
/* How long the daemon gets to act on a name that is not safe yet. */
#define PAUSE_STEPS 300
#define START_NS (UINT64_C(1000000000000000))

/* -- the clock -- */

static uint64_t
clock_ns(struct rt_clock *clock)
{
	return atomic_load(&((struct rtt_clock *)(void *)clock)->now_ns);
}

static int64_t
clock_wall_ms(struct rt_clock *clock)
{
	return (int64_t)(clock_ns(clock) / 1000000);
}

static uint64_t
clock_boot_id(struct rt_clock *clock)
{
	return atomic_load(&((struct rtt_clock *)(void *)clock)->boot);
}

void
rtt_clock_init(struct rtt_clock *clock)
{
	*clock = (struct rtt_clock){ .base = {
		.monotonic_ns = clock_ns,
		.wall_ms = clock_wall_ms,
		.boot_id = clock_boot_id,
	} };
	atomic_init(&clock->now_ns, START_NS);
	atomic_init(&clock->boot, 1);
}

/* -- the world -- */

static void __attribute__((format(printf, 2, 3)))
fail(struct rtt_world *world, const char *format, ...)
{
	va_list args;

	if (world->failure[0] != '\0')
		return;
	va_start(args, format);
	vsnprintf(world->failure, sizeof(world->failure), format, args);
	va_end(args);
}

bool
rtt_world_failed(const struct rtt_world *world)
{
	return world->failure[0] != '\0';
}

static bool
is_table(const char *name)
{
	struct rt_file_id id;

	return rt_path_parse_table(name, &id);
}

/* Wait until the daemon has unlinked a table, or will not. */
static void
let_daemon_act(struct rtt_world *world)
{
	struct rtt_record *record = &world->record;
	bool acted = false;
	size_t from;

	rt_mutex_lock(&record->mu);
	from = record->count;
	rt_mutex_unlock(&record->mu);
	for (unsigned i = 0; !acted && i < PAUSE_STEPS; i++) {
		usleep(WAIT_US);
		rt_mutex_lock(&record->mu);
		for (; from < record->count; from++)
			acted = acted || (record->events[from].kind ==
				RTT_EVENT_REMOVE &&
			    is_table(record->events[from].name));
		rt_mutex_unlock(&record->mu);
	}
}

/* Those who watch the manifests look at a directory outside. */
static void
named(void *arg, const char *name)
{
	struct rtt_world *world = arg;
	uint64_t generation;
	int fd;

	if (!rt_path_parse_manifest(name, &generation))
		return;
	fd = openat(world->scratch.fd, "data/manifest/news",
	    O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	rt_assert(fd >= 0);
	close(fd);
	(void)unlinkat(world->scratch.fd, "data/manifest/news", 0);
	if (world->keeps_compactor_waiting)
		let_daemon_act(world);
}

static void
configure(struct rtt_world *world, enum rt_appendfsync policy)
{
	struct rt_config *config = &world->config;

	rt_config_init(config);
	free(config->dir);
	config->dir = rt_strdup(world->disk.root);
	config->appendfsync = policy;
	config->memtable_size = 32 << 10;
	config->block_cache_size = 64 << 10;
	config->block_size = 1 << 10;
	config->table_size = 4 << 10;
	config->level_base_size = 16 << 10;
	config->l0_compaction_trigger = 2;
	config->expiry_grace = 0;
	config->disk_reserve = 0;
}

void
rtt_world_init(struct rtt_world *world, enum rt_appendfsync policy,
    struct rtt_namer *namer, const char *without)
{
	char root[300];

	memset(world, 0, sizeof(*world));
	rtt_scratch_init(&world->scratch);
	rt_assert(mkdirat(world->scratch.fd, "data", 0700) == 0 &&
	    mkdirat(world->scratch.fd, "data/manifest", 0700) == 0);
	snprintf(root, sizeof(root), "%s/data", world->scratch.path);
	rtt_disk_init(&world->disk, root);
	rtt_clock_init(&world->clock);
	rtt_cuts_init(&world->start, &world->disk);
	rtt_record_init(&world->record, &world->disk, namer, without);
	world->disk.watcher.named = named;
	world->disk.watcher.named_arg = world;
	configure(world, policy);
	rt_mutex_init(&world->mu);
	rtt_history_init(&world->history);
	rtt_record_note(&world->record, RTT_NOTE_WALL_MS,
	    (uint64_t)clock_wall_ms(&world->clock.base));
}

void
rtt_world_fini(struct rtt_world *world)
{
	rt_assert(world->engine == NULL);
	rt_mutex_fini(&world->mu);
	rtt_history_fini(&world->history);
	rt_config_fini(&world->config);
	rtt_cuts_fini(&world->start);
	rtt_record_fini(&world->record);
	rtt_disk_fini(&world->disk);
	for (size_t i = 0; i < world->processes_count; i++)
		free(world->processes[i]);
	free(world->processes);
	rtt_scratch_fini(&world->scratch);
}

static struct rtt_process *
new_process(struct rtt_world *world)
{
	struct rtt_process *process = rt_alloc_zero(1, sizeof(*process));

	world->processes = rt_realloc(world->processes,
	    (world->processes_count + 1) * sizeof(world->processes[0]));
	world->processes[world->processes_count++] = process;
	rtt_process_init(process, &world->disk);
	return process;
}

/* -- promises -- */

static void
keep(struct rtt_world *world, size_t moment) RT_REQUIRES(world->mu)
{
	if (moment <= world->kept)
		return;
	world->kept = moment;
	rtt_record_note(&world->record, RTT_NOTE_KEPT, moment);
}

/* Any thread: the acknowledged sequence rose. */
static void
notified(void *arg)
{
	struct rtt_world *world = arg;

	rt_mutex_lock(&world->mu);
	if (world->told != NULL &&
	    world->config.appendfsync == RT_FSYNC_ALWAYS)
		keep(world, rtt_history_covered(&world->history,
		    rtd_engine_acked_seq(world->told)));
	rt_mutex_unlock(&world->mu);
}

/* The engine may show a manifest that its publisher has yet to sync. */
static bool
is_synced(struct rtt_world *world, uint64_t generation)
{
	struct rtt_record *record = &world->record;
	uint32_t dir = 0;
	size_t begin = 0;
	char name[RT_PATH_NAME_BYTES];
	bool synced = false;

	rt_path_manifest(name, generation);
	rt_mutex_lock(&record->mu);
	for (size_t i = 0; dir == 0 && i < record->count; i++)
		if (record->events[i].kind == RTT_EVENT_ADD &&
		    strcmp(record->events[i].name, name) == 0) {
			dir = record->events[i].inode;
			begin = i;
		}
	for (size_t i = begin; !synced && dir != 0 && i < record->count; i++)
		synced = record->events[i].kind == RTT_EVENT_SYNC_END &&
		    record->events[i].inode == dir &&
		    record->events[i].begin > begin;
	rt_mutex_unlock(&record->mu);
	return synced;
}

/* What the engine says to be safe in any mode. */
static void
note_promises(struct rtt_world *world)
{
	struct rtd_engine_stats stats;
	const struct rt_manifest *manifest;
	bool synced;

	rtd_engine_get_stats(world->engine, &stats);
	manifest = rtd_engine_manifest(world->engine);
	synced = is_synced(world, manifest->generation);
	rt_mutex_lock(&world->mu);
	keep(world, rtt_history_covered(&world->history, stats.durable_seq));
	if (synced)
		keep(world, rtt_history_covered(&world->history,
		    manifest->flushed_seq));
	rt_mutex_unlock(&world->mu);
	rt_manifest_unref(manifest);
	notified(world);
}

/* -- life -- */

/* Which moment did the engine come back to? Of what was written before, later
 * moments are gone. */
static void
find_moment(struct rtt_world *world)
{
	uint64_t now_ms = rtd_engine_now_ms(world->engine);
	struct rtt_history *history = &world->history;
	struct rtt_contents found;
	size_t again;
	long moment;

	if (!rtt_contents_read(history, world->engine, now_ms, &found,
		world->failure, sizeof(world->failure)))
		return;
	moment = rtt_history_find(history, &found, now_ms, world->kept,
	    history->count - 1, world->failure, sizeof(world->failure));
	if (moment < 0)
		return;
	rt_mutex_lock(&world->mu);
	world->contents = history->moments[moment].contents;
	again = rtt_history_add(history, &world->contents);
	for (size_t i = (size_t)moment + 1; i < again; i++)
		if (history->moments[i].gone_from == 0)
			history->moments[i].gone_from = again;
	history->moments[again].seq = rtd_engine_visible_seq(world->engine);
	rtt_record_note(&world->record, RTT_NOTE_BEGUN, again);
	world->told = world->engine;
	rt_mutex_unlock(&world->mu);
}

void
rtt_start(struct rtt_world *world)
{
	struct rtt_process *process;
	struct rt_err err = { .code = RT_OK };
	struct rtd_engine_options options = {
		.clock = &world->clock.base,
		.config = &world->config,
		.notify = notified,
		.notify_arg = world,
	};

	if (rtt_world_failed(world))
		return;
	process = new_process(world);
	options.fs = &process->fs;
	atomic_store(&process->calls_left, world->dies_at);
	world->dies_at = 0;
	if (rtd_engine_open(&world->engine, &options, &err) != RT_OK) {
		world->engine = NULL;
		if (atomic_load(&process->dead))
			rtt_process_kill(process);
		else
			fail(world, "start: %s", err.text);
		return;
	}
	world->reader = rtd_reader_new(world->engine);
	find_moment(world);
	/* It may have died while it was looked at. */
	if (atomic_load(&process->dead)) {
		world->failure[0] = '\0';
		rtt_kill(world);
	} else if (!rtt_world_failed(world)) {
		note_promises(world);
	}
}

static void
end(struct rtt_world *world, struct rt_err *err)
{
	rt_mutex_lock(&world->mu);
	world->told = NULL;
	rt_mutex_unlock(&world->mu);
	rtd_reader_free(world->reader);
	world->reader = NULL;
	rtd_engine_close(world->engine, err);
	world->engine = NULL;
}

static struct rtt_process *
daemon_process(struct rtt_world *world)
{
	return world->processes[world->processes_count - 1];
}

void
rtt_stop(struct rtt_world *world)
{
	struct rt_err err = { .code = RT_OK };
	size_t last = world->history.count - 1;

	if (world->engine == NULL)
		return;
	end(world, &err);
	if (err.code != RT_OK) {
		fail(world, "stop: %s", err.text);
		return;
	}
	/* A clean stop keeps everything. */
	rt_mutex_lock(&world->mu);
	keep(world, last);
	rt_mutex_unlock(&world->mu);
}

void
rtt_kill(struct rtt_world *world)
{
	if (world->engine == NULL)
		return;
	rtt_process_kill(daemon_process(world));
	end(world, NULL);
}

void
rtt_fail_sync(struct rtt_world *world, long syncs)
{
	if (world->engine != NULL)
		atomic_store(&daemon_process(world)->syncs_left, syncs);
}

/* -- writes -- */

static bool
is_dead(struct rtt_world *world)
{
	return atomic_load(&daemon_process(world)->dead);
}

/* The batch makes `after` of what there is. */
static void
write_batch(struct rtt_world *world, struct rtd_write_batch *batch,
    const struct rtt_contents *after)
{
	struct rt_err err = { .code = RT_OK };
	uint64_t seq = 0;
	size_t moment;

	for (unsigned i = 0; !rtd_engine_has_room(world->engine) &&
	     !is_dead(world) && i < WAIT_STEPS; i++)
		usleep(WAIT_US);
	rt_mutex_lock(&world->mu);
	moment = rtt_history_add(&world->history, after);
	rt_mutex_unlock(&world->mu);
	rtt_record_note(&world->record, RTT_NOTE_BEGUN, moment);
	if (rtd_engine_write(world->engine, batch, &seq, &err) == RT_OK) {
		rt_mutex_lock(&world->mu);
		world->history.moments[moment].seq = seq;
		rt_mutex_unlock(&world->mu);
		world->contents = *after;
		rtd_engine_end_turn(world->engine);
		note_promises(world);
	} else {
		rt_mutex_lock(&world->mu);
		world->history.moments[moment].gone_from = moment;
		rt_mutex_unlock(&world->mu);
		if (!is_dead(world) && !world->may_refuse)
			fail(world, "write: %s", err.text);
	}
	rtd_write_batch_fini(batch);
}

static void
add_put(struct rtt_world *world, struct rtd_write_batch *batch,
    unsigned database, unsigned key, uint32_t len, uint64_t expire_ms,
    struct rtt_contents *after)
{
	struct rt_buf value = { .len = 0 };
	char name[RTT_KEY_BYTES];
	uint32_t version;

	rt_mutex_lock(&world->mu);
	version = rtt_history_make(&world->history, key, len, expire_ms);
	rtt_history_value(&world->history, version, &value);
	rt_mutex_unlock(&world->mu);
	rtd_write_batch_put(batch, rtd_engine_keyspace(world->engine, database),
	    rt_slice_cstr(rtt_history_key(name, key)), rt_buf_slice(&value),
	    expire_ms);
	rt_buf_fini(&value);
	after->versions[database][key] = version;
}

static bool
runs(const struct rtt_world *world)
{
	return world->engine != NULL && !rtt_world_failed(world);
}

void
rtt_put_many(struct rtt_world *world, unsigned database, unsigned first,
    unsigned count, uint32_t len)
{
	struct rtt_contents after = world->contents;
	struct rtd_write_batch batch = { .count = 0 };

	if (!runs(world))
		return;
	for (unsigned i = 0; i < count; i++)
		add_put(world, &batch, database, (first + i) % RTT_KEYS, len,
		    RT_NO_EXPIRY, &after);
	write_batch(world, &batch, &after);
}

void
rtt_put(struct rtt_world *world, unsigned database, unsigned key, uint32_t len)
{
	rtt_put_many(world, database, key, 1, len);
}

void
rtt_put_expiring(struct rtt_world *world, unsigned database, unsigned key,
    uint32_t len, uint64_t after_ms)
{
	struct rtt_contents after = world->contents;
	struct rtd_write_batch batch = { .count = 0 };

	if (!runs(world))
		return;
	add_put(world, &batch, database, key, len,
	    rtd_engine_now_ms(world->engine) + after_ms, &after);
	write_batch(world, &batch, &after);
}

void
rtt_delete_many(struct rtt_world *world, unsigned database, unsigned first,
    unsigned count)
{
	struct rtt_contents after = world->contents;
	struct rtd_write_batch batch = { .count = 0 };
	char name[RTT_KEY_BYTES];

	if (!runs(world))
		return;
	for (unsigned i = 0; i < count; i++) {
		unsigned key = (first + i) % RTT_KEYS;

		rtd_write_batch_delete(&batch,
		    rtd_engine_keyspace(world->engine, database),
		    rt_slice_cstr(rtt_history_key(name, key)));
		after.versions[database][key] = 0;
	}
	write_batch(world, &batch, &after);
}

void
rtt_delete(struct rtt_world *world, unsigned database, unsigned key)
{
	rtt_delete_many(world, database, key, 1);
}

void
rtt_swap(struct rtt_world *world)
{
	const struct rtt_contents *before = &world->contents;
	struct rtd_write_batch batch = { .count = 0 };
	struct rtt_contents after;

	if (!runs(world))
		return;
	memcpy(after.versions[0], before->versions[1],
	    sizeof(after.versions[0]));
	memcpy(after.versions[1], before->versions[0],
	    sizeof(after.versions[0]));
	rtd_write_batch_swap(&batch, 0, 1);
	write_batch(world, &batch, &after);
}

void
rtt_drop(struct rtt_world *world, unsigned database)
{
	struct rtt_contents after = world->contents;
	struct rtd_write_batch batch = { .count = 0 };

	if (!runs(world))
		return;
	memset(after.versions[database], 0, sizeof(after.versions[0]));
	rtd_write_batch_drop(&batch,
	    rtd_engine_keyspace(world->engine, database));
	write_batch(world, &batch, &after);
}

/* -- the rest -- */

/* Until done(world), or the process is dead, or much too long. */
static void
wait_until(struct rtt_world *world, bool (*done)(struct rtt_world *world),
    const char *what)
{
	for (unsigned i = 0; runs(world) && !done(world); i++) {
		if (is_dead(world))
			return;
		if (i == WAIT_STEPS)
			fail(world, "%s: never happened", what);
		usleep(WAIT_US);
	}
	if (runs(world))
		note_promises(world);
}

static bool
is_acked(struct rtt_world *world)
{
	/* A log that failed begins again at the end of a turn. */
	rtd_engine_end_turn(world->engine);
	return rtd_engine_acked_seq(world->engine) >=
	    rtd_engine_visible_seq(world->engine);
}

void
rtt_wait(struct rtt_world *world)
{
	wait_until(world, is_acked, "acknowledgement");
}

void
rtt_rotate(struct rtt_world *world)
{
	if (!runs(world))
		return;
	rtd_engine_flush(world->engine);
	rtd_engine_end_turn(world->engine);
}

static bool
is_flushed(struct rtt_world *world)
{
	if (rtd_engine_flushed(world->engine))
		return true;
	rtt_rotate(world);
	return false;
}

void
rtt_flush(struct rtt_world *world)
{
	rtt_rotate(world);
	wait_until(world, is_flushed, "flush");
}

void
rtt_tick(struct rtt_world *world, uint64_t ms)
{
	atomic_fetch_add(&world->clock.now_ns, ms * 1000000);
	rtt_record_note(&world->record, RTT_NOTE_WALL_MS,
	    (uint64_t)clock_wall_ms(&world->clock.base));
	if (runs(world))
		rtd_engine_config_changed(world->engine);
}

void
rtt_compact(struct rtt_world *world, bool full, long die_at)
{
	struct rtt_process *process = rt_alloc_zero(1, sizeof(*process));
	struct rtc_options options = {
		.fs = &process->fs,
		.clock = &world->clock.base,
		.config = &world->config,
		.once = !full,
		.full = full,
		.signal_fd = -1,
	};
	struct rtc_compactor *compactor = NULL;
	struct rt_err err = { .code = RT_OK };

	rtt_process_init(process, &world->disk);
	if (!rtt_world_failed(world)) {
		atomic_store(&process->calls_left, die_at != 0 ? die_at :
		    COMPACTOR_CALLS_MAX);
		if (rtc_compactor_open(&compactor, &options, &err) != RT_OK ||
		    rtc_compactor_run(compactor, &err) != RT_OK) {
			if (die_at == 0 || !atomic_load(&process->dead))
				fail(world, "compactor: %s", err.text);
		}
		if (atomic_load(&process->dead))
			rtt_process_kill(process);
		/* It was never opened, or freed itself. */
		if (compactor != NULL)
			rtc_compactor_close(compactor);
	}
	/* What it had open is closed, or never will be. */
	rtt_process_forget(process);
	free(process);
}

char *
rtt_checkpoint_name(char out[RT_PATH_NAME_BYTES], size_t number)
{
	snprintf(out, RT_PATH_NAME_BYTES, "copy-%zu", number);
	return out;
}

struct copying {
	struct rtd_checkpoint *checkpoint;
	struct rt_err err;
	_Atomic bool done;
};

static void *
copy_aside(void *arg)
{
	struct copying *copying = arg;

	if (rtd_checkpoint_run(copying->checkpoint, &copying->err) == RT_OK)
		copying->err.code = RT_OK;
	atomic_store(&copying->done, true);
	return NULL;
}

void
rtt_checkpoint(struct rtt_world *world)
{
	struct copying copying = { .checkpoint = NULL };
	char name[RT_PATH_NAME_BYTES];
	pthread_t thread;

	if (!runs(world) || is_dead(world))
		return;
	rt_assert(world->checkpoints_count < RTT_CHECKPOINTS_MAX);
	rtt_checkpoint_name(name, world->checkpoints_count);
	world->checkpoints[world->checkpoints_count++] =
	    world->history.count - 1;
	if (rtd_checkpoint_begin(world->engine, rt_slice_cstr(name),
		&copying.checkpoint, &copying.err) == RT_OK) {
		rt_thread_start(&thread, "checkpoint", copy_aside, &copying);
		while (!atomic_load(&copying.done)) {
			rtd_engine_end_turn(world->engine);
			usleep(WAIT_US);
		}
		rt_thread_join(thread);
	}
	rtd_checkpoint_free(copying.checkpoint);
	if (copying.err.code == RT_OK) {
		world->checkpoints_made |=
		    UINT64_C(1) << (world->checkpoints_count - 1);
		rtt_record_note(&world->record, RTT_NOTE_CHECKPOINTS,
		    world->checkpoints_made);
	} else if (!is_dead(world)) {
		fail(world, "%s", copying.err.text);
	}
	note_promises(world);
}

static bool
takes_writes(struct rtt_world *world)
{
	rtd_engine_end_turn(world->engine);
	return rtd_engine_write_state(world->engine, NULL) == RT_OK;
}

void
rtt_wait_again(struct rtt_world *world)
{
	wait_until(world, takes_writes, "end of the log's failure");
}

static bool
is_settled(struct rtt_world *world)
{
	const struct rt_manifest *manifest =
	    rtd_engine_manifest(world->engine);
	struct rtt_disk *disk = &world->disk;
	bool settled = manifest->obsolete_count == 0;
	char name[RT_PATH_NAME_BYTES];
	uint32_t root, dir;

	/* Our reader lets go of what it has seen. */
	rtd_engine_end_turn(world->engine);
	rt_path_manifest(name, manifest->generation + 1);
	rt_mutex_lock(&disk->mu);
	root = rtt_disk_find(disk, RTT_INODE_PARENT, "data");
	dir = rtt_disk_find(disk, root, RT_PATH_DIR_MANIFEST);
	settled = settled && rtt_disk_find(disk, dir, name) == 0;
	rt_mutex_unlock(&disk->mu);
	rt_manifest_unref(manifest);
	return settled;
}

void
rtt_settle(struct rtt_world *world)
{
	wait_until(world, is_settled, "taking over");
}
