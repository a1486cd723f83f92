/* The format is told in table_index_builder.c.
 *
 * A search looks among 8-byte prefixes of what the separators do not all have
 * in common: a few steps of interpolation, for keys spread evenly, then
 * halving, so that no distribution costs more than those steps above a binary
 * search. What follows a prefix is compared only where prefixes are equal.
 *
 * Behind its prefix, a separator is kept as one byte, which tells how much of
 * the prefix is its own (8, or less for a key that ends there), and the bytes
 * beyond the prefix. */
#include "libcommon/table/table_index.h"

#include <errno.h>
#include <stdlib.h>

#include "libcommon/base/coding.h"
#include "libcommon/base/invariant.h"
#include "libcommon/table/table_format.h"
#include "libcommon/table/table_index_entry.h"

#define INTERPOLATION_STEPS 3
#define INTERPOLATION_MIN 32
#define FENCE 8
#define ENTRY_BYTES_MIN 3
#define PREFIX_BYTES 8

static const void *
at(const struct rt_table_index *index, size_t place)
{
	return (const uint8_t *)index + place;
}

static void *
at_for_write(struct rt_table_index *index, size_t place)
{
	return (uint8_t *)index + place;
}

static const uint64_t *
prefixes_of(const struct rt_table_index *index)
{
	return at(index, index->prefixes);
}

static uint64_t
seq_at(const struct rt_table_index *index, size_t i)
{
	const uint64_t *seqs = at(index, index->seqs);

	return index->seqs != 0 ? seqs[i] : 0;
}

/* Where thing i - 1 ends, counted from the first one. */
static uint64_t
begin_at(const struct rt_table_index *index, size_t i)
{
	const uint32_t *narrow = at(index, index->ends);
	const uint64_t *wide = at(index, index->ends);

	if (i == 0)
		return 0;
	return index->wide ? wide[i - 1] : narrow[i - 1];
}

static uint64_t
data_begin_at(const struct rt_table_index *index, size_t i)
{
	const uint64_t *data_ends = at(index, index->data_ends);

	return i == 0 ? 0 : data_ends[i - 1];
}

static struct rt_slice
tail_at(const struct rt_table_index *index, size_t i)
{
	const uint32_t *tail_ends = at(index, index->tail_ends);
	const uint8_t *tails = at(index, index->tails);
	uint32_t from = i == 0 ? 0 : tail_ends[i - 1];

	return rt_slice(tails + from, tail_ends[i] - from);
}

/* What a first pass tells, so that the second one allocates once. */
struct measure {
	size_t common_len;
	uint64_t key_bytes;
	bool has_seqs;
};

static bool
measure_entries(struct rt_cursor cursor, size_t count, bool is_top,
    struct measure *measure)
{
	size_t last_len = 0;

	*measure = (struct measure){ .common_len = 0 };
	for (size_t i = 0; i < count; i++) {
		struct rt_table_index_entry entry;

		rt_table_index_entry_read(&cursor, is_top, &entry);
		if (cursor.bad || entry.shared > last_len)
			return false;
		last_len = entry.shared + entry.suffix.len;
		if (i == 0)
			measure->common_len = last_len;
		else if (entry.shared < measure->common_len)
			measure->common_len = entry.shared;
		measure->key_bytes += last_len;
		measure->has_seqs |= entry.seq != 0;
	}
	measure->key_bytes -= (uint64_t)count * measure->common_len;
	return rt_cursor_done(&cursor) &&
	    measure->key_bytes <= RT_TABLE_INDEX_BYTES_MAX;
}

static size_t
place(size_t *end, size_t bytes)
{
	size_t begin = *end;

	*end += bytes;
	return begin;
}

/* Take memory for so many things, tails as large as they can get. */
static struct rt_table_index *
index_new(size_t count, const struct measure *measure, bool is_top,
    uint64_t from, uint64_t to)
{
	struct rt_table_index index = {
		.count = count,
		.from = from,
		.to = to,
		.blocks = count,
		.common_len = measure->common_len,
		.wide = to - from > UINT32_MAX,
	};
	size_t end = sizeof(index);
	struct rt_table_index *out;

	index.prefixes = place(&end, count * sizeof(uint64_t));
	if (measure->has_seqs)
		index.seqs = place(&end, count * sizeof(uint64_t));
	if (is_top)
		index.data_ends = place(&end, count * sizeof(uint64_t));
	index.ends = place(&end,
	    count * (index.wide ? sizeof(uint64_t) : sizeof(uint32_t)));
	index.tail_ends = place(&end, count * sizeof(uint32_t));
	index.common = place(&end, measure->common_len);
	index.tails = place(&end, (size_t)measure->key_bytes + count);
	index.bytes = end;
	out = rt_try_alloc(end);
	if (out != NULL)
		*out = index;
	return out;
}

