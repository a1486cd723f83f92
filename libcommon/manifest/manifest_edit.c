/* Applying an edit.
 *
 * The next manifest starts as the base with every field copied. The daemon's
 * changes are then laid over it. A job of the compactor's role is described by
 * the tables that it takes out (inputs: replaced or moved) and the ones that
 * it puts in (outputs: new or moved), all at one target level:
 *
 * 1 Find every input in the base. Inputs of level 0 must be whole runs and
 *   stand next to each other; for a deeper target they must be the oldest of
 *   level 0, for target 0 there are no others. Of deeper levels at most two
 *   take part, none below the target.
 * 2 No table that stays may lie between an input and the target and overlap
 *   that input, or an older version would come to lie above a newer one, or a
 *   tombstone be dropped too early (I8, I12, I14). This is asked for every
 *   run from below the newest input down to the target itself, or, where the
 *   outputs become a run of their own, to the level above it.
 * 3 Outputs come from the inputs alone: their keys and sequences lie within
 *   the inputs' ranges (I8), and none overlaps what stays at the target.
 * 4 Build: runs without their inputs, empty runs gone; one new level-0 run in
 *   the place of those merged, or in front of the target's runs, or the
 *   outputs merged in key order into the target's only run, which keeps its id
 *   and unknown fields when it existed. A job whose inputs all are in one run
 *   of the target level is in place: it stays in that run, and others have
 *   nothing to do with it.
 *
 * Inputs and names are looked up in sorted arrays, so that an edit costs
 * n log k, with n tables in the base and k in the edit. */
#include "libcommon/manifest/manifest_edit.h"

#include <inttypes.h>
#include <stdlib.h>

#include "libcommon/base/invariant.h"
#include "libcommon/manifest/manifest_build.h"
#include "libcommon/manifest/manifest_check.h"

struct id_list {
	struct rt_file_id *ids;
	size_t count;
};

struct rt_manifest_edit {
	struct rt_manifest_memory memory;	/* of the keys */
	enum rt_role role;
	uint64_t epoch;
	bool claim;
	uint64_t features;

	struct rt_manifest_table *runs;		/* to add, oldest first */
	size_t runs_count;
	bool has_flushed;
	uint64_t flushed_seq;
	uint64_t wal_floor;
	uint64_t next_daemon_file;		/* 0: not set */
	bool has_snapshots;
	uint64_t *snapshots;
	size_t snapshots_count;
	struct rt_manifest_drop *drops;
	size_t drops_count;
	struct rt_manifest_keyspace *keyspaces;
	size_t keyspaces_count;
	bool has_clean_wal;
	uint64_t clean_wal;
	uint64_t clean_wal_bytes;
	uint64_t tolerated_seq;
	uint64_t tolerated_ms;			/* 0: not set */
	struct id_list forget;
	bool has_request;
	uint64_t compact_asked;
	uint64_t compact_seq;
	uint64_t compact_done;			/* 0: not set */
	uint64_t expiry_clock_ms;
	struct rt_clock_mark clock_mark;

	bool has_job;
	bool has_replacement;
	bool as_run;
	uint32_t target_level;
	struct id_list replaced;
	struct id_list moved;
	struct rt_manifest_table *outputs;
	size_t outputs_count;
};

struct rt_manifest_edit *
rt_manifest_edit_new(enum rt_role role, uint64_t epoch)
{
	struct rt_manifest_edit *edit = rt_alloc_zero(1, sizeof(*edit));

	edit->role = role;
	edit->epoch = epoch;
	return edit;
}

void
rt_manifest_edit_free(struct rt_manifest_edit *edit)
{
	if (edit == NULL)
		return;
	rt_manifest_memory_fini(&edit->memory);
	free(edit->runs);
	free(edit->snapshots);
	free(edit->drops);
	free(edit->keyspaces);
	free(edit->forget.ids);
	free(edit->replaced.ids);
	free(edit->moved.ids);
	free(edit->outputs);
	free(edit);
}

/* -- saying what is to change -- */

/* Room for one more in an array that doubles at powers of two. */
static void *
grow(void *array, size_t count, size_t bytes)
{
	if ((count & (count - 1)) != 0)
		return array;
	return rt_realloc(array, (count == 0 ? 1 : count * 2) * bytes);
}

static void
add_id(struct id_list *list, struct rt_file_id id)
{
	list->ids = grow(list->ids, list->count, sizeof(*list->ids));
	list->ids[list->count++] = id;
}

static struct rt_slice
keep_bytes(struct rt_manifest_edit *edit, struct rt_slice bytes)
{
	void *copy = rt_manifest_memory_take(&edit->memory, bytes.len);

	if (bytes.len != 0)
		memcpy(copy, bytes.data, bytes.len);
	return rt_slice(copy, bytes.len);
}

static struct rt_manifest_table
keep_table(struct rt_manifest_edit *edit, const struct rt_manifest_table *table)
{
	struct rt_manifest_table copy = *table;

	copy.smallest = keep_bytes(edit, table->smallest);
	copy.largest = keep_bytes(edit, table->largest);
	copy.unknown = NULL;
	return copy;
}

