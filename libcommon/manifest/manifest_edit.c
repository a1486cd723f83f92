/* manifest_edit: an edit holds copies of all it was given. Applying it copies
 * the base, changes the copy, and lets manifest_check have the last word.
 *
 * A replacement is the one change that could put versions out of order. Its
 * inputs must be such that nothing that stays behind lies between the newest
 * input and the target with an older version of a key that moves down:
 *  - of level 0 whole runs, next to each other, and the oldest ones unless
 *    they stay in level 0;
 *  - in every run that is crossed, no table that stays overlaps an input from
 *    a newer run. */
#include "libcommon/manifest/manifest_edit.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "libcommon/base/invariant.h"
#include "libcommon/manifest/manifest_build.h"
#include "libcommon/manifest/manifest_check.h"

struct rt_manifest_edit {
	enum rt_role role;
	uint64_t epoch;
	struct rt_manifest *memory;	/* keys of tables live in it */
	bool claims, adds_run, sets_flushed, sets_next_file, sets_snapshots;
	bool sets_clean, replaces, moves, sets_clock;
	uint64_t features;
	struct rt_manifest_table run_table;
	uint64_t flushed_seq, wal_floor;
	uint64_t next_daemon_file;
	uint64_t clean_wal, clean_wal_bytes;
	uint64_t expiry_clock_ms;
	uint64_t *snapshots;
	size_t snapshots_count;
	struct rt_manifest_drop *drops;
	size_t drops_count;
	struct rt_manifest_keyspace *keyspaces;
	size_t keyspaces_count;
	struct rt_file_id *forgotten;
	size_t forgotten_count;
	struct rt_file_id *inputs;	/* ascending */
	size_t inputs_count;
	uint32_t target_level;
	struct rt_manifest_table *outputs;
	size_t outputs_count;
};

/* -- saying what is to change -- */

struct rt_manifest_edit *
rt_manifest_edit_new(enum rt_role role, uint64_t epoch)
{
	struct rt_manifest_edit *edit = rt_alloc_zero(1, sizeof(*edit));

	edit->role = role;
	edit->epoch = epoch;
	edit->memory = rt_manifest_build_new();
	return edit;
}

void
rt_manifest_edit_free(struct rt_manifest_edit *edit)
{
	if (edit == NULL)
		return;
	rt_manifest_unref(edit->memory);
	free(edit->snapshots);
	free(edit->drops);
	free(edit->keyspaces);
	free(edit->forgotten);
	free(edit->inputs);
	free(edit->outputs);
	free(edit);
}

void
rt_manifest_edit_claim(struct rt_manifest_edit *edit, uint64_t features)
{
	edit->claims = true;
	edit->features = features;
}

void
rt_manifest_edit_add_run(struct rt_manifest_edit *edit,
    const struct rt_manifest_table *table)
{
	struct rt_manifest_table copy = *table;

	rt_assert(edit->role == RT_ROLE_DAEMON && !edit->adds_run);
	copy.unknown = NULL;
	edit->adds_run = true;
	rt_manifest_build_table(edit->memory, &edit->run_table, &copy);
}

void
rt_manifest_edit_set_flushed(struct rt_manifest_edit *edit,
    uint64_t flushed_seq, uint64_t wal_floor)
{
	rt_assert(edit->role == RT_ROLE_DAEMON);
	edit->sets_flushed = true;
	edit->flushed_seq = flushed_seq;
	edit->wal_floor = wal_floor;
}

void
rt_manifest_edit_set_next_file(struct rt_manifest_edit *edit,
    uint64_t next_daemon_file)
{
	rt_assert(edit->role == RT_ROLE_DAEMON);
	edit->sets_next_file = true;
	edit->next_daemon_file = next_daemon_file;
}

static void *
copy_of(const void *items, size_t count, size_t bytes)
{
	void *copy = rt_alloc(count * bytes);

	if (count != 0)
		memcpy(copy, items, count * bytes);
	return copy;
}

void
rt_manifest_edit_set_snapshots(struct rt_manifest_edit *edit,
    const uint64_t *snapshots, size_t count)
{
	rt_assert(edit->role == RT_ROLE_DAEMON);
	free(edit->snapshots);
	edit->sets_snapshots = true;
	edit->snapshots = copy_of(snapshots, count, sizeof(snapshots[0]));
	edit->snapshots_count = count;
}

