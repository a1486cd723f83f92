/* The disk that jobs take: no more than --dry-run foretold, and never more than
 * there is. */
#include "riptide-compactd/plan.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "libcommon/base/invariant.h"
#include "libcommon/daemon/log.h"
#include "riptide-compactd/compactor.h"
#include "tests/support/runner.h"
#include "tests/unit/riptide-compactd/scratch_db.h"

#define NAMES 400
#define RUNS 9
#define VERSIONS 120
#define RESERVE 10000

static struct rt_err failure;
static char names[NAMES][8];

static unsigned
below(unsigned limit)
{
	return (unsigned)rand() % limit;
}

static unsigned
seed_new(void)
{
	const char *given = getenv("RTT_SEED");
	unsigned seed = given != NULL ? (unsigned)strtoul(given, NULL, 0)
				      : (unsigned)time(NULL);

	printf("# RTT_SEED=%u\n", seed);
	fflush(stdout);
	return seed;
}

/* -- a disk of so many bytes, of which tables take some -- */

struct disk {
	struct rt_fs fs;	/* hand this out */
	int sst;
	uint64_t bytes;		/* it has; 0: without end */
	_Atomic uint64_t peak;	/* that tables took together */
};

struct sum {
	int sst;
	uint64_t bytes;
};

static void
add_size(void *arg, const char *name)
{
	struct sum *sum = arg;
	struct stat status;

	if (rt_fs_posix()->fstatat(rt_fs_posix(), sum->sst, name, &status) == 0)
		sum->bytes += (uint64_t)status.st_size;
}

static uint64_t
taken(const struct disk *disk)
{
	struct sum sum = { .sst = disk->sst };

	ck_assert_int_ge(rt_fs_posix()->list(rt_fs_posix(), disk->sst, add_size,
	    &sum), 0);
	return sum.bytes;
}

static void
look(struct disk *disk)
{
	uint64_t now = taken(disk), peak = atomic_load(&disk->peak);

	while (now > peak &&
	    !atomic_compare_exchange_weak(&disk->peak, &peak, now))
		;
}

/* Tables grow until they are synced, and are most before one goes. */
static int
sync_and_look(struct rt_fs *fs, int fd)
{
	look((struct disk *)fs);
	return rt_fs_posix()->fsync(rt_fs_posix(), fd);
}

static int
look_and_unlink(struct rt_fs *fs, int dir, const char *name, int flags)
{
	look((struct disk *)fs);
	return rt_fs_posix()->unlinkat(rt_fs_posix(), dir, name, flags);
}

static int64_t
bytes_left(struct rt_fs *fs, int dir)
{
	struct disk *disk = (struct disk *)fs;
	uint64_t now = taken(disk);

	if (disk->bytes == 0)
		return (int64_t)1 << 40;
	return now < disk->bytes ? (int64_t)(disk->bytes - now) : 0;
}

static void
disk_init(struct disk *disk, struct rtt_db *db, uint64_t bytes)
{
	*disk = (struct disk){
		.fs = *rt_fs_posix(),
		.sst = db->sst,
		.bytes = bytes,
	};
	disk->fs.fsync = sync_and_look;
	disk->fs.fdatasync = sync_and_look;
	disk->fs.unlinkat = look_and_unlink;
	disk->fs.free_bytes = bytes_left;
}

/* -- a database -- */

static uint64_t
fill(struct rtt_db *db, uint64_t seq)
{
	for (unsigned run = 0; run < RUNS; run++) {
		struct rtt_version versions[VERSIONS];
		unsigned from = below(NAMES / 2);

		for (unsigned i = 0; i < VERSIONS; i++)
			versions[i] = (struct rtt_version){
				.key = names[from + below(NAMES / 2)],
				.seq = seq++,
				.deletes = below(8) == 0,
				.value_bytes = 400 + below(400),
			};
		rtt_db_flush(db, versions, VERSIONS);
	}
	return seq;
}

