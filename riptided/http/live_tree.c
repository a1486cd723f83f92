/* A browser draws some hundred rectangles well, and a manifest may have a
 * hundred thousand tables: neighbours of a run are told together when there are
 * too many, and so are the oldest runs of a level. */
#include "riptided/http/live_tree.h"

#include <inttypes.h>
#include <string.h>

#include "libcommon/table/key.h"
#include "riptided/http/json.h"

#define CELLS_MAX 96
/* Of a level with more, the newest and the oldest ones: those come, these go. */
#define RUNS_MAX 40
#define KEY_BYTES_SHOWN 32

void
rtd_live_tree_fini(struct rtd_live_tree *tree)
{
	rt_manifest_unref(tree->manifest);
	rt_buf_fini(&tree->text);
	*tree = (struct rtd_live_tree){ 0 };
}

/* -- places -- */

typedef void bound_fn(struct rtd_live_tree *tree, struct rt_slice bound);

static void
each_bound(struct rtd_live_tree *tree, bound_fn *tell)
{
	const struct rt_manifest *manifest = tree->manifest;

	for (size_t i = 0; i < manifest->runs_count; i++)
		for (size_t j = 0; j < manifest->runs[i].tables_count; j++) {
			tell(tree, manifest->runs[i].tables[j].smallest);
			tell(tree, manifest->runs[i].tables[j].largest);
		}
}

static void
shorten_skip(struct rtd_live_tree *tree, struct rt_slice bound)
{
	struct rt_slice like = tree->manifest->runs[0].tables[0].smallest;
	size_t same = 0;

	while (same < tree->scale.skip && same < bound.len &&
	    bound.data[same] == like.data[same])
		same++;
	tree->scale.skip = same;
}

static bool
is_hex(uint8_t byte)
{
	return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'f');
}

static void
widen_digits(struct rtd_live_tree *tree, struct rt_slice bound)
{
	struct rtd_key_scale *scale = &tree->scale;

	for (size_t i = 0; i < RTD_SCALE_DIGITS &&
	    scale->skip + i < bound.len; i++) {
		uint8_t byte = bound.data[scale->skip + i];

		if (i == scale->count) {
			scale->digits[i].low = scale->digits[i].high = byte;
			scale->digits[i].is_hex = true;
			scale->count++;
		}
		if (byte < scale->digits[i].low)
			scale->digits[i].low = byte;
		if (byte > scale->digits[i].high)
			scale->digits[i].high = byte;
		scale->digits[i].is_hex &= is_hex(byte);
	}
}

/* Between 9 and a there is nothing. */
static double
digit(bool hex, uint8_t byte)
{
	if (!hex)
		return byte;
	return byte <= '9' ? byte - '0' : byte - 'a' + 10;
}

/* From 0 to 1. A byte beyond those of the bounds ends it, at its end. */
static double
number(const struct rtd_key_scale *scale, struct rt_slice key)
{
	double sum = 0, unit = 1;

	for (size_t i = 0; i < scale->count && scale->skip + i < key.len;
	    i++) {
		bool hex = scale->digits[i].is_hex;
		double low = digit(hex, scale->digits[i].low);
		double high = digit(hex, scale->digits[i].high);
		uint8_t byte = key.data[scale->skip + i];

		if (byte < scale->digits[i].low)
			return sum;
		if (byte > scale->digits[i].high)
			return sum + unit;
		unit /= high - low + 1;
		if (hex && !is_hex(byte))
			return sum + (digit(hex, '9') + 1 - low) * unit;
		sum += (digit(hex, byte) - low) * unit;
	}
	return sum;
}

static void
widen_range(struct rtd_live_tree *tree, struct rt_slice bound)
{
	double at = number(&tree->scale, bound);

	if (at < tree->scale.first)
		tree->scale.first = at;
	if (at > tree->scale.last)
		tree->scale.last = at;
}

static void
make_scale(struct rtd_live_tree *tree)
{
	tree->scale = (struct rtd_key_scale){ .first = 1, .last = 0 };
	if (tree->manifest->runs_count == 0)
		return;
	tree->scale.skip = tree->manifest->runs[0].tables[0].smallest.len;
	each_bound(tree, shorten_skip);
	each_bound(tree, widen_digits);
	each_bound(tree, widen_range);
}

double
rtd_live_tree_place(const struct rtd_live_tree *tree, struct rt_slice key)
{
	const struct rtd_key_scale *scale = &tree->scale;
	struct rt_slice like;
	double place;
	int order;

	if (tree->manifest == NULL || scale->last <= scale->first)
		return 0;
	like = tree->manifest->runs[0].tables[0].smallest;
	like.len = scale->skip;
	order = rt_slice_compare(rt_slice(key.data,
	    key.len < scale->skip ? key.len : scale->skip), like);
	if (order != 0)
		return order < 0 ? 0 : 1;
	place = (number(scale, key) - scale->first) /
	    (scale->last - scale->first);
	return place < 0 ? 0 : place > 1 ? 1 : place;
}