void
rt_manifest_edit_claim(struct rt_manifest_edit *edit, uint64_t features)
{
	edit->claim = true;
	edit->features = features;
}

void
rt_manifest_edit_add_run(struct rt_manifest_edit *edit,
    const struct rt_manifest_table *table)
{
	rt_assert(edit->role == RT_ROLE_DAEMON);
	edit->runs = grow(edit->runs, edit->runs_count, sizeof(*edit->runs));
	edit->runs[edit->runs_count++] = keep_table(edit, table);
}

void
rt_manifest_edit_set_flushed(struct rt_manifest_edit *edit,
    uint64_t flushed_seq, uint64_t wal_floor)
{
	rt_assert(edit->role == RT_ROLE_DAEMON);
	edit->has_flushed = true;
	edit->flushed_seq = flushed_seq;
	edit->wal_floor = wal_floor;
}

void
rt_manifest_edit_set_next_file(struct rt_manifest_edit *edit,
    uint64_t next_daemon_file)
{
	rt_assert(edit->role == RT_ROLE_DAEMON);
	edit->next_daemon_file = next_daemon_file;
}

void
rt_manifest_edit_set_snapshots(struct rt_manifest_edit *edit,
    const uint64_t *snapshots, size_t count)
{
	rt_assert(edit->role == RT_ROLE_DAEMON);
	free(edit->snapshots);
	edit->has_snapshots = true;
	edit->snapshots = rt_alloc_zero(count + 1, sizeof(*snapshots));
	edit->snapshots_count = count;
	if (count != 0)
		memcpy(edit->snapshots, snapshots, count * sizeof(*snapshots));
}

void
rt_manifest_edit_set_drop(struct rt_manifest_edit *edit, uint32_t keyspace,
    uint64_t seq)
{
	rt_assert(edit->role == RT_ROLE_DAEMON);
	edit->drops = grow(edit->drops, edit->drops_count,
	    sizeof(*edit->drops));
	edit->drops[edit->drops_count++] =
	    (struct rt_manifest_drop){ keyspace, seq };
}

void
rt_manifest_edit_set_keyspace(struct rt_manifest_edit *edit, uint32_t database,
    uint32_t id)
{
	rt_assert(edit->role == RT_ROLE_DAEMON);
	edit->keyspaces = grow(edit->keyspaces, edit->keyspaces_count,
	    sizeof(*edit->keyspaces));
	edit->keyspaces[edit->keyspaces_count++] =
	    (struct rt_manifest_keyspace){ database, id };
}

void
rt_manifest_edit_set_clean_wal(struct rt_manifest_edit *edit, uint64_t wal,
    uint64_t bytes)
{
	rt_assert(edit->role == RT_ROLE_DAEMON);
	edit->has_clean_wal = true;
	edit->clean_wal = wal;
	edit->clean_wal_bytes = bytes;
}

void
rt_manifest_edit_set_tolerated(struct rt_manifest_edit *edit, uint64_t seq,
    uint64_t wall_ms)
{
	rt_assert(edit->role == RT_ROLE_DAEMON);
	edit->tolerated_seq = seq;
	edit->tolerated_ms = wall_ms;
}

void
rt_manifest_edit_forget_obsolete(struct rt_manifest_edit *edit,
    struct rt_file_id id)
{
	rt_assert(edit->role == RT_ROLE_DAEMON);
	add_id(&edit->forget, id);
}

void
rt_manifest_edit_ask(struct rt_manifest_edit *edit, uint64_t request,
    uint64_t seq)
{
	rt_assert(edit->role == RT_ROLE_DAEMON);
	edit->has_request = true;
	edit->compact_asked = request;
	edit->compact_seq = seq;
}

void
rt_manifest_edit_answer(struct rt_manifest_edit *edit, uint64_t request)
{
	rt_assert(edit->role == RT_ROLE_COMPACTOR);
	edit->compact_done = request;
}

void
rt_manifest_edit_set_expiry_clock(struct rt_manifest_edit *edit,
    uint64_t line_ms, const struct rt_clock_mark *mark)
{
	edit->expiry_clock_ms = line_ms;
	if (mark != NULL)
		edit->clock_mark = *mark;
}

static void
set_target(struct rt_manifest_edit *edit, uint32_t target_level)
{
	rt_assert(edit->role == RT_ROLE_COMPACTOR);
	rt_assert(!edit->has_job || edit->target_level == target_level);
	edit->has_job = true;
	edit->target_level = target_level;
}

void
rt_manifest_edit_replace(struct rt_manifest_edit *edit,
    const struct rt_file_id *inputs, size_t inputs_count,
    uint32_t target_level, const struct rt_manifest_table *outputs,
    size_t outputs_count)
{
	rt_assert(!edit->has_replacement);
	set_target(edit, target_level);
	edit->has_replacement = true;
	for (size_t i = 0; i < inputs_count; i++)
		add_id(&edit->replaced, inputs[i]);
	edit->outputs = rt_alloc_zero(outputs_count + 1,
	    sizeof(*edit->outputs));
	edit->outputs_count = outputs_count;
	for (size_t i = 0; i < outputs_count; i++)
		edit->outputs[i] = keep_table(edit, &outputs[i]);
}

