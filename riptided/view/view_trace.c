#include "riptided/view/view_trace.h"

#include "libcommon/base/hash.h"

/* A look-up under way. */
struct walk {
	struct rt_slice key;
	uint64_t hash, read_seq, drop_seq;
	struct rtd_trace *out;
	bool is_over;
};

static void
put(struct walk *walk, struct rtd_step step)
{
	struct rtd_trace *out = walk->out;

	if (step.kind != RTD_STEP_ABSENT && step.kind != RTD_STEP_FILTERED)
		walk->is_over = true;
	if (out->count < RTD_STEPS_MAX)
		out->steps[out->count++] = step;
	else
		out->is_cut = true;
}

/* What was dropped is not there, but nothing older is looked for. */
static enum rtd_step_kind
kind_of(const struct walk *walk, uint64_t seq, enum rt_entry_type type)
{
	return type == RT_ENTRY_TOMBSTONE || seq <= walk->drop_seq
	    ? RTD_STEP_TOMBSTONE : RTD_STEP_VALUE;
}

static void
look_into_memtable(struct walk *walk, const struct rtd_memtable *memtable,
    uint32_t number)
{
	const struct rtd_version *version = rtd_memtable_get(memtable,
	    walk->key, walk->hash, walk->read_seq);
	struct rtd_step step = { .is_memtable = true, .number = number };
	struct rt_entry entry;

	if (version != NULL) {
		entry = rtd_version_entry(version);
		step.kind = kind_of(walk, entry.seq, entry.type);
	}
	put(walk, step);
}

static enum rtd_step_kind
failed(enum rt_code code)
{
	return code == RT_EAGAIN ? RTD_STEP_DISK : RTD_STEP_BROKEN;
}

static enum rtd_step_kind
look_into_block(struct walk *walk, struct rt_table_place *at, bool *cached)
{
	struct rt_table_found found = { 0 };
	enum rtd_step_kind kind;
	enum rt_code code;

	*cached = rt_table_reader_pin(at);
	code = rt_table_reader_get_at(at, walk->key, walk->hash,
	    walk->read_seq, RT_TABLE_NOWAIT, &found, NULL);
	if (code == RT_ENOTFOUND)
		return RTD_STEP_ABSENT;
	if (code != RT_OK)
		return failed(code);
	kind = kind_of(walk, found.seq, found.type);
	rt_table_found_fini(&found);
	return kind;
}

static enum rtd_step_kind
look_into_table(struct walk *walk, struct rtd_table *table, bool *cached)
{
	struct rt_table_reader *reader = rtd_table_peek(table);
	struct rt_table_place at = { 0 };
	enum rt_code code = RT_OK;

	if (reader == NULL)
		code = rtd_table_open(table, RT_TABLE_NOWAIT, &reader, NULL);
	if (code == RT_OK)
		code = rt_table_reader_locate(reader, walk->key, walk->hash,
		    walk->read_seq, RT_TABLE_NOWAIT, &at, NULL);
	if (code == RT_ENOTFOUND)
		return RTD_STEP_FILTERED;
	if (code != RT_OK)
		return failed(code);
	return look_into_block(walk, &at, cached);
}

static void
look_into_run(struct walk *walk, const struct rtd_view_run *run)
{
	size_t at = rtd_key_range_find(run->ranges, run->run, walk->key,
	    rtd_key_head(walk->key));
	struct rtd_step step = { .number = run->run->level };

	if (at == run->run->tables_count ||
	    run->ranges[at].max_seq <= walk->drop_seq) {
		walk->out->passed_by++;
		return;
	}
	step.table = run->run->tables[at].id;
	step.kind = look_into_table(walk, run->tables[at], &step.cached);
	put(walk, step);
}

void
rtd_view_trace(const struct rtd_view *view, struct rt_slice key,
    uint64_t read_seq, uint64_t drop_seq, struct rtd_trace *out)
{
	struct walk walk = { .key = key, .hash = rt_hash64(key),
		.read_seq = read_seq, .drop_seq = drop_seq, .out = out };

	*out = (struct rtd_trace){ .count = 0 };
	for (size_t i = 0; i < view->memtables_count && !walk.is_over; i++)
		look_into_memtable(&walk, view->memtables[i], (uint32_t)i);
	for (size_t i = 0; i < view->runs_count && !walk.is_over; i++)
		look_into_run(&walk, &view->runs[i]);
}
