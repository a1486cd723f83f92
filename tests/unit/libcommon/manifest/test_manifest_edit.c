#include "libcommon/manifest/manifest_edit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libcommon/base/buf.h"
#include "libcommon/manifest/manifest_build.h"
#include "libcommon/manifest/manifest_check.h"
#include "tests/support/draw_manifest.h"
#include "tests/support/runner.h"
#include "tests/support/text_cases.h"

#define DAEMON_EPOCH 5
#define COMPACTOR_EPOCH 9
#define LIST_MAX 64

/* What is drawn lacks the numbers that a real base has. */
static const struct rt_manifest *
draw_base(const char *text)
{
	const struct rt_manifest *drawn = rtt_draw_manifest(text);
	struct rt_manifest *base = (struct rt_manifest *)(uintptr_t)drawn;

	memset(base->database_uuid, 7, sizeof(base->database_uuid));
	base->daemon_epoch = DAEMON_EPOCH;
	base->compactor_epoch = COMPACTOR_EPOCH;
	base->next_daemon_file = 100;
	base->next_run_id = 100;
	base->max_seq = base->flushed_seq;
	base->wal_floor = 1;
	return base;
}

/* "L0 d-4 a..c seq=1-2" without the level; in *owner's memory. */
static struct rt_manifest_table
draw_table(const char *words, const struct rt_manifest **owner)
{
	char line[256];

	snprintf(line, sizeof(line), "L0 %s", words);
	*owner = rtt_draw_manifest(line);
	return (*owner)->runs[0].tables[0];
}

/* -- an edit from lines -- */

struct reader {
	struct rt_manifest_edit *edit;
	struct rt_file_id inputs[LIST_MAX];
	size_t inputs_count;
	uint32_t target;
	bool replaces, as_run;
	struct rt_manifest_table outputs[LIST_MAX];
	const struct rt_manifest *owners[LIST_MAX];
	size_t outputs_count;
};

static void
read_ids(struct reader *reader, char *words)
{
	char *word, *rest = words;

	while ((word = strsep(&rest, " ")) != NULL) {
		if (strcmp(word, "->") == 0) {
			ck_assert_int_eq(sscanf(rest, "L%" SCNu32,
			    &reader->target), 1);
			return;
		}
		if (*word != '\0')
			reader->inputs[reader->inputs_count++] =
			    rtt_file_id(word);
	}
	ck_abort_msg("a job without a target");
}

static void
read_snapshots(struct rt_manifest_edit *edit, char *words)
{
	uint64_t list[LIST_MAX];
	size_t count = 0;
	char *word;

	while ((word = strsep(&words, " ")) != NULL) {
		if (*word != '\0')
			list[count++] = strtoull(word, NULL, 10);
	}
	rt_manifest_edit_set_snapshots(edit, list, count);
}

static void
read_command(struct reader *reader, char *line)
{
	struct rt_manifest_edit *edit = reader->edit;
	struct rt_manifest_table table;
	const struct rt_manifest *owner;
	unsigned long long a = 0, b = 0;
	char *rest = strchr(line, ' ');

	if (rest != NULL)
		*rest++ = '\0';
	else
		rest = line + strlen(line);
	sscanf(rest, "%llu %llu", &a, &b);
	if (strcmp(line, "run") == 0) {
		table = draw_table(rest, &owner);
		rt_manifest_edit_add_run(edit, &table);
		rt_manifest_unref(owner);
	} else if (strcmp(line, "out") == 0) {
		reader->outputs[reader->outputs_count] = draw_table(rest,
		    &reader->owners[reader->outputs_count]);
		reader->outputs_count++;
	} else if (strcmp(line, "replace") == 0) {
		reader->replaces = true;
		read_ids(reader, rest);
	} else if (strcmp(line, "as_run") == 0) {
		reader->as_run = true;
	} else if (strcmp(line, "move") == 0) {
		read_ids(reader, rest);
		rt_manifest_edit_move(edit,
		    reader->inputs[--reader->inputs_count], reader->target);
	} else if (strcmp(line, "snapshots") == 0) {
		read_snapshots(edit, rest);
	} else if (strcmp(line, "flushed") == 0) {
		rt_manifest_edit_set_flushed(edit, a, b);
	} else if (strcmp(line, "next_file") == 0) {
		rt_manifest_edit_set_next_file(edit, a);
	} else if (strcmp(line, "drop") == 0) {
		rt_manifest_edit_set_drop(edit, (uint32_t)a, b);
	} else if (strcmp(line, "keyspace") == 0) {
		rt_manifest_edit_set_keyspace(edit, (uint32_t)a, (uint32_t)b);
	} else if (strcmp(line, "clean") == 0) {
		rt_manifest_edit_set_clean_wal(edit, a, b);
	} else if (strcmp(line, "forget") == 0) {
		rt_manifest_edit_forget_obsolete(edit, rtt_file_id(rest));
	} else if (strcmp(line, "clock") == 0) {
		rt_manifest_edit_set_expiry_clock(edit, a, NULL);
	} else if (strcmp(line, "ask") == 0) {
		rt_manifest_edit_ask(edit, a, b);
	} else if (strcmp(line, "answer") == 0) {
		rt_manifest_edit_answer(edit, a);
	} else if (strcmp(line, "claim") == 0) {
		rt_manifest_edit_claim(edit, a);
	} else {
		ck_abort_msg("%s is no change", line);
	}
}