void
rt_manifest_edit_as_run(struct rt_manifest_edit *edit)
{
	rt_assert(edit->has_replacement && edit->target_level > 0);
	edit->as_run = true;
}

void
rt_manifest_edit_move(struct rt_manifest_edit *edit, struct rt_file_id id,
    uint32_t target_level)
{
	set_target(edit, target_level);
	add_id(&edit->moved, id);
}

/* -- the daemon's changes -- */

static void
copy_list(struct rt_manifest *next, void *to, size_t *to_count,
    const void *from, size_t count, size_t bytes)
{
	void *copy = rt_manifest_build_alloc(next, count, bytes);

	if (count != 0)
		memcpy(copy, from, count * bytes);
	memcpy(to, &copy, sizeof(copy));
	*to_count = count;
}

/* Insert or raise: a drop never goes back. */
static void
apply_drop(struct rt_manifest *next, struct rt_manifest_drop drop)
{
	struct rt_manifest_drop *list;
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
	list = rt_manifest_build_alloc(next, next->drops_count + 1,
	    sizeof(*list));
	if (at != 0)
		memcpy(list, next->drops, at * sizeof(*list));
	list[at] = drop;
	if (at < next->drops_count)
		memcpy(list + at + 1, next->drops + at,
		    (next->drops_count - at) * sizeof(*list));
	next->drops = list;
	next->drops_count++;
}

static void
apply_keyspace(struct rt_manifest *next, struct rt_manifest_keyspace keyspace)
{
	struct rt_manifest_keyspace *list;
	size_t at = 0;

	while (at < next->keyspaces_count &&
	    next->keyspaces[at].database < keyspace.database)
		at++;
	if (at < next->keyspaces_count &&
	    next->keyspaces[at].database == keyspace.database) {
		next->keyspaces[at].id = keyspace.id;
		return;
	}
	list = rt_manifest_build_alloc(next, next->keyspaces_count + 1,
	    sizeof(*list));
	if (at != 0)
		memcpy(list, next->keyspaces, at * sizeof(*list));
	list[at] = keyspace;
	if (at < next->keyspaces_count)
		memcpy(list + at + 1, next->keyspaces + at,
		    (next->keyspaces_count - at) * sizeof(*list));
	next->keyspaces = list;
	next->keyspaces_count++;
}

static void
raise_to(uint64_t *value, uint64_t least)
{
	if (*value < least)
		*value = least;
}

static enum rt_code
apply_flushed(const struct rt_manifest_edit *edit, struct rt_manifest *next,
    struct rt_err *err)
{
	/* E2 */
	if (edit->flushed_seq < next->flushed_seq)
		return rt_err_set(err, RT_ECONFLICT,
		    "flushed sequence would fall from %" PRIu64 " to %" PRIu64,
		    next->flushed_seq, edit->flushed_seq);
	next->flushed_seq = edit->flushed_seq;
	raise_to(&next->wal_floor, edit->wal_floor);
	raise_to(&next->max_seq, edit->flushed_seq);
	return RT_OK;
}

static enum rt_code
apply_new_runs(const struct rt_manifest_edit *edit,
    const struct rt_manifest *base, struct rt_manifest *next,
    struct rt_err *err)
{
	struct rt_manifest_run *runs = rt_manifest_build_alloc(next,
	    next->runs_count + edit->runs_count, sizeof(*runs));
	char name[RT_PATH_NAME_BYTES];

	for (size_t i = 0; i < edit->runs_count; i++) {
		const struct rt_manifest_table *table = &edit->runs[i];
		struct rt_manifest_run *run = &runs[edit->runs_count - 1 - i];

		/* E2 */
		if (table->min_seq <= base->flushed_seq)
			return rt_err_set(err, RT_ECONFLICT,
			    "%s begins at sequence %" PRIu64
			    ", all up to %" PRIu64 " is flushed",
			    rt_path_table(name, table->id), table->min_seq,
			    base->flushed_seq);
		if (table->id.maker_epoch != 0)
			return rt_err_set(err, RT_EINVAL,
			    "%s does not bear a name of the daemon",
			    rt_path_table(name, table->id));
		run->id = next->next_run_id++;
		run->level = 0;
		run->tables_count = 1;
		run->tables = rt_manifest_build_alloc(next, 1,
		    sizeof(*run->tables));
		rt_manifest_build_table(next, run->tables, table);
		raise_to(&next->next_daemon_file, table->id.number + 1);
		raise_to(&next->max_seq, table->max_seq);
	}
	if (next->runs_count != 0)
		memcpy(runs + edit->runs_count, next->runs,
		    next->runs_count * sizeof(*runs));
	next->runs = runs;
	next->runs_count += edit->runs_count;
	return RT_OK;
}

static int
compare_ids(const void *a, const void *b)
{
	return rt_file_id_compare(*(const struct rt_file_id *)a,
	    *(const struct rt_file_id *)b);
}