void
rt_manifest_edit_set_drop(struct rt_manifest_edit *edit, uint32_t keyspace,
    uint64_t seq)
{
	rt_assert(edit->role == RT_ROLE_DAEMON);
	edit->drops = rt_realloc(edit->drops,
	    (edit->drops_count + 1) * sizeof(edit->drops[0]));
	edit->drops[edit->drops_count++] =
	    (struct rt_manifest_drop){ .keyspace = keyspace, .seq = seq };
}

void
rt_manifest_edit_set_keyspace(struct rt_manifest_edit *edit, uint32_t database,
    uint32_t id)
{
	rt_assert(edit->role == RT_ROLE_DAEMON);
	edit->keyspaces = rt_realloc(edit->keyspaces,
	    (edit->keyspaces_count + 1) * sizeof(edit->keyspaces[0]));
	edit->keyspaces[edit->keyspaces_count++] =
	    (struct rt_manifest_keyspace){ .database = database, .id = id };
}

void
rt_manifest_edit_set_clean_wal(struct rt_manifest_edit *edit, uint64_t wal,
    uint64_t bytes)
{
	rt_assert(edit->role == RT_ROLE_DAEMON);
	edit->sets_clean = true;
	edit->clean_wal = wal;
	edit->clean_wal_bytes = bytes;
}

void
rt_manifest_edit_forget_obsolete(struct rt_manifest_edit *edit,
    struct rt_file_id id)
{
	rt_assert(edit->role == RT_ROLE_DAEMON);
	edit->forgotten = rt_realloc(edit->forgotten,
	    (edit->forgotten_count + 1) * sizeof(edit->forgotten[0]));
	edit->forgotten[edit->forgotten_count++] = id;
}

static int
compare_ids(const void *a, const void *b)
{
	const struct rt_file_id *x = a, *y = b;

	return rt_file_id_compare(*x, *y);
}

static void
set_inputs(struct rt_manifest_edit *edit, const struct rt_file_id *inputs,
    size_t count, uint32_t target_level)
{
	rt_assert(edit->role == RT_ROLE_COMPACTOR && !edit->replaces);
	edit->replaces = true;
	edit->inputs = copy_of(inputs, count, sizeof(inputs[0]));
	edit->inputs_count = count;
	if (count > 1)
		qsort(edit->inputs, count, sizeof(inputs[0]), compare_ids);
	edit->target_level = target_level;
}

void
rt_manifest_edit_replace(struct rt_manifest_edit *edit,
    const struct rt_file_id *inputs, size_t inputs_count, uint32_t target_level,
    const struct rt_manifest_table *outputs, size_t outputs_count)
{
	set_inputs(edit, inputs, inputs_count, target_level);
	edit->outputs = rt_alloc_zero(outputs_count, sizeof(outputs[0]));
	edit->outputs_count = outputs_count;
	for (size_t i = 0; i < outputs_count; i++) {
		struct rt_manifest_table copy = outputs[i];

		copy.unknown = NULL;
		rt_manifest_build_table(edit->memory, &edit->outputs[i], &copy);
	}
}

void
rt_manifest_edit_move(struct rt_manifest_edit *edit, struct rt_file_id id,
    uint32_t target_level)
{
	set_inputs(edit, &id, 1, target_level);
	edit->moves = true;
}

void
rt_manifest_edit_set_expiry_clock(struct rt_manifest_edit *edit,
    uint64_t wall_ms)
{
	edit->sets_clock = true;
	edit->expiry_clock_ms = wall_ms;
}

/* -- applying it -- */

static bool
holds_id(const struct rt_file_id *ids, size_t count, struct rt_file_id id)
{
	return count > 0 &&
	    bsearch(&id, ids, count, sizeof(ids[0]), compare_ids) != NULL;
}

static bool
is_input(const struct rt_manifest_edit *edit,
    const struct rt_manifest_table *table)
{
	return holds_id(edit->inputs, edit->inputs_count, table->id);
}

/* How many of the run's tables are inputs. */
static size_t
inputs_in(const struct rt_manifest_edit *edit,
    const struct rt_manifest_run *run)
{
	size_t count = 0;

	for (size_t i = 0; i < run->tables_count; i++)
		count += is_input(edit, &run->tables[i]);
	return count;
}

static bool
overlap(const struct rt_manifest_table *a, const struct rt_manifest_table *b)
{
	return rt_slice_compare(a->smallest, b->largest) <= 0 &&
	    rt_slice_compare(b->smallest, a->largest) <= 0;
}