/* "daemon", "compactor", or either with another epoch; then its lines. */
static void
read_edit(struct reader *reader, char *head, char **lines)
{
	bool daemon = strncmp(head, "daemon", 6) == 0;
	unsigned long long epoch = daemon ? DAEMON_EPOCH : COMPACTOR_EPOCH;
	char *line;

	memset(reader, 0, sizeof(*reader));
	sscanf(head, "%*s %llu", &epoch);
	reader->edit = rt_manifest_edit_new(
	    daemon ? RT_ROLE_DAEMON : RT_ROLE_COMPACTOR, epoch);
	while (*lines != NULL && strncmp(*lines, "edit ", 5) != 0) {
		line = strsep(lines, "\n");
		if (*line != '\0')
			read_command(reader, line);
	}
	if (reader->replaces)
		rt_manifest_edit_replace(reader->edit, reader->inputs,
		    reader->inputs_count, reader->target, reader->outputs,
		    reader->outputs_count);
	if (reader->as_run)
		rt_manifest_edit_as_run(reader->edit);
	for (size_t i = 0; i < reader->outputs_count; i++)
		rt_manifest_unref(reader->owners[i]);
}

/* -- a manifest as lines -- */

static void
print_id(struct rt_buf *out, struct rt_file_id id)
{
	char name[RT_PATH_NAME_BYTES];

	rt_path_table(name, id);
	rt_buf_printf(out, " %.*s", (int)strcspn(name, "."), name);
}

static void
print_table(struct rt_buf *out, const struct rt_manifest_table *table)
{
	print_id(out, table->id);
	rt_buf_printf(out, " %.*s..%.*s %" PRIu64 "-%" PRIu64,
	    (int)table->smallest.len - 5,
	    (const char *)table->smallest.data + 5,
	    (int)table->largest.len - 5,
	    (const char *)table->largest.data + 5, table->min_seq,
	    table->max_seq);
}

static void
print_scalars(struct rt_buf *out, const struct rt_manifest *m)
{
	if (m->daemon_epoch != DAEMON_EPOCH || m->daemon_features != 0)
		rt_buf_printf(out, "daemon %" PRIu64 " can %" PRIu64 "\n",
		    m->daemon_epoch, m->daemon_features);
	if (m->compactor_epoch != COMPACTOR_EPOCH ||
	    m->compactor_features != 0)
		rt_buf_printf(out, "compactor %" PRIu64 " can %" PRIu64 "\n",
		    m->compactor_epoch, m->compactor_features);
	if (m->next_daemon_file != 100)
		rt_buf_printf(out, "next file %" PRIu64 "\n",
		    m->next_daemon_file);
	if (m->clean_wal != 0)
		rt_buf_printf(out, "clean %" PRIu64 " %" PRIu64 "\n",
		    m->clean_wal, m->clean_wal_bytes);
	if (m->compact_asked != 0)
		rt_buf_printf(out, "asked %" PRIu64 " up to %" PRIu64
		    " done %" PRIu64 "\n", m->compact_asked, m->compact_seq,
		    m->compact_done);
	if (m->expiry_clock_ms != 0)
		rt_buf_printf(out, "clock %" PRIu64 "\n", m->expiry_clock_ms);
}