static struct id_list
sorted_copy(const struct id_list *list)
{
	struct id_list copy = {
		.ids = rt_alloc_zero(list->count + 1, sizeof(*copy.ids)),
		.count = list->count,
	};

	if (list->count != 0) {
		memcpy(copy.ids, list->ids, list->count * sizeof(*copy.ids));
		qsort(copy.ids, copy.count, sizeof(*copy.ids), compare_ids);
	}
	return copy;
}

static bool
id_in(const struct id_list *sorted, struct rt_file_id id)
{
	return sorted->count != 0 && bsearch(&id, sorted->ids, sorted->count,
	    sizeof(id), compare_ids) != NULL;
}

static void
apply_forget(const struct rt_manifest_edit *edit, struct rt_manifest *next)
{
	struct id_list forget = sorted_copy(&edit->forget);
	size_t kept = 0;

	for (size_t i = 0; i < next->obsolete_count; i++) {
		if (!id_in(&forget, next->obsolete[i]))
			next->obsolete[kept++] = next->obsolete[i];
	}
	next->obsolete_count = kept;
	free(forget.ids);
}

/* Numbers only rise, except that what is open may be withdrawn. */
static enum rt_code
apply_request(const struct rt_manifest_edit *edit, struct rt_manifest *next,
    struct rt_err *err)
{
	if (edit->compact_asked < next->compact_done ||
	    (edit->compact_asked < next->compact_asked &&
		edit->compact_asked != next->compact_done))
		return rt_err_set(err, RT_ECONFLICT,
		    "request %" PRIu64 " to merge everything comes after "
		    "%" PRIu64 ", %" PRIu64 " are done", edit->compact_asked,
		    next->compact_asked, next->compact_done);
	next->compact_asked = edit->compact_asked;
	next->compact_seq = edit->compact_seq;
	return RT_OK;
}

static enum rt_code
apply_daemon(const struct rt_manifest_edit *edit,
    const struct rt_manifest *base, struct rt_manifest *next,
    struct rt_err *err)
{
	enum rt_code code = RT_OK;

	if (edit->has_flushed)
		code = apply_flushed(edit, next, err);
	if (code == RT_OK && edit->runs_count != 0)
		code = apply_new_runs(edit, base, next, err);
	if (code == RT_OK && edit->has_request)
		code = apply_request(edit, next, err);
	if (code != RT_OK)
		return code;
	raise_to(&next->next_daemon_file, edit->next_daemon_file);
	if (edit->has_snapshots)
		copy_list(next, &next->snapshots, &next->snapshots_count,
		    edit->snapshots, edit->snapshots_count,
		    sizeof(*edit->snapshots));
	for (size_t i = 0; i < edit->drops_count; i++)
		apply_drop(next, edit->drops[i]);
	for (size_t i = 0; i < edit->keyspaces_count; i++)
		apply_keyspace(next, edit->keyspaces[i]);
	if (edit->has_clean_wal) {
		next->clean_wal = edit->clean_wal;
		next->clean_wal_bytes = edit->clean_wal_bytes;
	}
	if (edit->tolerated_ms != 0) {
		next->tolerated_seq = edit->tolerated_seq;
		next->tolerated_ms = edit->tolerated_ms;
	}
	if (edit->forget.count != 0)
		apply_forget(edit, next);
	return RT_OK;
}

/* -- a job of the compactor's role -- */

/* One way of looking at the base while a job is applied to it. */
struct job {
	const struct rt_manifest_edit *edit;
	const struct rt_manifest *base;
	struct id_list replaced;	/* sorted */
	struct id_list moved;		/* sorted */
	const struct rt_manifest_table **inputs;	/* newest run first */
	size_t inputs_count;
	size_t *taken;		/* inputs in each run of the base */
	size_t first_run;	/* the newest and oldest run with inputs */
	size_t last_run;
	bool in_place;
	struct rt_slice smallest;	/* hull of the inputs */
	struct rt_slice largest;
	uint64_t min_seq;
	uint64_t max_seq;
};

static bool
is_input(const struct job *job, struct rt_file_id id)
{
	return id_in(&job->replaced, id) || id_in(&job->moved, id);
}

static void
note_input(struct job *job, size_t run, const struct rt_manifest_table *table)
{
	if (job->inputs_count == 0) {
		job->first_run = run;
		job->smallest = table->smallest;
		job->largest = table->largest;
		job->min_seq = table->min_seq;
	}
	job->last_run = run;
	job->inputs[job->inputs_count++] = table;
	job->taken[run]++;
	if (rt_slice_compare(table->smallest, job->smallest) < 0)
		job->smallest = table->smallest;
	if (rt_slice_compare(table->largest, job->largest) > 0)
		job->largest = table->largest;
	if (table->min_seq < job->min_seq)
		job->min_seq = table->min_seq;
	raise_to(&job->max_seq, table->max_seq);
}