/* Whether a table of run `index` that stays overlaps an input of a newer run,
 * which would sink below it. */
static bool
blocks(const struct rt_manifest_edit *edit, const struct rt_manifest *base,
    size_t index)
{
	const struct rt_manifest_run *run = &base->runs[index];

	for (size_t i = 0; i < run->tables_count; i++) {
		if (is_input(edit, &run->tables[i]))
			continue;
		for (size_t j = 0; j < index; j++) {
			const struct rt_manifest_run *newer = &base->runs[j];

			for (size_t k = 0; k < newer->tables_count; k++)
				if (is_input(edit, &newer->tables[k]) &&
				    overlap(&run->tables[i], &newer->tables[k]))
					return true;
		}
	}
	return false;
}

/* Level 0 gives whole runs, neighbours, and its oldest when they go deeper. */
static enum rt_code
check_level0_inputs(const struct rt_manifest_edit *edit,
    const struct rt_manifest *base, struct rt_err *err)
{
	size_t runs = rt_manifest_level0_runs(base), first = runs, last = 0;
	size_t touched = 0;

	for (size_t i = 0; i < runs; i++) {
		size_t count = inputs_in(edit, &base->runs[i]);

		if (count == 0)
			continue;
		if (count != base->runs[i].tables_count)
			return rt_err_set(err, RT_ECONFLICT,
			    "a run of level 0 goes whole or not at all");
		first = touched++ == 0 ? i : first;
		last = i;
	}
	if (touched == 0)
		return RT_OK;
	if (last - first + 1 != touched)
		return rt_err_set(err, RT_ECONFLICT,
		    "the runs of level 0 are not next to each other");
	if (edit->target_level > 0 && last + 1 != runs)
		return rt_err_set(err, RT_ECONFLICT,
		    "an older run of level 0 would stay behind");
	return RT_OK;
}

static enum rt_code
check_replacement(const struct rt_manifest_edit *edit,
    const struct rt_manifest *base, struct rt_err *err)
{
	size_t found = 0;
	enum rt_code code;

	if (edit->target_level >= RT_LEVELS_MAX)
		return rt_err_set(err, RT_EINVAL, "there is no level %" PRIu32,
		    edit->target_level);
	for (size_t i = 0; i < base->runs_count; i++) {
		size_t count = inputs_in(edit, &base->runs[i]);

		found += count;
		if (count > 0 && base->runs[i].level > edit->target_level)
			return rt_err_set(err, RT_ECONFLICT,
			    "an input lies below the target level");
	}
	if (found != edit->inputs_count || found == 0)
		return rt_err_set(err, RT_ECONFLICT,
		    "%zu of %zu inputs are gone", edit->inputs_count - found,
		    edit->inputs_count);
	code = check_level0_inputs(edit, base, err);
	if (code != RT_OK)
		return code;
	for (size_t i = 0; i < base->runs_count; i++) {
		/* Runs of level 0 in between were checked as a row. */
		if (base->runs[i].level == 0 ||
		    base->runs[i].level >= edit->target_level)
			continue;
		if (blocks(edit, base, i))
			return rt_err_set(err, RT_ECONFLICT,
			    "a table of level %" PRIu32 " would stay above "
			    "newer versions", base->runs[i].level);
	}
	return RT_OK;
}

static int
compare_tables(const void *a, const void *b)
{
	const struct rt_manifest_table *x = a, *y = b;

	return rt_slice_compare(x->smallest, y->smallest);
}

/* Copy the base's run without the inputs; false when nothing is left. */
static bool
copy_run(const struct rt_manifest_edit *edit, struct rt_manifest *next,
    struct rt_manifest_run *to, const struct rt_manifest_run *from, size_t room)
{
	to->id = from->id;
	to->level = from->level;
	to->tables_count = 0;
	to->unknown = rt_manifest_build_run_unknown(next, from->unknown);
	to->tables = rt_manifest_build_alloc(next, from->tables_count + room,
	    sizeof(to->tables[0]));
	for (size_t i = 0; i < from->tables_count; i++)
		if (!edit->replaces || !is_input(edit, &from->tables[i]))
			rt_manifest_build_table(next,
			    &to->tables[to->tables_count++], &from->tables[i]);
	return to->tables_count > 0 || room > 0;
}

static void
add_outputs(struct rt_manifest *next, struct rt_manifest_run *run,
    const struct rt_manifest_table *outputs, size_t count)
{
	for (size_t i = 0; i < count; i++)
		rt_manifest_build_table(next,
		    &run->tables[run->tables_count++], &outputs[i]);
	qsort(run->tables, run->tables_count, sizeof(run->tables[0]),
	    compare_tables);
}