static char *
print_manifest(const struct rt_manifest *m)
{
	struct rt_buf out = { 0 };

	for (size_t i = 0; i < m->runs_count; i++) {
		rt_buf_printf(&out, "L%" PRIu32 " #%" PRIu64 ":",
		    m->runs[i].level, m->runs[i].id);
		for (size_t j = 0; j < m->runs[i].tables_count; j++) {
			if (j > 0)
				rt_buf_printf(&out, ",");
			print_table(&out, &m->runs[i].tables[j]);
		}
		rt_buf_printf(&out, "\n");
	}
	if (m->obsolete_count != 0)
		rt_buf_printf(&out, "obsolete");
	for (size_t i = 0; i < m->obsolete_count; i++)
		print_id(&out, m->obsolete[i]);
	if (m->obsolete_count != 0)
		rt_buf_printf(&out, "\n");
	rt_buf_printf(&out, "flushed %" PRIu64 " floor %" PRIu64 "\n",
	    m->flushed_seq, m->wal_floor);
	for (size_t i = 0; i < m->snapshots_count; i++)
		rt_buf_printf(&out, "snapshot %" PRIu64 "\n", m->snapshots[i]);
	for (size_t i = 0; i < m->drops_count; i++)
		rt_buf_printf(&out, "drop %" PRIu32 " %" PRIu64 "\n",
		    m->drops[i].keyspace, m->drops[i].seq);
	for (size_t i = 0; i < m->keyspaces_count; i++)
		rt_buf_printf(&out, "keyspace %" PRIu32 " %" PRIu32 "\n",
		    m->keyspaces[i].database, m->keyspaces[i].id);
	print_scalars(&out, m);
	if (out.len != 0)
		out.len--;
	rt_buf_append_byte(&out, '\0');
	return (char *)out.data;
}

static char *
print_refusal(enum rt_code code, const struct rt_err *err)
{
	char *text = NULL;

	ck_assert_int_eq(code, err->code);
	ck_assert_int_ge(asprintf(&text, "%s: %s", rt_code_name(code),
	    err->text), 0);
	return text;
}

/* Apply each edit to what the last one made. After a success the edit is found
 * in the result, a claim excepted, and the base is as it was. */
static char *
apply_all(const char *given)
{
	char *copy = strdup(given), *lines = copy, *cut, *answer = NULL;
	const struct rt_manifest *base, *next;
	struct rt_err err = { 0 };
	struct reader reader;
	enum rt_code code;

	cut = strstr(copy, "edit ");
	ck_assert_ptr_nonnull(cut);
	lines = strdup(cut);
	*cut = '\0';
	base = draw_base(copy);
	cut = lines;
	while (lines != NULL && answer == NULL) {
		char *before = print_manifest(base), *after;
		char *head = strsep(&lines, "\n");

		read_edit(&reader, head + strlen("edit "), &lines);
		code = rt_manifest_edit_apply(reader.edit, base, &next, &err);
		after = print_manifest(base);
		ck_assert_str_eq(before, after);
		free(before);
		free(after);
		if (code != RT_OK) {
			answer = print_refusal(code, &err);
		} else {
			ck_assert_int_eq(rt_manifest_check(next, NULL), RT_OK);
			ck_assert_uint_eq(next->generation,
			    base->generation + 1);
			ck_assert(rt_manifest_edit_is_in(reader.edit, next) ==
			    (next->daemon_epoch == base->daemon_epoch &&
				next->compactor_epoch ==
				    base->compactor_epoch));
			rt_manifest_unref(base);
			base = next;
		}
		rt_manifest_edit_free(reader.edit);
	}
	if (answer == NULL)
		answer = print_manifest(base);
	rt_manifest_unref(base);
	free(copy);
	free(cut);
	return answer;
}

START_TEST(each_daemon_case_ends_as_written)
{
	rtt_text_cases("tests/cases/manifest_edit/daemon.txt", apply_all);
}
END_TEST

START_TEST(each_compactor_case_ends_as_written)
{
	rtt_text_cases("tests/cases/manifest_edit/compactor.txt", apply_all);
}
END_TEST

static bool
is_in(const char *base_text, const char *edit_text)
{
	const struct rt_manifest *base = draw_base(base_text);
	char *copy = strdup(edit_text), *lines = copy, *head;
	struct reader reader;
	bool found;

	head = strsep(&lines, "\n");
	read_edit(&reader, head + strlen("edit "), &lines);
	found = rt_manifest_edit_is_in(reader.edit, base);
	rt_manifest_edit_free(reader.edit);
	rt_manifest_unref(base);
	free(copy);
	return found;
}