static enum rt_code
find_inputs(struct job *job, struct rt_err *err)
{
	const struct rt_manifest *base = job->base;
	size_t wanted = job->replaced.count + job->moved.count;

	if (wanted == 0)
		return rt_err_set(err, RT_EINVAL, "a job without inputs");
	for (size_t i = 0; i < base->runs_count; i++) {
		for (size_t j = 0; j < base->runs[i].tables_count; j++) {
			const struct rt_manifest_table *table =
			    &base->runs[i].tables[j];

			if (is_input(job, table->id) &&
			    job->inputs_count < wanted)
				note_input(job, i, table);
		}
	}
	if (job->inputs_count != wanted)
		return rt_err_set(err, RT_ECONFLICT,
		    "%zu of %zu inputs are no longer in place",
		    wanted - job->inputs_count, wanted);
	job->in_place = job->first_run == job->last_run &&
	    job->edit->target_level > 0 &&
	    base->runs[job->first_run].level == job->edit->target_level;
	return RT_OK;
}

/* Step 1: which runs may take part (E3, I8). */
static enum rt_code
check_sources(const struct job *job, struct rt_err *err)
{
	const struct rt_manifest *base = job->base;
	uint32_t target = job->edit->target_level;
	size_t level0 = rt_manifest_level0_runs(base);
	uint32_t deepest = 0;
	unsigned deeper = 0;

	if (target >= RT_LEVELS_MAX)
		return rt_err_set(err, RT_EINVAL, "there is no level %" PRIu32,
		    target);
	if (base->runs[job->last_run].level > target ||
	    (job->edit->as_run && base->runs[job->last_run].level == target))
		return rt_err_set(err, RT_EINVAL,
		    "an input lies below the target level %" PRIu32, target);
	for (size_t i = job->first_run; i < level0 && i <= job->last_run; i++) {
		if (job->taken[i] != base->runs[i].tables_count)
			return rt_err_set(err, RT_ECONFLICT,
			    "run %" PRIu64 " of level 0 is not taken as a "
			    "whole, or others around it are", base->runs[i].id);
	}
	if (target != 0 && job->first_run < level0 &&
	    job->taken[level0 - 1] == 0)
		return rt_err_set(err, RT_ECONFLICT,
		    "the oldest run of level 0 is not among the inputs");
	for (size_t i = level0; i < base->runs_count; i++) {
		if (job->taken[i] != 0 && base->runs[i].level != deepest) {
			deepest = base->runs[i].level;
			deeper++;
		}
	}
	if (deeper > 2)
		return rt_err_set(err, RT_EINVAL,
		    "inputs of %u levels below level 0", deeper);
	return RT_OK;
}

static int
compare_smallest(const void *a, const void *b)
{
	const struct rt_manifest_table *x =
	    *(const struct rt_manifest_table *const *)a;
	const struct rt_manifest_table *y =
	    *(const struct rt_manifest_table *const *)b;

	return rt_slice_compare(x->smallest, y->smallest);
}

static enum rt_code
overlap(const struct rt_manifest_table *stays,
    const struct rt_manifest_table *other, struct rt_err *err)
{
	char name[RT_PATH_NAME_BYTES], other_name[RT_PATH_NAME_BYTES];

	return rt_err_set(err, RT_ECONFLICT, "%s overlaps %s and is no input",
	    rt_path_table(name, stays->id),
	    rt_path_table(other_name, other->id));
}

/* Both lists in key order of their smallest keys. The widest of the ranges
 * passed so far stands for all of them: it reaches furthest. */
static enum rt_code
check_run_apart(const struct job *job, const struct rt_manifest_run *run,
    const struct rt_manifest_table *const *ranges, size_t count,
    struct rt_err *err)
{
	const struct rt_manifest_table *widest = NULL;
	size_t at = 0;

	for (size_t i = 0; i < run->tables_count; i++) {
		const struct rt_manifest_table *stays = &run->tables[i];

		for (; at < count && rt_slice_compare(ranges[at]->smallest,
			stays->largest) <= 0; at++) {
			if (widest == NULL || rt_slice_compare(
				ranges[at]->largest, widest->largest) > 0)
				widest = ranges[at];
		}
		if (widest != NULL && !is_input(job, stays->id) &&
		    rt_slice_compare(widest->largest, stays->smallest) >= 0)
			return overlap(stays, widest, err);
	}
	return RT_OK;
}

/* Step 2: going down from the newest input, with the inputs seen so far. */
static enum rt_code
check_way_down(struct job *job, struct rt_err *err)
{
	const struct rt_manifest *base = job->base;
	const struct rt_manifest_table **above;
	enum rt_code code = RT_OK;
	size_t count = 0;

	above = rt_alloc_zero(job->inputs_count, sizeof(*above));
	for (size_t i = job->first_run; i < base->runs_count &&
	     base->runs[i].level < job->edit->target_level +
		 !job->edit->as_run && !job->in_place && code == RT_OK; i++) {
		if (base->runs[i].level != 0) {
			memcpy(above, job->inputs, count * sizeof(*above));
			qsort(above, count, sizeof(*above), compare_smallest);
			code = check_run_apart(job, &base->runs[i], above,
			    count, err);
		}
		count += job->taken[i];
	}
	free(above);
	return code;
}