static void
add_new_run(struct rt_manifest *next, uint32_t level,
    const struct rt_manifest_table *outputs, size_t count)
{
	struct rt_manifest_run *run = &next->runs[next->runs_count++];

	*run = (struct rt_manifest_run){
		.id = next->next_run_id++,
		.level = level,
	};
	run->tables =
	    rt_manifest_build_alloc(next, count, sizeof(run->tables[0]));
	add_outputs(next, run, outputs, count);
}

/* All runs of the base, with the outputs in their place. */
static void
copy_runs(const struct rt_manifest_edit *edit, const struct rt_manifest *base,
    struct rt_manifest *next, const struct rt_manifest_table *outputs,
    size_t outputs_count)
{
	bool placed = outputs_count == 0;

	for (size_t i = 0; i < base->runs_count; i++) {
		const struct rt_manifest_run *from = &base->runs[i];
		bool takes = false;

		if (!placed && edit->target_level == 0 &&
		    inputs_in(edit, from) > 0) {
			add_new_run(next, 0, outputs, outputs_count);
			placed = true;
		} else if (!placed && edit->target_level > 0 &&
		    from->level > edit->target_level) {
			add_new_run(next, edit->target_level, outputs,
			    outputs_count);
			placed = true;
		} else if (!placed && edit->target_level > 0 &&
		    from->level == edit->target_level) {
			takes = true;
			placed = true;
		}
		if (!copy_run(edit, next, &next->runs[next->runs_count], from,
			takes ? outputs_count : 0))
			continue;
		if (takes)
			add_outputs(next, &next->runs[next->runs_count],
			    outputs, outputs_count);
		next->runs_count++;
	}
	if (!placed)
		add_new_run(next, edit->target_level, outputs, outputs_count);
}

static void
copy_obsolete(const struct rt_manifest_edit *edit,
    const struct rt_manifest *base, struct rt_manifest *next)
{
	struct rt_file_id *forgotten = copy_of(edit->forgotten,
	    edit->forgotten_count, sizeof(forgotten[0]));
	size_t appended = edit->moves ? 0 : edit->inputs_count;

	if (edit->forgotten_count > 1)
		qsort(forgotten, edit->forgotten_count, sizeof(forgotten[0]),
		    compare_ids);
	next->obsolete = rt_manifest_build_alloc(next,
	    base->obsolete_count + appended, sizeof(next->obsolete[0]));
	for (size_t i = 0; i < base->obsolete_count; i++)
		if (!holds_id(forgotten, edit->forgotten_count,
			base->obsolete[i]))
			next->obsolete[next->obsolete_count++] =
			    base->obsolete[i];
	for (size_t i = 0; i < appended; i++)
		next->obsolete[next->obsolete_count++] = edit->inputs[i];
	free(forgotten);
}

static void
put_drop(struct rt_manifest *next, struct rt_manifest_drop drop)
{
	size_t at = 0;

	while (at < next->drops_count &&
	    next->drops[at].keyspace < drop.keyspace)
		at++;
	if (at < next->drops_count &&
	    next->drops[at].keyspace == drop.keyspace) {
		if (next->drops[at].seq < drop.seq)
			next->drops[at].seq = drop.seq;
		return;
	}
	memmove(&next->drops[at + 1], &next->drops[at],
	    (next->drops_count - at) * sizeof(next->drops[0]));
	next->drops[at] = drop;
	next->drops_count++;
}

static void
put_keyspace(struct rt_manifest *next, struct rt_manifest_keyspace keyspace)
{
	size_t at = 0;

	while (at < next->keyspaces_count &&
	    next->keyspaces[at].database < keyspace.database)
		at++;
	if (at == next->keyspaces_count ||
	    next->keyspaces[at].database != keyspace.database) {
		memmove(&next->keyspaces[at + 1], &next->keyspaces[at],
		    (next->keyspaces_count - at) * sizeof(next->keyspaces[0]));
		next->keyspaces_count++;
	}
	next->keyspaces[at] = keyspace;
}

static void
copy_lists(const struct rt_manifest_edit *edit, const struct rt_manifest *base,
    struct rt_manifest *next)
{
	const uint64_t *snapshots = edit->sets_snapshots ? edit->snapshots
							 : base->snapshots;