static uint64_t
prefix_of(struct rt_slice key)
{
	uint8_t bytes[PREFIX_BYTES] = { 0 };
	uint64_t prefix;

	if (RT_LIKELY(key.len >= PREFIX_BYTES)) {
		memcpy(&prefix, key.data, PREFIX_BYTES);
		return be64toh(prefix);
	}
	if (key.len != 0)
		memcpy(bytes, key.data, key.len);
	memcpy(&prefix, bytes, PREFIX_BYTES);
	return be64toh(prefix);
}

/* How much of a key's prefix is its own. */
static uint8_t
prefix_len(struct rt_slice key)
{
	return key.len < PREFIX_BYTES ? (uint8_t)key.len : PREFIX_BYTES;
}

/* The second pass: the separator before, and what the things take up. */
struct filling {
	struct rt_table_index *index;
	struct rt_buf last; /* without the common bytes */
	uint64_t last_seq;
	uint64_t stored;
	uint64_t data;
	uint32_t tail;
};

/* Whether entry comes behind the separator before it, and shares with that as
 * much as it can. */
static bool
follows(const struct filling *filling, const struct rt_table_index_entry *entry,
    size_t shared)
{
	if (shared == filling->last.len)
		return entry->suffix.len != 0 || entry->seq < filling->last_seq;
	return entry->suffix.len != 0 &&
	    entry->suffix.data[0] > filling->last.data[shared];
}

/* Put in separator i; false when it is out of order. */
static bool
put_key(struct filling *filling, size_t i,
    const struct rt_table_index_entry *entry)
{
	struct rt_table_index *index = filling->index;
	uint64_t *prefixes = at_for_write(index, index->prefixes);
	uint64_t *seqs = at_for_write(index, index->seqs);
	uint32_t *tail_ends = at_for_write(index, index->tail_ends);
	uint8_t *tail = at_for_write(index, index->tails + filling->tail);
	size_t skip = i == 0 ? index->common_len : 0;
	size_t shared = i == 0 ? 0 : entry->shared - index->common_len;
	struct rt_slice key;

	if (i != 0 && !follows(filling, entry, shared))
		return false;
	if (skip != 0)
		memcpy(at_for_write(index, index->common), entry->suffix.data,
		    skip);
	filling->last.len = shared;
	rt_buf_append(&filling->last, entry->suffix.data + skip,
	    entry->suffix.len - skip);
	filling->last_seq = entry->seq;
	key = rt_buf_slice(&filling->last);
	prefixes[i] = prefix_of(key);
	if (index->seqs != 0)
		seqs[i] = entry->seq;
	*tail++ = prefix_len(key);
	filling->tail++;
	if (key.len > PREFIX_BYTES) {
		memcpy(tail, key.data + PREFIX_BYTES, key.len - PREFIX_BYTES);
		filling->tail += (uint32_t)(key.len - PREFIX_BYTES);
	}
	tail_ends[i] = filling->tail;
	return true;
}

/* Put in where thing i ends; false when that is beyond what they all fill. */
static bool
put_end(struct filling *filling, size_t i,
    const struct rt_table_index_entry *entry)
{
	struct rt_table_index *index = filling->index;
	uint32_t *narrow = at_for_write(index, index->ends);
	uint64_t *wide = at_for_write(index, index->ends);
	uint64_t *data_ends = at_for_write(index, index->data_ends);
	uint64_t left = index->to - index->from - filling->stored;

	if (entry->stored + RT_BLOCK_TRAILER_BYTES > left ||
	    entry->data_bytes > UINT64_MAX - filling->data)
		return false;
	filling->stored += entry->stored + RT_BLOCK_TRAILER_BYTES;
	filling->data += entry->data_bytes;
	if (index->wide)
		wide[i] = filling->stored;
	else
		narrow[i] = (uint32_t)filling->stored;
	if (index->data_ends != 0)
		data_ends[i] = filling->data;
	return true;
}

/* Give back what the tails did not need. */
static void
shrink(struct filling *filling)
{
	struct rt_table_index *smaller;

	filling->index->bytes = filling->index->tails + filling->tail;
	smaller = rt_try_realloc(filling->index, filling->index->bytes);
	if (smaller != NULL)
		filling->index = smaller;
}

static enum rt_code
malformed(struct rt_err *err)
{
	return rt_err_set(err, RT_EDAMAGED, "index: malformed");
}