/* The tables that the job puts in, in key order; the array is the caller's. */
static const struct rt_manifest_table **
list_outputs(const struct job *job, size_t *count)
{
	const struct rt_manifest_edit *edit = job->edit;
	const struct rt_manifest_table **list = rt_alloc_zero(
	    edit->outputs_count + job->moved.count + 1, sizeof(*list));

	*count = 0;
	for (size_t i = 0; i < edit->outputs_count; i++)
		list[(*count)++] = &edit->outputs[i];
	for (size_t i = 0; i < job->inputs_count; i++) {
		if (id_in(&job->moved, job->inputs[i]->id))
			list[(*count)++] = job->inputs[i];
	}
	qsort(list, *count, sizeof(*list), compare_smallest);
	return list;
}

/* Step 3 */
static enum rt_code
check_outputs(const struct job *job,
    const struct rt_manifest_table *const *outputs, size_t count,
    struct rt_err *err)
{
	const struct rt_manifest *base = job->base;
	enum rt_code code = RT_OK;
	char name[RT_PATH_NAME_BYTES];

	for (size_t i = 0; i < count; i++) {
		const struct rt_manifest_table *table = outputs[i];

		if (rt_slice_compare(table->smallest, job->smallest) < 0 ||
		    rt_slice_compare(table->largest, job->largest) > 0 ||
		    table->min_seq < job->min_seq ||
		    table->max_seq > job->max_seq)
			return rt_err_set(err, RT_EINVAL,
			    "%s reaches beyond the inputs",
			    rt_path_table(name, table->id));
	}
	for (size_t i = 0; i < job->edit->outputs_count; i++) {
		if (job->edit->outputs[i].id.maker_epoch == job->edit->epoch)
			continue;
		return rt_err_set(err, RT_EINVAL,
		    "%s does not bear a name of compactor epoch %" PRIu64,
		    rt_path_table(name, job->edit->outputs[i].id),
		    job->edit->epoch);
	}
	if (job->edit->as_run)
		return RT_OK;
	/* Which of several runs the outputs belong to would be a guess. */
	if (job->in_place)
		return check_run_apart(job, &base->runs[job->first_run],
		    outputs, count, err);
	if (count > 0 && job->edit->target_level > 0 && rt_manifest_level_runs(
		base, job->edit->target_level) > 1)
		return rt_err_set(err, RT_ECONFLICT,
		    "level %" PRIu32 " has several runs",
		    job->edit->target_level);
	for (size_t i = 0; i < base->runs_count && code == RT_OK; i++) {
		if (base->runs[i].level == job->edit->target_level &&
		    base->runs[i].level != 0)
			code = check_run_apart(job, &base->runs[i], outputs,
			    count, err);
	}
	return code;
}

/* Every moved table changes its level, or there is nothing to do. */
static enum rt_code
check_moves(const struct job *job, struct rt_err *err)
{
	const struct rt_manifest *base = job->base;

	if (job->moved.count == 0)
		return RT_OK;
	for (size_t i = 0; i < base->runs_count; i++) {
		const struct rt_manifest_run *run = &base->runs[i];

		if (run->level != job->edit->target_level)
			continue;
		for (size_t j = 0; j < run->tables_count; j++) {
			if (id_in(&job->moved, run->tables[j].id))
				return rt_err_set(err, RT_EINVAL,
				    "a move to the level of its table");
		}
	}
	return RT_OK;
}

/* What stays of a run, with `outputs` merged in: both are in key order. */
static void
build_run(const struct job *job, struct rt_manifest *next,
    struct rt_manifest_run *run, const struct rt_manifest_run *from,
    const struct rt_manifest_table *const *outputs, size_t count)
{
	size_t old_count = from != NULL ? from->tables_count : 0;
	struct rt_manifest_table *tables = rt_manifest_build_alloc(next,
	    old_count + count, sizeof(*tables));
	size_t made = 0, put = 0;

	for (size_t i = 0; i < old_count; i++) {
		const struct rt_manifest_table *stays = &from->tables[i];

		if (is_input(job, stays->id))
			continue;
		while (put < count && rt_slice_compare(outputs[put]->smallest,
			stays->smallest) < 0)
			rt_manifest_build_table(next, &tables[made++],
			    outputs[put++]);
		rt_manifest_build_table(next, &tables[made++], stays);
	}
	while (put < count)
		rt_manifest_build_table(next, &tables[made++], outputs[put++]);
	run->tables = tables;
	run->tables_count = made;
}

/* Step 4. The outputs go where the first input run of level 0 stood (target 0),
 * into the target's run, or in front of the first deeper run; as a run of their
 * own, in front of the target's. */