	next->snapshots_count = edit->sets_snapshots ? edit->snapshots_count
						     : base->snapshots_count;
	next->snapshots = rt_manifest_build_alloc(next, next->snapshots_count,
	    sizeof(next->snapshots[0]));
	if (next->snapshots_count > 0)
		memcpy(next->snapshots, snapshots,
		    next->snapshots_count * sizeof(snapshots[0]));
	next->drops = rt_manifest_build_alloc(next,
	    base->drops_count + edit->drops_count + 1, sizeof(next->drops[0]));
	for (size_t i = 0; i < base->drops_count; i++)
		put_drop(next, base->drops[i]);
	for (size_t i = 0; i < edit->drops_count; i++)
		put_drop(next, edit->drops[i]);
	next->keyspaces = rt_manifest_build_alloc(next,
	    base->keyspaces_count + edit->keyspaces_count + 1,
	    sizeof(next->keyspaces[0]));
	for (size_t i = 0; i < base->keyspaces_count; i++)
		put_keyspace(next, base->keyspaces[i]);
	for (size_t i = 0; i < edit->keyspaces_count; i++)
		put_keyspace(next, edit->keyspaces[i]);
}

static uint64_t
larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static void
copy_scalars(const struct rt_manifest_edit *edit,
    const struct rt_manifest *base, struct rt_manifest *next)
{
	memcpy(next->database_uuid, base->database_uuid,
	    sizeof(next->database_uuid));
	next->generation = base->generation + 1;
	next->daemon_epoch = base->daemon_epoch;
	next->compactor_epoch = base->compactor_epoch;
	next->daemon_features = base->daemon_features;
	next->compactor_features = base->compactor_features;
	if (edit->claims && edit->role == RT_ROLE_DAEMON) {
		next->daemon_epoch++;
		next->daemon_features = edit->features;
	} else if (edit->claims) {
		next->compactor_epoch++;
		next->compactor_features = edit->features;
	}
	next->next_daemon_file = larger(base->next_daemon_file,
	    edit->next_daemon_file);
	next->next_run_id = base->next_run_id;
	next->flushed_seq = larger(base->flushed_seq, edit->flushed_seq);
	next->wal_floor = larger(base->wal_floor, edit->wal_floor);
	next->max_seq = larger(base->max_seq, next->flushed_seq);
	next->expiry_clock_ms = larger(base->expiry_clock_ms,
	    edit->expiry_clock_ms);
	next->clean_wal = edit->sets_clean ? edit->clean_wal : base->clean_wal;
	next->clean_wal_bytes = edit->sets_clean ? edit->clean_wal_bytes
						 : base->clean_wal_bytes;
	next->unknown = rt_manifest_build_root_unknown(next, base->unknown);
}

static enum rt_code
check_role(const struct rt_manifest_edit *edit, const struct rt_manifest *base,
    struct rt_err *err)
{
	bool daemon = edit->role == RT_ROLE_DAEMON;
	uint64_t epoch = daemon ? base->daemon_epoch : base->compactor_epoch;

	if (edit->claims || epoch == edit->epoch)
		return RT_OK;
	return rt_err_set(err, RT_EFENCED,
	    "another %s took over: our epoch %" PRIu64 ", now %" PRIu64,
	    daemon ? "daemon" : "compactor", edit->epoch, epoch);
}

static enum rt_code
check_flush(const struct rt_manifest_edit *edit,
    const struct rt_manifest *base, struct rt_err *err)
{
	if (edit->sets_flushed && edit->flushed_seq < base->flushed_seq)
		return rt_err_set(err, RT_EINVAL,
		    "the flushed sequence would fall from %" PRIu64
		    " to %" PRIu64, base->flushed_seq, edit->flushed_seq);
	if (edit->adds_run && edit->run_table.min_seq <= base->flushed_seq)
		return rt_err_set(err, RT_EINVAL,
		    "a new run begins at sequence %" PRIu64 ", but %" PRIu64
		    " was flushed before", edit->run_table.min_seq,
		    base->flushed_seq);
	if (edit->sets_next_file &&
	    edit->next_daemon_file < base->next_daemon_file)
		return rt_err_set(err, RT_EINVAL,
		    "file numbers would fall from %" PRIu64 " to %" PRIu64,
		    base->next_daemon_file, edit->next_daemon_file);
	return RT_OK;
}

