#include "tests/powercut/survivor.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libcommon/base/invariant.h"
#include "libcommon/os/checksums.h"
#include "libcommon/table/value.h"
#include "riptide-compactd/compactor.h"

/* States that are tried of one recovery that is cut short. */
#define CUTS_AGAIN 6
#define NEW_KEYS 3
#define EVENTS_PRINTED 40

static bool __attribute__((format(printf, 2, 3)))
broken(struct rtt_judge *judge, const char *format, ...)
{
	char text[sizeof(judge->failure)];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	memcpy(judge->failure, text, sizeof(text));
	return false;
}

void
rtt_judge_init(struct rtt_judge *judge, const struct rtt_world *world,
    uint64_t seed)
{
	const struct rtt_history *from = &world->history;
	struct rtt_history *to = &judge->history;

	memset(judge, 0, sizeof(*judge));
	judge->world = world;
	judge->random = seed;
	rtt_clock_init(&judge->clock);
	*to = *from;
	to->moments = rt_alloc(from->count * sizeof(from->moments[0]));
	memcpy(to->moments, from->moments,
	    from->count * sizeof(from->moments[0]));
	to->made = rt_alloc(from->made_count * sizeof(from->made[0]));
	memcpy(to->made, from->made, from->made_count * sizeof(from->made[0]));
}

void
rtt_judge_fini(struct rtt_judge *judge)
{
	rtt_history_fini(&judge->history);
}

static bool
one_of(struct rtt_judge *judge, unsigned every)
{
	return every != 0 && rtt_cuts_draw(&judge->random) % every == 0;
}

/* -- parts -- */

static struct rtd_engine *
open_engine(struct rtt_judge *judge, struct rtt_process *process)
{
	struct rt_err err = { .code = RT_OK };
	struct rtd_engine_options options = {
		.fs = &process->fs,
		.clock = &judge->clock.base,
		.config = &judge->world->config,
		.offline = true,
	};
	struct rtd_engine *engine = NULL;

	if (rtd_engine_open(&engine, &options, &err) != RT_OK) {
		broken(judge, "does not start: %s", err.text);
		return NULL;
	}
	return engine;
}

static bool
close_engine(struct rtt_judge *judge, struct rtd_engine *engine)
{
	struct rt_err err = { .code = RT_OK };

	if (rtd_engine_close(engine, &err) == RT_OK)
		return true;
	return broken(judge, "does not stop: %s", err.text);
}

/* The moment that an open engine shows, or -1. */
static long
moment_of(struct rtt_judge *judge, struct rtd_engine *engine, size_t first,
    size_t last)
{
	uint64_t now_ms = rtd_engine_now_ms(engine);
	struct rtt_contents found;

	if (!rtt_contents_read(&judge->history, engine, now_ms, &found,
		judge->failure, sizeof(judge->failure)))
		return -1;
	return rtt_history_find(&judge->history, &found, now_ms, first, last,
	    judge->failure, sizeof(judge->failure));
}

/* Start, look, stop. */
static long
look(struct rtt_judge *judge, struct rtt_disk *disk, size_t first, size_t last)
{
	struct rtt_process process;
	struct rtd_engine *engine;
	long moment;

	rtt_process_init(&process, disk);
	engine = open_engine(judge, &process);
	if (engine == NULL)
		return -1;
	moment = moment_of(judge, engine, first, last);
	if (!close_engine(judge, engine))
		moment = -1;
	return moment;
}

/* A few keys are written; the moment after that, or -1. */
static long
write_more(struct rtt_judge *judge, struct rtd_engine *engine, long moment)
{
	struct rtt_history *history = &judge->history;
	struct rtt_contents after = history->moments[moment].contents;
	struct rtd_write_batch batch = { .count = 0 };
	struct rt_err err = { .code = RT_OK };
	char name[RTT_KEY_BYTES];
	uint64_t seq;

	for (unsigned i = 0; i < NEW_KEYS; i++) {
		unsigned key =
		    (unsigned)(rtt_cuts_draw(&judge->random) % RTT_KEYS);
		uint32_t version = rtt_history_make(history, key, 100,
		    RT_NO_EXPIRY);
		struct rt_buf value = { .len = 0 };

		rtt_history_value(history, version, &value);
		rtd_write_batch_put(&batch, rtd_engine_keyspace(engine, 0),
		    rt_slice_cstr(rtt_history_key(name, key)),
		    rt_buf_slice(&value), RT_NO_EXPIRY);
		rt_buf_fini(&value);
		after.versions[0][key] = version;
	}
	if (rtd_engine_write(engine, &batch, &seq, &err) != RT_OK) {
		broken(judge, "takes no writes: %s", err.text);
		moment = -1;
	} else {
		rtd_engine_end_turn(engine);
		moment = (long)rtt_history_add(history, &after);
	}
	rtd_write_batch_fini(&batch);
	return moment;
}