static void
build_runs(const struct job *job, struct rt_manifest *next,
    const struct rt_manifest_table *const *outputs, size_t count)
{
	const struct rt_manifest *base = job->base;
	uint32_t target = job->edit->target_level;
	struct rt_manifest_run *runs = rt_manifest_build_alloc(next,
	    base->runs_count + 1, sizeof(*runs));
	uint32_t behind = target + !job->edit->as_run;
	bool placed = count == 0;
	size_t made = 0;

	for (size_t i = 0; i <= base->runs_count; i++) {
		const struct rt_manifest_run *from =
		    i < base->runs_count ? &base->runs[i] : NULL;
		bool joins = from != NULL && from->level == target &&
		    target != 0 && !placed && !job->edit->as_run &&
		    (!job->in_place || i == job->first_run);

		if (!placed && !joins && (from == NULL ||
			(target == 0 ? i == job->first_run :
			from->level >= behind))) {
			runs[made].id = next->next_run_id++;
			runs[made].level = target;
			build_run(job, next, &runs[made++], NULL, outputs,
			    count);
			placed = true;
		}
		if (from == NULL)
			break;
		runs[made].id = from->id;
		runs[made].level = from->level;
		runs[made].unknown = rt_manifest_build_run_unknown(next,
		    from->unknown);
		build_run(job, next, &runs[made], from, outputs,
		    joins ? count : 0);
		placed = placed || joins;
		made += runs[made].tables_count != 0;
	}
	next->runs = runs;
	next->runs_count = made;
}

static void
append_obsolete(const struct job *job, struct rt_manifest *next)
{
	struct rt_file_id *list = rt_manifest_build_alloc(next,
	    next->obsolete_count + job->replaced.count, sizeof(*list));

	if (next->obsolete_count != 0)
		memcpy(list, next->obsolete,
		    next->obsolete_count * sizeof(*list));
	for (size_t i = 0; i < job->edit->replaced.count; i++)
		list[next->obsolete_count + i] = job->edit->replaced.ids[i];
	next->obsolete = list;
	next->obsolete_count += job->replaced.count;
}

static enum rt_code
apply_job(const struct rt_manifest_edit *edit, const struct rt_manifest *base,
    struct rt_manifest *next, struct rt_err *err)
{
	struct job job = {
		.edit = edit,
		.base = base,
		.replaced = sorted_copy(&edit->replaced),
		.moved = sorted_copy(&edit->moved),
		.inputs = rt_alloc_zero(edit->replaced.count +
		    edit->moved.count + 1, sizeof(*job.inputs)),
		.taken = rt_alloc_zero(base->runs_count + 1,
		    sizeof(*job.taken)),
	};
	const struct rt_manifest_table **outputs = NULL;
	size_t count = 0;
	enum rt_code code;

	code = find_inputs(&job, err);
	if (code == RT_OK)
		code = check_sources(&job, err);
	if (code == RT_OK)
		code = check_moves(&job, err);
	if (code == RT_OK)
		code = check_way_down(&job, err);
	if (code != RT_OK)
		goto out;
	outputs = list_outputs(&job, &count);
	code = check_outputs(&job, outputs, count, err);
	if (code != RT_OK)
		goto out;
	build_runs(&job, next, outputs, count);
	append_obsolete(&job, next);
out:
	free(outputs);
	free(job.replaced.ids);
	free(job.moved.ids);
	free(job.inputs);
	free(job.taken);
	return code;
}

/* -- the whole -- */

static void
copy_runs(struct rt_manifest *next, const struct rt_manifest *base)
{
	next->runs_count = base->runs_count;
	next->runs = rt_manifest_build_alloc(next, base->runs_count,
	    sizeof(*next->runs));
	for (size_t i = 0; i < base->runs_count; i++) {
		const struct rt_manifest_run *from = &base->runs[i];
		struct rt_manifest_run *to = &next->runs[i];

		*to = *from;
		to->unknown = rt_manifest_build_run_unknown(next,
		    from->unknown);
		to->tables = rt_manifest_build_alloc(next, from->tables_count,
		    sizeof(*to->tables));
		for (size_t j = 0; j < from->tables_count; j++)
			rt_manifest_build_table(next, &to->tables[j],
			    &from->tables[j]);
	}
}

/* Everything but the runs, which a job builds itself. */
static struct rt_manifest *
copy_base(const struct rt_manifest *base)
{
	struct rt_manifest *next = rt_manifest_build_new();

	*next = *base;
	copy_list(next, &next->snapshots, &next->snapshots_count,
	    base->snapshots, base->snapshots_count, sizeof(*base->snapshots));
	copy_list(next, &next->drops, &next->drops_count, base->drops,
	    base->drops_count, sizeof(*base->drops));
	copy_list(next, &next->keyspaces, &next->keyspaces_count,
	    base->keyspaces, base->keyspaces_count, sizeof(*base->keyspaces));
	copy_list(next, &next->obsolete, &next->obsolete_count, base->obsolete,
	    base->obsolete_count, sizeof(*base->obsolete));
	next->unknown = rt_manifest_build_root_unknown(next, base->unknown);
	next->generation++;
	return next;
}

/* E1 */
static enum rt_code
apply_role(const struct rt_manifest_edit *edit, struct rt_manifest *next,
    struct rt_err *err)
{
	bool daemon = edit->role == RT_ROLE_DAEMON;
	uint64_t *epoch =
	    daemon ? &next->daemon_epoch : &next->compactor_epoch;

	if (edit->claim) {
		++*epoch;
		if (daemon)
			next->daemon_features = edit->features;
		else
			next->compactor_features = edit->features;
		return RT_OK;
	}
	if (*epoch != edit->epoch)
		return rt_err_set(err, RT_EFENCED,
		    "%s epoch %" PRIu64 " is over, %" PRIu64 " is current",
		    daemon ? "daemon" : "compactor", edit->epoch, *epoch);
	return RT_OK;
}