enum rt_code
rt_manifest_edit_apply(const struct rt_manifest_edit *edit,
    const struct rt_manifest *base, const struct rt_manifest **out,
    struct rt_err *err)
{
	const struct rt_manifest_table *outputs = edit->outputs;
	size_t outputs_count = edit->outputs_count;
	struct rt_manifest *next;
	enum rt_code code;

	code = check_role(edit, base, err);
	if (code == RT_OK)
		code = check_flush(edit, base, err);
	if (code == RT_OK && edit->replaces)
		code = check_replacement(edit, base, err);
	if (code != RT_OK)
		return code;
	if (edit->moves) {
		outputs = rt_manifest_find(base, edit->inputs[0], NULL);
		outputs_count = 1;
	}
	next = rt_manifest_build_new();
	copy_scalars(edit, base, next);
	copy_lists(edit, base, next);
	next->runs = rt_manifest_build_alloc(next, base->runs_count + 2,
	    sizeof(next->runs[0]));
	if (edit->adds_run)
		add_new_run(next, 0, &edit->run_table, 1);
	copy_runs(edit, base, next, outputs, outputs_count);
	copy_obsolete(edit, base, next);
	code = rt_manifest_check(next, err);
	if (code != RT_OK) {
		rt_manifest_unref(next);
		/* What no longer fits is a conflict; what never did, ours. */
		if (err != NULL)
			err->code = edit->replaces ? RT_ECONFLICT : RT_EINVAL;
		rt_err_prefix(err, "the edit does not fit");
		return edit->replaces ? RT_ECONFLICT : RT_EINVAL;
	}
	*out = next;
	return RT_OK;
}

/* -- looking for it -- */

static bool
is_obsolete(const struct rt_manifest *manifest, struct rt_file_id id)
{
	for (size_t i = 0; i < manifest->obsolete_count; i++)
		if (rt_file_id_equal(manifest->obsolete[i], id))
			return true;
	return false;
}

/* Inputs leave their places by this edit alone, for the role's jobs do not
 * share any. */
static bool
replacement_is_in(const struct rt_manifest_edit *edit,
    const struct rt_manifest *manifest)
{
	const struct rt_manifest_run *run = NULL;

	if (edit->moves)
		return rt_manifest_find(manifest, edit->inputs[0], &run) !=
		    NULL && run->level == edit->target_level;
	for (size_t i = 0; i < edit->inputs_count; i++)
		if (rt_manifest_find(manifest, edit->inputs[i], NULL) != NULL)
			return false;
	for (size_t i = 0; i < edit->outputs_count; i++)
		if (rt_manifest_find(manifest, edit->outputs[i].id, NULL) ==
		    NULL && !is_obsolete(manifest, edit->outputs[i].id))
			return false;
	return true;
}

bool
rt_manifest_edit_is_in(const struct rt_manifest_edit *edit,
    const struct rt_manifest *manifest)
{
	/* A claim has nothing of its own to be known by: another process may
	 * have made it. */
	if (edit->claims || check_role(edit, manifest, NULL) != RT_OK)
		return false;
	if (edit->adds_run &&
	    rt_manifest_find(manifest, edit->run_table.id, NULL) == NULL &&
	    !is_obsolete(manifest, edit->run_table.id) &&
	    manifest->flushed_seq < edit->flushed_seq)
		return false;
	if (edit->sets_flushed && manifest->flushed_seq < edit->flushed_seq)
		return false;
	if (edit->sets_next_file &&
	    manifest->next_daemon_file < edit->next_daemon_file)
		return false;
	for (size_t i = 0; i < edit->drops_count; i++)
		if (rt_manifest_drop_seq(manifest, edit->drops[i].keyspace) <
		    edit->drops[i].seq)
			return false;
	for (size_t i = 0; i < edit->keyspaces_count; i++)
		if (rt_manifest_keyspace(manifest,
			edit->keyspaces[i].database) != edit->keyspaces[i].id)
			return false;
	for (size_t i = 0; i < edit->forgotten_count; i++)
		if (is_obsolete(manifest, edit->forgotten[i]))
			return false;
	if (edit->sets_snapshots &&
	    (manifest->snapshots_count != edit->snapshots_count ||
		(edit->snapshots_count > 0 && memcmp(manifest->snapshots,
		    edit->snapshots, edit->snapshots_count *
			sizeof(edit->snapshots[0])) != 0)))
		return false;
	if (edit->sets_clean && manifest->clean_wal != edit->clean_wal)
		return false;
	return !edit->replaces || replacement_is_in(edit, manifest);
}