/* Read count and entries. The things of a top lie somewhere from `from` on,
 * those of other sections fill all up to `to`. */
static enum rt_code
load_entries(struct rt_table_index **out, struct rt_cursor cursor, bool is_top,
    uint64_t from, uint64_t to, uint64_t *data_bytes, struct rt_err *err)
{
	uint64_t count = rt_cursor_varint(&cursor);
	struct filling filling = { .index = NULL };
	struct measure measure;
	bool ok = true;

	if (cursor.bad || count == 0 || from > to ||
	    count > rt_cursor_left(&cursor) / ENTRY_BYTES_MIN ||
	    !measure_entries(cursor, (size_t)count, is_top, &measure))
		return malformed(err);
	filling.index = index_new((size_t)count, &measure, is_top, from, to);
	if (filling.index == NULL)
		return rt_err_set_errno(err, ENOMEM, "index");
	for (size_t i = 0; i < count && ok; i++) {
		struct rt_table_index_entry entry;

		rt_table_index_entry_read(&cursor, is_top, &entry);
		ok = put_end(&filling, i, &entry) &&
		    put_key(&filling, i, &entry);
	}
	rt_buf_fini(&filling.last);
	if (!ok || (!is_top && filling.stored != to - from)) {
		free(filling.index);
		return malformed(err);
	}
	shrink(&filling);
	filling.index->to = from + filling.stored;
	*data_bytes = filling.data;
	*out = filling.index;
	return RT_OK;
}

enum rt_code
rt_table_index_load(struct rt_table_index **out, struct rt_slice section,
    uint64_t from, uint64_t to, struct rt_err *err)
{
	uint64_t data_bytes;

	return load_entries(out, rt_cursor(section), false, from, to,
	    &data_bytes, err);
}

enum rt_code
rt_table_index_load_top(struct rt_table_index **out, struct rt_slice section,
    uint64_t data_bytes, uint64_t sections_end, struct rt_err *err)
{
	struct rt_cursor cursor = rt_cursor(section);
	uint64_t blocks = rt_cursor_varint(&cursor);
	uint64_t part_blocks = rt_cursor_varint(&cursor);
	uint64_t from = rt_cursor_varint(&cursor);
	struct rt_table_index *index = NULL;
	uint64_t data_held = 0;
	enum rt_code code;

	if (cursor.bad || blocks == 0 || part_blocks == 0 ||
	    part_blocks > RT_TABLE_INDEX_PART_BLOCKS_MAX || from < data_bytes)
		return malformed(err);
	code = load_entries(&index, cursor, true, from, sections_end,
	    &data_held, err);
	if (code != RT_OK)
		return code;
	rt_assert(index != NULL);
	if (data_held != data_bytes ||
	    index->count != (blocks - 1) / part_blocks + 1) {
		free(index);
		return malformed(err);
	}
	index->blocks = blocks;
	index->part_blocks = part_blocks;
	*out = index;
	return RT_OK;
}

/* <0, 0, >0: separator i of a against separator j of b. */
static int
compare_between(const struct rt_table_index *a, size_t i,
    const struct rt_table_index *b, size_t j)
{
	struct rt_buf key = { 0 };
	struct rt_slice tail = tail_at(b, j);
	uint8_t prefix[PREFIX_BYTES];
	uint64_t bits = htobe64(prefixes_of(b)[j]);
	int order;

	memcpy(prefix, &bits, sizeof(prefix));
	rt_buf_append(&key, at(b, b->common), b->common_len);
	rt_buf_append(&key, prefix, tail.data[0]);
	rt_buf_append(&key, tail.data + 1, tail.len - 1);
	order = rt_table_index_compare(a, i, rt_buf_slice(&key), seq_at(b, j));
	rt_buf_fini(&key);
	return order;
}

enum rt_code
rt_table_index_load_part(struct rt_table_index **out, struct rt_slice section,
    const struct rt_table_index *top, size_t i, struct rt_err *err)
{
	uint64_t before = top->part_blocks * i;
	uint64_t count = top->blocks - before < top->part_blocks
	    ? top->blocks - before
	    : top->part_blocks;
	struct rt_table_index *index = NULL;
	enum rt_code code;

	code = rt_table_index_load(&index, section, data_begin_at(top, i),
	    data_begin_at(top, i + 1), err);
	if (code != RT_OK)
		return code;
	rt_assert(index != NULL);
	if (index->count != count ||
	    (i != 0 && compare_between(top, i - 1, index, 0) >= 0) ||
	    compare_between(top, i, index, index->count - 1) != 0) {
		free(index);
		return rt_err_set(err, RT_EDAMAGED,
		    "index: a partition contradicts the top");
	}
	*out = index;
	return RT_OK;
}