static void
merge_mark(struct rt_clock_mark *into, const struct rt_clock_mark *from)
{
	uint64_t settled_from_ms = from->settled_from_ms;

	if (from->boot_id == 0)
		return;
	if (into->boot_id == from->boot_id) {
		raise_to(&into->settled_from_ms, settled_from_ms);
		settled_from_ms = into->settled_from_ms;
		if (into->boot_ms >= from->boot_ms)
			return;
	}
	*into = *from;
	into->settled_from_ms = settled_from_ms;
}

enum rt_code
rt_manifest_edit_apply(const struct rt_manifest_edit *edit,
    const struct rt_manifest *base, const struct rt_manifest **next,
    struct rt_err *err)
{
	struct rt_manifest *made = copy_base(base);
	enum rt_code code;

	code = apply_role(edit, made, err);
	if (code != RT_OK)
		goto out;
	if (edit->has_job) {
		code = apply_job(edit, base, made, err);
	} else {
		copy_runs(made, base);
		code = apply_daemon(edit, base, made, err);
	}
	if (code != RT_OK)
		goto out;
	raise_to(&made->compact_done, edit->compact_done);
	raise_to(&made->expiry_clock_ms, edit->expiry_clock_ms);
	merge_mark(&made->clock_mark, &edit->clock_mark);
	/* E4: what we made ourselves is wrong, not what a disk gave. */
	if (rt_manifest_check(made, err) != RT_OK) {
		if (err != NULL)
			err->code = RT_EINVAL;
		code = RT_EINVAL;
		goto out;
	}
	*next = made;
	made = NULL;
out:
	rt_manifest_unref(made);
	return code;
}

/* -- was it published? -- */

static bool
is_obsolete(const struct rt_manifest *manifest, struct rt_file_id id)
{
	for (size_t i = 0; i < manifest->obsolete_count; i++) {
		if (rt_file_id_equal(manifest->obsolete[i], id))
			return true;
	}
	return false;
}

static bool
is_known(const struct rt_manifest *manifest, struct rt_file_id id)
{
	return rt_manifest_find(manifest, id, NULL) != NULL ||
	    is_obsolete(manifest, id);
}

/* A name is given out once: where it is known, the edit that brought it is in.
 * Without outputs the inputs must be gone, and a moved table be deep enough. */
static bool
job_is_in(const struct rt_manifest_edit *edit,
    const struct rt_manifest *manifest)
{
	const struct rt_manifest_run *run;

	if (edit->outputs_count != 0)
		return is_known(manifest, edit->outputs[0].id);
	for (size_t i = 0; i < edit->replaced.count; i++) {
		if (rt_manifest_find(manifest, edit->replaced.ids[i], NULL))
			return false;
	}
	for (size_t i = 0; i < edit->moved.count; i++) {
		if (rt_manifest_find(manifest, edit->moved.ids[i], &run) &&
		    run->level < edit->target_level)
			return false;
	}
	return true;
}

static bool
lists_are_in(const struct rt_manifest_edit *edit,
    const struct rt_manifest *manifest)
{
	for (size_t i = 0; i < edit->drops_count; i++) {
		if (rt_manifest_drop_seq(manifest, edit->drops[i].keyspace) <
		    edit->drops[i].seq)
			return false;
	}
	for (size_t i = 0; i < edit->keyspaces_count; i++) {
		if (rt_manifest_keyspace(manifest,
			edit->keyspaces[i].database) != edit->keyspaces[i].id)
			return false;
	}
	for (size_t i = 0; i < edit->forget.count; i++) {
		if (is_obsolete(manifest, edit->forget.ids[i]))
			return false;
	}
	return !edit->has_snapshots ||
	    (edit->snapshots_count == manifest->snapshots_count &&
		memcmp(edit->snapshots, manifest->snapshots,
		    edit->snapshots_count * sizeof(*edit->snapshots)) == 0);
}

/* A claim cannot be told from another's, so it is never found: claiming twice
 * does no harm. */
bool
rt_manifest_edit_is_in(const struct rt_manifest_edit *edit,
    const struct rt_manifest *manifest)
{
	if (edit->claim)
		return false;
	if (edit->has_job)
		return job_is_in(edit, manifest);
	if (edit->runs_count != 0)
		return is_known(manifest, edit->runs[0].id);
	if (edit->has_flushed && (manifest->flushed_seq < edit->flushed_seq ||
		manifest->wal_floor < edit->wal_floor))
		return false;
	if (edit->has_clean_wal &&
	    (manifest->clean_wal != edit->clean_wal ||
		manifest->clean_wal_bytes != edit->clean_wal_bytes))
		return false;
	if (edit->has_request &&
	    manifest->compact_asked != edit->compact_asked)
		return false;
	return manifest->next_daemon_file >= edit->next_daemon_file &&
	    manifest->compact_done >= edit->compact_done &&
	    manifest->expiry_clock_ms >= edit->expiry_clock_ms &&
	    lists_are_in(edit, manifest);
}
