#include "tests/support/draw_manifest.h"

#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libcommon/base/attr.h"
#include "libcommon/base/buf.h"
#include "libcommon/manifest/manifest_build.h"

#define TABLES_MAX 200
#define NEXT_FILE 1000000
#define COMPACTOR_EPOCH 1000
#define KEY_PREFIX "\0\0\0\0s"
#define KEY_PREFIX_BYTES 5

struct rt_file_id
rtt_file_id(const char *name)
{
	char full[RT_PATH_NAME_BYTES];
	struct rt_file_id id = { 0 };

	snprintf(full, sizeof(full), "%s.sst", name);
	ck_assert_msg(rt_path_parse_table(full, &id), "%s is no table", name);
	return id;
}

static struct rt_slice
store_key(struct rt_manifest *manifest, const char *user_key, size_t len)
{
	struct rt_buf key = { 0 };
	struct rt_slice kept;

	rt_buf_append(&key, KEY_PREFIX, KEY_PREFIX_BYTES);
	rt_buf_append(&key, user_key, len);
	kept = rt_manifest_build_bytes(manifest, rt_buf_slice(&key));
	rt_buf_fini(&key);
	return kept;
}

static void
set_attribute(struct rt_manifest_table *table, const char *word)
{
	uint64_t a, b;

	if (sscanf(word, "size=%" SCNu64, &a) == 1) {
		table->size = a;
	} else if (sscanf(word, "seq=%" SCNu64 "-%" SCNu64, &a, &b) == 2) {
		table->min_seq = a;
		table->max_seq = b;
	} else if (sscanf(word, "tombstones=%" SCNu64, &a) == 1) {
		table->tombstones = a;
	} else if (sscanf(word, "older=%" SCNu64, &a) == 1) {
		table->older_versions = a;
	} else if (sscanf(word, "since=%" SCNu64, &a) == 1) {
		table->tombstones_since_s = a;
	} else if (sscanf(word, "entries=%" SCNu64, &a) == 1) {
		table->entries = a;
	} else if (sscanf(word, "expire=%" SCNu64 "-%" SCNu64, &a, &b) == 2) {
		table->expire_min_ms = a;
		table->expire_max_ms = b;
	} else {
		ck_abort_msg("%s is no attribute", word);
	}
}

static void
read_table(struct rt_manifest *manifest, char *words,
    struct rt_manifest_table *table)
{
	char *word = strtok(words, " \t"), *dots;

	*table = (struct rt_manifest_table){
		.size = 100,
		.min_seq = 1,
		.max_seq = 1,
		.entries = 10,
	};
	table->id = rtt_file_id(word);
	table->unique_id = table->id.maker_epoch * 1000 + table->id.number;
	word = strtok(NULL, " \t");
	ck_assert_ptr_nonnull(word);
	dots = strstr(word, "..");
	ck_assert_msg(dots != NULL, "%s is no range", word);
	table->smallest = store_key(manifest, word, (size_t)(dots - word));
	table->largest = store_key(manifest, dots + 2, strlen(dots + 2));
	while ((word = strtok(NULL, " \t")) != NULL)
		set_attribute(table, word);
}

/* begins: it is the first of a run, whatever stands before it. */
static void
add_table(struct rt_manifest *manifest, uint32_t level, bool begins,
    char *words)
{
	struct rt_manifest_run *run = NULL;
	struct rt_manifest_table *table;

	if (manifest->runs_count > 0 && !begins &&
	    manifest->runs[manifest->runs_count - 1].level == level)
		run = &manifest->runs[manifest->runs_count - 1];
	if (run == NULL) {
		ck_assert_uint_lt(manifest->runs_count, TABLES_MAX);
		run = &manifest->runs[manifest->runs_count++];
		run->id = manifest->runs_count;
		run->level = level;
		run->tables = rt_manifest_build_alloc(manifest, TABLES_MAX,
		    sizeof(run->tables[0]));
	}
	ck_assert_uint_lt(run->tables_count, TABLES_MAX);
	table = &run->tables[run->tables_count++];
	read_table(manifest, words, table);
	if (table->max_seq > manifest->flushed_seq)
		manifest->flushed_seq = table->max_seq;
}

static void
read_line(struct rt_manifest *manifest, char *line)
{
	uint64_t seq;
	uint32_t level, keyspace;
	int used = 0;

	line += strspn(line, " \t");
	if (*line == '\0' || *line == '#')
		return;
	if (sscanf(line, "L%" SCNu32 "+ %n", &level, &used) == 1 && used > 0) {
		add_table(manifest, level, true, line + used);
	} else if (sscanf(line, "L%" SCNu32 "& %n", &level, &used) == 1 &&
	    used > 0) {
		add_table(manifest, level, false, line + used);
	} else if (sscanf(line, "L%" SCNu32 " %n", &level, &used) == 1 &&
	    used > 0) {
		add_table(manifest, level, level == 0, line + used);
	} else if (sscanf(line, "snapshot %" SCNu64, &seq) == 1) {
		ck_assert_uint_lt(manifest->snapshots_count, TABLES_MAX);
		manifest->snapshots[manifest->snapshots_count++] = seq;
	} else if (sscanf(line, "drop %" SCNu32 " %" SCNu64, &keyspace,
		       &seq) == 2) {
		ck_assert_uint_lt(manifest->drops_count, TABLES_MAX);
		manifest->drops[manifest->drops_count++] =
		    (struct rt_manifest_drop){ keyspace, seq };
	} else {
		ck_abort_msg("%s: not understood", line);
	}
}

const struct rt_manifest *
rtt_draw_manifest(const char *text)
{
	struct rt_manifest *manifest = rt_manifest_build_new();
	char *copy = strdup(text), *rest = copy, *line;

	ck_assert_ptr_nonnull(copy);
	manifest->generation = 1;
	manifest->runs = rt_manifest_build_alloc(manifest, TABLES_MAX,
	    sizeof(manifest->runs[0]));
	manifest->snapshots = rt_manifest_build_alloc(manifest, TABLES_MAX,
	    sizeof(manifest->snapshots[0]));
	manifest->drops = rt_manifest_build_alloc(manifest, TABLES_MAX,
	    sizeof(manifest->drops[0]));
	while ((line = strsep(&rest, "\n")) != NULL)
		read_line(manifest, line);
	free(copy);
	/* What makes it one that edits can be applied to. */
	memset(manifest->database_uuid, 1, sizeof(manifest->database_uuid));
	manifest->max_seq = manifest->flushed_seq;
	manifest->next_run_id = manifest->runs_count + 1;
	manifest->next_daemon_file = NEXT_FILE;
	manifest->compactor_epoch = COMPACTOR_EPOCH;
	return manifest;
}