/* The first prefix that is not below `prefix`, from [low, high). */
static size_t
lower_bound(const uint64_t *prefixes, size_t low, size_t high, uint64_t prefix)
{
	for (unsigned step = 0;
	     step < INTERPOLATION_STEPS && high - low > INTERPOLATION_MIN;
	     step++) {
		uint64_t first = prefixes[low], last = prefixes[high - 1];
		size_t guess;

		if (prefix <= first)
			return low;
		if (prefix > last)
			return high;
		guess = low +
		    (size_t)((double)(prefix - first) / (double)(last - first) *
			(double)(high - low - 1));
		/* Keys spread evenly lie close to the guess: fence them in. */
		if (guess >= low + FENCE && prefixes[guess - FENCE] >= prefix)
			high = guess - FENCE;
		else if (high - guess > FENCE &&
		    prefixes[guess + FENCE] < prefix)
			low = guess + FENCE + 1;
		else {
			high = high - guess > FENCE ? guess + FENCE : high;
			low = guess >= low + FENCE ? guess - FENCE + 1 : low;
		}
	}
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (prefixes[middle] < prefix)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The first prefix above `prefix`, from [low, high). Equal ones are few as a
 * rule, so the steps begin small. */
static size_t
upper_bound(const uint64_t *prefixes, size_t low, size_t high, uint64_t prefix)
{
	size_t step = 1;

	while (low + step <= high && prefixes[low + step - 1] <= prefix) {
		low += step;
		step *= 2;
	}
	if (low + step - 1 < high)
		high = low + step - 1;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (prefixes[middle] <= prefix)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Separator i against a key with the same prefix, both without the common
 * bytes. One that ends within the prefix begins the other, which goes on with
 * zeros. */
static int
compare_tail(const struct rt_table_index *index, size_t i, struct rt_slice rest,
    uint64_t seq)
{
	struct rt_slice tail = tail_at(index, i);
	uint8_t len = prefix_len(rest);

	if (tail.data[0] != len)
		return tail.data[0] < len ? -1 : 1;
	return rt_key_compare(rt_slice(tail.data + 1, tail.len - 1),
	    seq_at(index, i), rt_slice(rest.data + len, rest.len - len), seq);
}

size_t
rt_table_index_find(const struct rt_table_index *index, struct rt_slice key,
    uint64_t seq)
{
	const uint64_t *prefixes = prefixes_of(index);
	const uint8_t *common = at(index, index->common);
	size_t common_len = index->common_len, low, high;
	struct rt_slice rest;
	uint64_t prefix;

	if (RT_UNLIKELY(key.len < common_len ||
		(common_len != 0 && memcmp(key.data, common, common_len) != 0)))
		return rt_slice_compare(key, rt_slice(common, common_len)) < 0
		    ? 0
		    : index->count;
	if (key.len == 0)
		key.data = common;
	rest = rt_slice(key.data + common_len, key.len - common_len);
	prefix = prefix_of(rest);
	low = lower_bound(prefixes, 0, index->count, prefix);
	high = upper_bound(prefixes, low, index->count, prefix);
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare_tail(index, middle, rest, seq) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

int
rt_table_index_compare(const struct rt_table_index *index, size_t i,
    struct rt_slice key, uint64_t seq)
{
	const uint8_t *common = at(index, index->common);
	size_t common_len = index->common_len;
	size_t same = rt_slice_shared_prefix(key, rt_slice(common, common_len));
	struct rt_slice rest;
	uint64_t prefix;

	if (same < common_len) {
		if (same == key.len)
			return 1;
		/* The analyzer takes a key of some length for none. */
		/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference) */
		return common[same] > key.data[same] ? 1 : -1;
	}
	if (key.len == 0)
		key.data = common;
	rest = rt_slice(key.data + common_len, key.len - common_len);
	prefix = prefix_of(rest);
	if (prefixes_of(index)[i] != prefix)
		return prefixes_of(index)[i] < prefix ? -1 : 1;
	return compare_tail(index, i, rest, seq);
}

uint64_t
rt_table_index_offset(const struct rt_table_index *index, size_t i)
{
	return index->from + begin_at(index, i);
}

size_t
rt_table_index_size(const struct rt_table_index *index, size_t i)
{
	return (size_t)(begin_at(index, i + 1) - begin_at(index, i)) -
	    RT_BLOCK_TRAILER_BYTES;
}