static void
configure(struct rt_config *config, const char *dir)
{
	rt_config_init(config);
	rt_log_set_level(RT_LOG_WARNING);
	ck_assert_int_eq(rt_config_set(config, rt_slice_cstr("dir"),
	    rt_slice_cstr(dir), false, &failure), RT_OK);
	config->table_size = 32000;
	config->level_base_size = 64000;
	config->level_size_multiplier = 2 + below(3);
	config->compression = config->compression_bottom =
	    RT_COMPRESSION_NONE;
	config->disk_reserve = RESERVE;
}

static enum rt_code
compact(struct disk *disk, struct rt_config *config, bool full)
{
	struct rtc_compactor *compactor = NULL;
	struct rtc_options options = {
		.fs = &disk->fs,
		.clock = rt_clock_system(),
		.config = config,
		.once = true,
		.full = full,
		.signal_fd = -1,
	};
	enum rt_code code;

	disk->peak = 0;
	ck_assert_int_eq(rtc_compactor_open(&compactor, &options, &failure),
	    RT_OK);
	code = rtc_compactor_run(compactor, &failure);
	rtc_compactor_close(compactor);
	return code;
}

/* Runs in level 0, over levels that earlier ones have made. */
static void
make(struct rtt_db *db, struct rt_config *config)
{
	struct disk disk;
	uint64_t seq = 1;

	for (unsigned i = 0; i < NAMES; i++)
		snprintf(names[i], sizeof(names[0]), "k%03u", i);
	rtt_db_init(db);
	configure(config, db->scratch.path);
	disk_init(&disk, db, 0);
	for (unsigned i = 0; i < 2; i++) {
		seq = fill(db, seq);
		ck_assert_int_eq(compact(&disk, config, false), RT_OK);
	}
	fill(db, seq);
}

static size_t
level0_runs(struct rtt_db *db)
{
	const struct rt_manifest *manifest = rtt_db_load(db);
	size_t runs = rt_manifest_level0_runs(manifest);

	rt_manifest_unref(manifest);
	return runs;
}

/* -- what was foretold -- */

static uint64_t
number_of(const char *text, const char *name)
{
	const char *at = strstr(text, name);

	ck_assert_msg(at != NULL, "no %s in: %s", name, text);
	return strtoull(at + strlen(name), NULL, 10);
}

/* What --dry-run prints; free() it. */
static char *
plan(struct disk *disk, struct rt_config *config, bool full)
{
	const struct rtc_plan_options options = { .full = full };
	FILE *file = tmpfile();
	int out = dup(STDOUT_FILENO);
	char *text;
	size_t len;

	ck_assert_ptr_nonnull(file);
	fflush(stdout);
	ck_assert_int_ge(dup2(fileno(file), STDOUT_FILENO), 0);
	ck_assert_int_eq(rtc_plan_print(&disk->fs, rt_clock_system(), config,
	    &options, &failure), RT_OK);
	fflush(stdout);
	ck_assert_int_ge(dup2(out, STDOUT_FILENO), 0);
	close(out);
	text = rt_alloc_zero(1 << 16, 1);
	rewind(file);
	len = fread(text, 1, (1 << 16) - 1, file);
	ck_assert_uint_gt(len, 0);
	fclose(file);
	return text;
}