/* -- the text -- */

void
rtd_live_tree_key(struct rt_buf *out, struct rt_slice key)
{
	size_t len;

	if (key.len < RT_KEY_PREFIX_BYTES) {
		rtd_json_text(out, key);
		return;
	}
	len = key.len - RT_KEY_PREFIX_BYTES;
	rtd_json_text(out, rt_slice(key.data + RT_KEY_PREFIX_BYTES,
	    len < KEY_BYTES_SHOWN ? len : KEY_BYTES_SHOWN));
}

/* One table, or some neighbours. */
static void
put_cell(struct rtd_live_tree *tree, const struct rt_manifest_table *tables,
    size_t count, bool show_keys)
{
	const struct rt_manifest_table *last = &tables[count - 1];
	uint64_t size = 0, entries = 0, tombstones = 0;
	char name[RT_PATH_NAME_BYTES];
	struct rt_buf *out = &tree->text;

	for (size_t i = 0; i < count; i++) {
		size += tables[i].size;
		entries += tables[i].entries;
		tombstones += tables[i].tombstones;
	}
	rt_path_table(name, tables[0].id);
	rt_buf_printf(out, "[\"%.*s\",%zu,%" PRIu64 ",%" PRIu64 ",%" PRIu64
	    ",%.5f,%.5f", (int)strcspn(name, "."), name, count, size, entries,
	    tombstones, rtd_live_tree_place(tree, tables[0].smallest),
	    rtd_live_tree_place(tree, last->largest));
	if (show_keys) {
		rt_buf_append_byte(out, ',');
		rtd_live_tree_key(out, tables[0].smallest);
		rt_buf_append_byte(out, ',');
		rtd_live_tree_key(out, last->largest);
	}
	rt_buf_append_byte(out, ']');
}

static void
put_run(struct rtd_live_tree *tree, const struct rt_manifest_run *run,
    bool show_keys)
{
	size_t step = (run->tables_count + CELLS_MAX - 1) / CELLS_MAX;

	rt_buf_append_byte(&tree->text, '[');
	for (size_t i = 0; i < run->tables_count; i += step) {
		size_t left = run->tables_count - i;

		if (i != 0)
			rt_buf_append_byte(&tree->text, ',');
		put_cell(tree, &run->tables[i], left < step ? left : step,
		    show_keys);
	}
	rt_buf_append_byte(&tree->text, ']');
}

static void
put_level(struct rtd_live_tree *tree, uint32_t level, bool show_keys)
{
	const struct rt_manifest *manifest = tree->manifest;
	size_t runs = rt_manifest_level_runs(manifest, level), at = 0;
	size_t more = runs > RUNS_MAX ? runs - RUNS_MAX : 0;
	struct rt_buf *out = &tree->text;

	rt_buf_printf(out, "{\"level\":%" PRIu32 ",\"bytes\":%" PRIu64
	    ",\"tables\":%zu,\"runs\":[", level,
	    rt_manifest_level_bytes(manifest, level),
	    rt_manifest_level_tables(manifest, level));
	for (size_t i = 0; i < manifest->runs_count; i++) {
		if (manifest->runs[i].level != level)
			continue;
		if (at >= RUNS_MAX / 2 && at < RUNS_MAX / 2 + more) {
			/* In place of all of them. */
			if (at++ == RUNS_MAX / 2)
				rt_buf_printf(out, ",[]");
			continue;
		}
		if (at++ != 0)
			rt_buf_append_byte(out, ',');
		put_run(tree, &manifest->runs[i], show_keys);
	}
	rt_buf_printf(out, "],\"more\":%zu}", more);
}

static uint32_t
levels_of(const struct rt_manifest *manifest)
{
	uint32_t levels = 1;

	for (size_t i = 0; i < manifest->runs_count; i++)
		if (manifest->runs[i].level >= levels)
			levels = manifest->runs[i].level + 1;
	return levels;
}

bool
rtd_live_tree_draw(struct rtd_live_tree *tree,
    const struct rt_manifest *manifest, bool show_keys)
{
	uint32_t levels = levels_of(manifest);

	if (tree->manifest == manifest)
		return false;
	rt_manifest_unref(tree->manifest);
	tree->manifest = rt_manifest_ref(manifest);
	make_scale(tree);
	rt_buf_clear(&tree->text);
	rt_buf_printf(&tree->text, "{\"generation\":%" PRIu64 ",\"levels\":[",
	    manifest->generation);
	for (uint32_t i = 0; i < levels; i++) {
		if (i != 0)
			rt_buf_append_byte(&tree->text, ',');
		put_level(tree, i, show_keys);
	}
	rt_buf_printf(&tree->text, "]}");
	return true;
}