START_TEST(an_edit_is_found_only_where_it_was_applied)
{
	const char *replace = "edit compactor\nreplace d-1 -> L1\n"
			      "out c9-1 a..b seq=1-1";

	ck_assert(!is_in("L0 d-1 a..b", replace));
	ck_assert(is_in("L1 c9-1 a..b", replace));
	/* Our input is gone, but not by our doing. */
	ck_assert(!is_in("L1 c9-2 a..b", replace));
	ck_assert(!is_in("L0 d-1 a..b", "edit compactor\nmove d-1 -> L1"));
	ck_assert(is_in("L1 d-1 a..b", "edit compactor\nmove d-1 -> L1"));
	ck_assert(!is_in("L0 d-1 a..b", "edit compactor\nreplace d-1 -> L1"));
	ck_assert(is_in("", "edit compactor\nreplace d-1 -> L1"));
	ck_assert(!is_in("", "edit daemon\nrun d-1 a..b seq=5-6\nflushed 6"));
	ck_assert(is_in("L1 d-1 a..b seq=5-6",
	    "edit daemon\nrun d-1 a..b seq=5-6\nflushed 6"));
	ck_assert(!is_in("", "edit daemon\nflushed 6"));
	ck_assert(!is_in("", "edit daemon\nclock 6"));
	ck_assert(!is_in("", "edit daemon\ndrop 0 3"));
	ck_assert(is_in("drop 0 4", "edit daemon\ndrop 0 3"));
	ck_assert(!is_in("", "edit daemon\nclaim 0"));
}
END_TEST

/* 300 level-0 runs over 5,000 deeper tables, all merged: seconds if lookups
 * were walks. */
START_TEST(a_large_job_is_applied)
{
	enum { RUNS = 300, TABLES = 5000 };
	const struct rt_manifest *empty = draw_base(""), *next = NULL;
	struct rt_manifest *base = (struct rt_manifest *)(uintptr_t)empty;
	struct rt_manifest_edit *edit =
	    rt_manifest_edit_new(RT_ROLE_COMPACTOR, COMPACTOR_EPOCH);
	struct rt_file_id *inputs = calloc(RUNS + TABLES, sizeof(*inputs));
	struct rt_manifest_table *outputs = calloc(TABLES, sizeof(*outputs));
	struct rt_err err = { 0 };

	base->runs = rt_manifest_build_alloc(base, RUNS + 1,
	    sizeof(*base->runs));
	base->runs_count = RUNS + 1;
	base->next_daemon_file = RUNS + 1;
	base->next_run_id = RUNS + 2;
	base->flushed_seq = base->max_seq = RUNS + 1;
	for (size_t i = 0; i <= RUNS; i++) {
		struct rt_manifest_run *run = &base->runs[i];
		size_t count = i < RUNS ? 1 : TABLES;

		run->id = i + 1;
		run->level = i < RUNS ? 0 : 6;
		run->tables_count = count;
		run->tables = rt_manifest_build_alloc(base, count,
		    sizeof(*run->tables));
		for (size_t j = 0; j < count; j++) {
			char key[16];

			snprintf(key, sizeof(key), "....s%06zu", j);
			run->tables[j] = (struct rt_manifest_table){
				.id = { i < RUNS ? 0 : 9, i < RUNS ? i + 1 :
				    j + 1 },
				.smallest = rt_manifest_build_bytes(base,
				    rt_slice_cstr(key)),
				.min_seq = RUNS + 1 - i,
				.max_seq = RUNS + 1 - i,
			};
			snprintf(key, sizeof(key), "....s%06zu",
			    i < RUNS ? (size_t)TABLES : j);
			run->tables[j].largest = rt_manifest_build_bytes(base,
			    rt_slice_cstr(key));
			inputs[i + j] = run->tables[j].id;
			if (i == RUNS) {
				outputs[j] = run->tables[j];
				outputs[j].id.number += TABLES;
			}
		}
	}
	rt_manifest_edit_replace(edit, inputs, RUNS + TABLES, 6, outputs,
	    TABLES);
	ck_assert_msg(rt_manifest_edit_apply(edit, base, &next, &err) == RT_OK,
	    "%s", err.text);
	ck_assert_uint_eq(next->runs_count, 1);
	ck_assert_uint_eq(next->runs[0].tables_count, TABLES);
	ck_assert_uint_eq(next->obsolete_count, RUNS + TABLES);
	rt_manifest_unref(next);
	rt_manifest_unref(empty);
	rt_manifest_edit_free(edit);
	free(inputs);
	free(outputs);
}
END_TEST

RTT_MAIN("manifest_edit", each_daemon_case_ends_as_written,
    each_compactor_case_ends_as_written,
    an_edit_is_found_only_where_it_was_applied, a_large_job_is_applied)