START_TEST(jobs_take_no_more_of_the_disk_than_was_foretold)
{
	unsigned seed = seed_new();

	for (unsigned round = 0; round < 4; round++) {
		bool full = round % 2 == 0;
		uint64_t before, foretold;
		struct rt_config config;
		struct rtt_db db;
		struct disk disk;
		char *text;

		srand(seed + round);
		make(&db, &config);
		config.compaction_threads = 1 + below(3);
		disk_init(&disk, &db, 0);
		before = taken(&disk);
		text = plan(&disk, &config, full);
		ck_assert_uint_eq(taken(&disk), before);
		foretold = number_of(text, "disk_peak_bytes=");
		ck_assert_uint_eq(number_of(text, "disk_now_bytes="), before);
		ck_assert_int_eq(compact(&disk, &config, full), RT_OK);
		printf("# %lu bytes, peak %lu, foretold %lu, jobs %lu\n",
		    (unsigned long)before, (unsigned long)disk.peak,
		    (unsigned long)foretold,
		    (unsigned long)number_of(text, "jobs="));
		ck_assert_uint_gt(disk.peak, before);
		ck_assert_msg(disk.peak <= foretold,
		    "seed %u: %lu bytes, foretold %lu\n%s", seed + round,
		    (unsigned long)disk.peak, (unsigned long)foretold, text);
		free(text);
		rt_config_fini(&config);
		rtt_db_fini(&db);
	}
}
END_TEST

/* From none at all beside the tables to as much again. */
START_TEST(jobs_never_take_what_the_disk_does_not_have)
{
	unsigned seed = seed_new(), through = 0, waited = 0;

	for (unsigned round = 0; round < 6; round++) {
		struct rt_config config;
		struct rtt_db db;
		struct disk disk;
		enum rt_code code;

		srand(seed);
		make(&db, &config);
		disk_init(&disk, &db, 0);
		disk.bytes = taken(&disk) * (20 + 3 * round) / 20 + RESERVE;
		config.compaction_threads = 1 + round % 3;
		code = compact(&disk, &config, true);
		printf("# %lu of %lu bytes, %s\n", (unsigned long)disk.peak,
		    (unsigned long)disk.bytes,
		    code == RT_OK ? "through" : failure.text);
		ck_assert_msg(code == RT_OK || code == RT_ENOSPC, "%s",
		    failure.text);
		ck_assert_uint_le(disk.peak, disk.bytes - RESERVE);
		through += code == RT_OK;
		waited += code == RT_ENOSPC;
		if (code == RT_OK)
			ck_assert_uint_eq(level0_runs(&db), 0);
		rt_config_fini(&config);
		rtt_db_fini(&db);
	}
	ck_assert_uint_gt(through, 0);
	ck_assert_uint_gt(waited, 0);
}
END_TEST

static uint64_t
read_by(char *text)
{
	uint64_t bytes = number_of(text, "read_bytes=");

	free(text);
	return bytes;
}

/* Level 0 does not fit at once: what fits of it goes down, its oldest runs. */
START_TEST(where_space_is_short_jobs_are_smaller)
{
	uint64_t ample, scarce, level0;
	const struct rt_manifest *manifest;
	struct rt_config config;
	struct rtt_db db;
	struct disk disk;

	for (unsigned i = 0; i < NAMES; i++)
		snprintf(names[i], sizeof(names[0]), "k%03u", i);
	srand(seed_new());
	rtt_db_init(&db);
	configure(&config, db.scratch.path);
	config.level_base_size = 1 << 20;
	fill(&db, 1);
	disk_init(&disk, &db, 0);
	manifest = rtt_db_load(&db);
	level0 = rt_manifest_level_bytes(manifest, 0);
	rt_manifest_unref(manifest);
	ample = read_by(plan(&disk, &config, false));
	ck_assert_uint_eq(ample, level0);
	disk.bytes = taken(&disk) + RESERVE + level0 / 10 * 9;
	scarce = read_by(plan(&disk, &config, false));
	ck_assert_uint_lt(scarce, ample);
	ck_assert_int_eq(compact(&disk, &config, false), RT_OK);
	ck_assert_uint_le(disk.peak, disk.bytes - RESERVE);
	ck_assert_uint_gt(level0_runs(&db), 0);
	ck_assert_uint_lt(level0_runs(&db), config.l0_compaction_trigger);
	rt_config_fini(&config);
	rtt_db_fini(&db);
}
END_TEST

RTT_MAIN("plan", jobs_take_no_more_of_the_disk_than_was_foretold,
    jobs_never_take_what_the_disk_does_not_have,
    where_space_is_short_jobs_are_smaller)