/* -- V3 -- */

static void
note_half(void *arg, const char *name)
{
	*(bool *)arg |= rt_path_is_checkpoint_part(name);
}

/* What is in the directory: which checkpoints, and whether half ones. */
static void
list_checkpoints(const struct rtt_judge *judge, struct rtt_process *process,
    bool there[RTT_CHECKPOINTS_MAX], bool *half)
{
	struct rt_fs *fs = &process->fs;
	char name[RT_PATH_NAME_BYTES];
	int dir = -1, below = -1;

	if (rt_fs_open_dir(fs, judge->world->config.dir, &dir, NULL) == RT_OK &&
	    rt_fs_open_subdir(fs, dir, RT_PATH_DIR_CHECKPOINTS, false, &below,
		NULL) == RT_OK) {
		for (size_t i = 0; i < judge->world->checkpoints_count; i++)
			rt_assert(rt_fs_exists(fs, below,
			    rtt_checkpoint_name(name, i), &there[i], NULL) ==
			    RT_OK);
		rt_assert(rt_fs_list(fs, below, note_half, half, NULL) ==
		    RT_OK);
	}
	rt_fs_close(fs, &below, NULL);
	rt_fs_close(fs, &dir, NULL);
}

/* The list of checksums is there to its last line, the manifest's. */
static bool
has_list(struct rtt_process *process, const char *path)
{
	struct rt_fs *fs = &process->fs;
	struct rt_checksum sum = { .path = "" };
	struct rt_buf list = { .len = 0 };
	enum rt_code code;
	int dir = -1;

	code = rt_fs_open_dir(fs, path, &dir, NULL);
	if (code == RT_OK)
		code = rt_fs_read_file(fs, dir, RT_PATH_CHECKSUMS, 1 << 20,
		    &list, NULL);
	if (code == RT_OK) {
		struct rt_slice rest = rt_buf_slice(&list);

		while ((code = rt_checksums_take(&rest, &sum, NULL)) == RT_OK)
			;
	}
	rt_buf_fini(&list);
	rt_fs_close(fs, &dir, NULL);
	return code == RT_ENOTFOUND && strncmp(sum.path, RT_PATH_DIR_MANIFEST,
	    strlen(RT_PATH_DIR_MANIFEST)) == 0;
}

/* Start on checkpoint i, look, stop. */
static bool
look_into(struct rtt_judge *judge, struct rtt_disk *disk, size_t i)
{
	struct rt_config config = judge->world->config;
	size_t moment = judge->world->checkpoints[i];
	char name[RT_PATH_NAME_BYTES], path[400], why[600];
	struct rt_err err = { .code = RT_OK };
	struct rtd_engine *engine = NULL;
	struct rtt_process process;
	bool good;
	struct rtd_engine_options options = {
		.fs = &process.fs,
		.clock = &judge->clock.base,
		.config = &config,
		.offline = true,
	};

	snprintf(path, sizeof(path), "%s/%s/%s", config.dir,
	    RT_PATH_DIR_CHECKPOINTS, rtt_checkpoint_name(name, i));
	config.dir = path;
	rtt_process_init(&process, disk);
	if (!has_list(&process, path))
		return broken(judge, "%s has no list of checksums", name);
	if (rtd_engine_open(&engine, &options, &err) != RT_OK)
		return broken(judge, "does not start on %s: %s", name,
		    err.text);
	good = moment_of(judge, engine, moment, moment) >= 0;
	if (!close_engine(judge, engine))
		good = false;
	if (!good) {
		snprintf(why, sizeof(why), "%s", judge->failure);
		broken(judge, "%s: %.500s", name, why);
	}
	return good;
}

static bool
look_at_checkpoints(struct rtt_judge *judge, struct rtt_disk *disk,
    const struct rtt_promise *promise)
{
	bool there[RTT_CHECKPOINTS_MAX] = { false }, half = false, good = true;
	struct rtt_process process;

	if (judge->world->checkpoints_count == 0)
		return true;
	rtt_process_init(&process, disk);
	list_checkpoints(judge, &process, there, &half);
	if (half)
		return broken(judge, "half a checkpoint is left");
	for (size_t i = 0; i < judge->world->checkpoints_count && good; i++) {
		if ((promise->checkpoints >> i & 1) != 0 && !there[i])
			return broken(judge, "checkpoint %zu is gone", i);
		good = !there[i] || look_into(judge, disk, i);
	}
	return good;
}

/* -- V4 -- */

static bool
live_on(struct rtt_judge *judge, struct rtt_disk *disk, long *moment)
{
	struct rtt_process process;
	struct rtd_engine *engine;

	judge->lived_on++;
	rtt_process_init(&process, disk);
	engine = open_engine(judge, &process);
	if (engine == NULL)
		return false;
	*moment = write_more(judge, engine, *moment);
	if (!close_engine(judge, engine) || *moment < 0)
		return false;
	return look(judge, disk, (size_t)*moment, (size_t)*moment) >= 0;
}

static bool
compact(struct rtt_judge *judge, struct rtt_disk *disk, long moment)
{
	struct rtt_process process;
	struct rtc_options options = {
		.fs = &process.fs,
		.clock = &judge->clock.base,
		/* Read; only a reload would change it. */
		.config = (struct rt_config *)(uintptr_t)
		    &judge->world->config,
		.full = true,
		.signal_fd = -1,
	};
	struct rtc_compactor *compactor = NULL;
	struct rt_err err = { .code = RT_OK };
	enum rt_code code;

	judge->compacted++;
	rtt_process_init(&process, disk);
	code = rtc_compactor_open(&compactor, &options, &err);
	if (code == RT_OK)
		code = rtc_compactor_run(compactor, &err);
	rtc_compactor_close(compactor);
	if (code != RT_OK)
		return broken(judge, "does not compact: %s", err.text);
	return look(judge, disk, (size_t)moment, (size_t)moment) >= 0;
}

/* The power is cut while the engine recovers from the first cut: whatever was
 * there then is there afterwards. */
static bool
cut_again(struct rtt_judge *judge, struct rtt_cuts *cuts, long moment)
{
	size_t chosen[CUTS_AGAIN];
	bool changed, good = true;
	unsigned next = 0;

	if (cuts->count == 0)
		return true;
	for (unsigned i = 0; i < CUTS_AGAIN; i++)
		chosen[i] = rtt_cuts_draw(&judge->random) % cuts->count + 1;
	while (good && rtt_cuts_step(cuts, &changed))
		for (unsigned i = 0; good && i < CUTS_AGAIN; i++) {
			struct rtt_cut cut = {
				.names = (enum rtt_cut_names)(rtt_cuts_draw(
				    &judge->random) % RTT_NAMES_POLICIES),
				.data = (enum rtt_cut_data)(rtt_cuts_draw(
				    &judge->random) % RTT_DATA_POLICIES),
				.size = (enum rtt_cut_size)(rtt_cuts_draw(
				    &judge->random) % RTT_SIZE_POLICIES),
				.seed = rtt_cuts_draw(&judge->random),
			};
			struct rtt_disk disk;

			if (chosen[i] != cuts->at)
				continue;
			next++;
			judge->cut_again++;
			rtt_cuts_make(cuts, &cut, judge->world->disk.root,
			    &disk);
			good = look(judge, &disk, (size_t)moment,
			    (size_t)moment) >= 0;
			rtt_disk_fini(&disk);
		}
	if (!good) {
		char text[sizeof(judge->failure)];

		snprintf(text, sizeof(text), "%s", judge->failure);
		broken(judge, "cut again at event %zu of the recovery: %.500s",
		    cuts->at, text);
		if (!judge->quiet)
			rtt_cuts_print(cuts, EVENTS_PRINTED);
	}
	return good;
}

bool
rtt_judge_disk(struct rtt_judge *judge, struct rtt_disk *disk,
    const struct rtt_promise *promise)
{
	bool again = one_of(judge, judge->cut_again_every), good;
	struct rtt_record record;
	struct rtt_cuts cuts;
	long moment;

	judge->states++;
	judge->failure[0] = '\0';
	atomic_store(&judge->clock.now_ns, promise->wall_ms * 1000000);
	atomic_store(&judge->clock.boot, 2);
	if (again) {
		rtt_cuts_init(&cuts, disk);
		rtt_record_init(&record, disk, NULL, NULL);
	}
	moment = look(judge, disk, promise->kept, promise->begun);
	good = moment >= 0;
	memset(&disk->watcher, 0, sizeof(disk->watcher));
	if (again) {
		rtt_cuts_begin(&cuts, &record);
		good = good && cut_again(judge, &cuts, moment);
		rtt_cuts_fini(&cuts);
		rtt_record_fini(&record);
	}
	good = good && look_at_checkpoints(judge, disk, promise);
	if (good && one_of(judge, judge->live_on_every))
		good = live_on(judge, disk, &moment);
	if (good && one_of(judge, judge->compact_every))
		good = compact(judge, disk, moment);
	return good;
}
