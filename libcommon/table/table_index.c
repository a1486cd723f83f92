/* Section: count, then per block, all varints:
 *	shared, unshared * 2 + has_seq, separator from `shared` on,
 *	sequence (when has_seq), stored bytes of the block
 * shared is the longest common prefix with the separator before. Blocks lie
 * one behind the other from offset 0, each with its trailer. A separator
 * without a sequence is behind all versions of its key; one with it stands
 * between two versions of a key whose versions fill more than a block.
 *
 * A search looks among 8-byte prefixes of what the separators do not all have
 * in common: a few steps of interpolation, for keys spread evenly, then
 * halving; whole keys are compared only where prefixes are equal. */
#include "libcommon/table/table_index.h"

#include <stdlib.h>

#include "libcommon/base/coding.h"
#include "libcommon/base/invariant.h"
#include "libcommon/table/table_format.h"

#define INTERPOLATION_STEPS 3
#define INTERPOLATION_MIN 32
#define FENCE 8
#define ENTRY_BYTES_MIN 3

void
rt_table_index_builder_fini(struct rt_table_index_builder *builder)
{
	rt_buf_fini(&builder->entries);
	rt_buf_fini(&builder->last);
	*builder = (struct rt_table_index_builder){ .count = 0 };
}

/* Bytes of b or a that make a short key s with a <= s < b, given a < b: those
 * of b up to where it differs when b goes on behind, or a with that byte one
 * higher when there is room, else all of a. */
static void
put_separator(struct rt_buf *out, struct rt_slice a, struct rt_slice b)
{
	size_t same = rt_slice_shared_prefix(a, b);

	rt_buf_clear(out);
	if (same == a.len) {
		rt_buf_append_slice(out, a);
	} else if (b.len > same + 1) {
		rt_buf_append(out, b.data, same + 1);
	} else if (b.data[same] - a.data[same] > 1) {
		rt_buf_append(out, a.data, same + 1);
		/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference) */
		out->data[same]++;
	} else {
		rt_buf_append_slice(out, a);
	}
}

void
rt_table_index_builder_add(struct rt_table_index_builder *builder,
    uint64_t stored, struct rt_slice last, uint64_t last_seq,
    struct rt_slice next, uint64_t next_seq)
{
	bool has_seq = next_seq != 0 && rt_slice_equal(last, next);
	struct rt_buf separator = { 0 };
	size_t shared;

	if (next_seq == 0 || has_seq)
		rt_buf_append_slice(&separator, last);
	else
		put_separator(&separator, last, next);
	shared = rt_slice_shared_prefix(rt_buf_slice(&builder->last),
	    rt_buf_slice(&separator));
	rt_buf_put_varint(&builder->entries, shared);
	rt_buf_put_varint(&builder->entries,
	    (separator.len - shared) << 1 | has_seq);
	rt_buf_append(&builder->entries, separator.data + shared,
	    separator.len - shared);
	if (has_seq)
		rt_buf_put_varint(&builder->entries, last_seq);
	rt_buf_put_varint(&builder->entries, stored);
	builder->count++;
	builder->key_bytes += separator.len;
	rt_buf_fini(&builder->last);
	builder->last = separator;
}

enum rt_code
rt_table_index_builder_finish(const struct rt_table_index_builder *builder,
    struct rt_buf *out, struct rt_err *err)
{
	if (builder->key_bytes > RT_TABLE_INDEX_BYTES_MAX ||
	    builder->entries.len + RT_VARINT_BYTES_MAX >
		RT_TABLE_INDEX_BYTES_MAX)
		return rt_err_set(err, RT_ELIMIT,
		    "index of %llu blocks: too large",
		    (unsigned long long)builder->count);
	rt_buf_put_varint(out, builder->count);
	rt_buf_append_slice(out, rt_buf_slice(&builder->entries));
	return RT_OK;
}

struct index_entry {
	size_t shared;
	bool has_seq;
	struct rt_slice suffix;
	uint64_t seq;
	uint64_t stored;
};

static void
read_entry(struct rt_cursor *cursor, struct index_entry *entry)
{
	uint64_t shared = rt_cursor_varint(cursor);
	uint64_t unshared = rt_cursor_varint(cursor);

	entry->has_seq = unshared & 1;
	unshared >>= 1;
	if (shared > RT_STORE_KEY_BYTES_MAX ||
	    unshared > RT_STORE_KEY_BYTES_MAX - shared)
		cursor->bad = true;
	entry->shared = (size_t)shared;
	entry->suffix = rt_cursor_take(cursor, unshared);
	entry->seq = entry->has_seq ? rt_cursor_varint(cursor) : 0;
	entry->stored = rt_cursor_varint(cursor);
	if (entry->stored == 0 || entry->stored > RT_BLOCK_BYTES_MAX ||
	    entry->seq > RT_SEQ_MAX || (entry->has_seq && entry->seq == 0))
		cursor->bad = true;
}

/* First pass: lengths, so that the second one allocates once and exactly. */
static bool
measure(struct rt_table_index *index, struct rt_cursor cursor,
    uint64_t *key_bytes, bool *has_seqs)
{
	size_t last_len = 0;

	*key_bytes = 0;
	*has_seqs = false;
	for (size_t i = 0; i < index->count; i++) {
		struct index_entry entry;

		read_entry(&cursor, &entry);
		if (cursor.bad || entry.shared > last_len)
			return false;
		last_len = entry.shared + entry.suffix.len;
		if (i == 0)
			index->common_len = last_len;
		else if (entry.shared < index->common_len)
			index->common_len = entry.shared;
		*key_bytes += last_len;
		*has_seqs |= entry.has_seq;
	}
	*key_bytes -= (uint64_t)index->count * index->common_len;
	return rt_cursor_done(&cursor) &&
	    *key_bytes <= RT_TABLE_INDEX_BYTES_MAX;
}

static uint64_t
prefix_of(struct rt_slice key)
{
	uint8_t bytes[8] = { 0 };
	uint64_t prefix;

	if (RT_LIKELY(key.len >= 8)) {
		memcpy(&prefix, key.data, 8);
		return be64toh(prefix);
	}
	if (key.len != 0)
		memcpy(bytes, key.data, key.len);
	memcpy(&prefix, bytes, 8);
	return be64toh(prefix);
}

static struct rt_slice
key_at(const struct rt_table_index *index, size_t i)
{
	return rt_slice(index->keys + index->key_offsets[i],
	    index->key_offsets[i + 1] - index->key_offsets[i]);
}

static uint64_t
seq_at(const struct rt_table_index *index, size_t i)
{
	return index->seqs != NULL ? index->seqs[i] : 0;
}

/* Put separator i behind those before it; false when that is out of order or
 * its prefix with the one before is not the longest. */
static bool
put_key(struct rt_table_index *index, size_t i, const struct index_entry *entry)
{
	uint8_t *key = index->keys + index->key_offsets[i];
	size_t skip = i == 0 ? index->common_len : 0;
	size_t shared = i == 0 ? 0 : entry->shared - index->common_len;
	struct rt_slice last;

	if (i == 0 && skip != 0)
		memcpy(index->common, entry->suffix.data, skip);
	if (shared != 0)
		memcpy(key, index->keys + index->key_offsets[i - 1], shared);
	if (entry->suffix.len != skip)
		memcpy(key + shared, entry->suffix.data + skip,
		    entry->suffix.len - skip);
	index->key_offsets[i + 1] = index->key_offsets[i] +
	    (uint32_t)(shared + entry->suffix.len - skip);
	index->prefixes[i] = prefix_of(key_at(index, i));
	if (index->seqs != NULL)
		index->seqs[i] = entry->seq;
	if (i == 0)
		return true;
	last = key_at(index, i - 1);
	return rt_key_compare(last, seq_at(index, i - 1), key_at(index, i),
		   entry->seq) < 0 &&
	    rt_slice_shared_prefix(last, key_at(index, i)) == shared;
}

enum rt_code
rt_table_index_load(struct rt_table_index *index, struct rt_slice section,
    uint64_t data_bytes, struct rt_err *err)
{
	struct rt_cursor cursor = rt_cursor(section);
	uint64_t count = rt_cursor_varint(&cursor), key_bytes, at = 0;
	bool has_seqs;

	*index = (struct rt_table_index){ .count = (size_t)count };
	if (cursor.bad || count == 0 ||
	    count > rt_cursor_left(&cursor) / ENTRY_BYTES_MIN ||
	    !measure(index, cursor, &key_bytes, &has_seqs))
		goto damaged;
	index->prefixes = rt_alloc(index->count * sizeof(uint64_t));
	index->offsets = rt_alloc((index->count + 1) * sizeof(uint64_t));
	index->key_offsets =
	    rt_alloc_zero(index->count + 1, sizeof(uint32_t));
	index->keys = rt_alloc((size_t)key_bytes + 1);
	index->common = rt_alloc(index->common_len + 1);
	if (has_seqs)
		index->seqs = rt_alloc(index->count * sizeof(uint64_t));
	for (size_t i = 0; i < index->count; i++) {
		struct index_entry entry;

		read_entry(&cursor, &entry);
		index->offsets[i] = at;
		at += entry.stored + RT_BLOCK_TRAILER_BYTES;
		if (!put_key(index, i, &entry))
			goto damaged;
	}
	index->offsets[index->count] = at;
	if (at == data_bytes)
		return RT_OK;
damaged:
	rt_table_index_fini(index);
	return rt_err_set(err, RT_EDAMAGED, "index: malformed");
}

void
rt_table_index_fini(struct rt_table_index *index)
{
	free(index->prefixes);
	free(index->offsets);
	free(index->seqs);
	free(index->key_offsets);
	free(index->keys);
	free(index->common);
	*index = (struct rt_table_index){ .count = 0 };
}

/* The first prefix that is not below `prefix`, from [low, high). */
static size_t
lower_bound(const uint64_t *prefixes, size_t low, size_t high, uint64_t prefix)
{
	for (unsigned step = 0; step < INTERPOLATION_STEPS &&
	     high - low > INTERPOLATION_MIN;
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

static int
compare_stripped(const struct rt_table_index *index, size_t i,
    struct rt_slice rest, uint64_t seq)
{
	return rt_key_compare(key_at(index, i), seq_at(index, i), rest, seq);
}

size_t
rt_table_index_find(const struct rt_table_index *index, struct rt_slice key,
    uint64_t seq)
{
	size_t common = index->common_len, low, high;
	struct rt_slice rest;
	uint64_t prefix;

	if (RT_UNLIKELY(key.len < common ||
		(common != 0 && memcmp(key.data, index->common, common) != 0)))
		return rt_slice_compare(key,
			   rt_slice(index->common, common)) < 0
		    ? 0
		    : index->count;
	if (key.len == 0)
		key.data = index->common;
	rest = rt_slice(key.data + common, key.len - common);
	prefix = prefix_of(rest);
	low = lower_bound(index->prefixes, 0, index->count, prefix);
	high = upper_bound(index->prefixes, low, index->count, prefix);
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare_stripped(index, middle, rest, seq) < 0)
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
	size_t common = index->common_len;
	size_t same = rt_slice_shared_prefix(key,
	    rt_slice(index->common, common));

	if (same < common)
		return same == key.len || index->common[same] > key.data[same]
		    ? 1
		    : -1;
	return compare_stripped(index, i,
	    rt_slice(key.data + common, key.len - common), seq);
}

size_t
rt_table_index_block_size(const struct rt_table_index *index, size_t i)
{
	return (size_t)(index->offsets[i + 1] - index->offsets[i]) -
	    RT_BLOCK_TRAILER_BYTES;
}

size_t
rt_table_index_memory(const struct rt_table_index *index)
{
	return index->count * (sizeof(uint64_t) * 2 + sizeof(uint32_t)) +
	    (index->seqs != NULL ? index->count * sizeof(uint64_t) : 0) +
	    index->key_offsets[index->count] + index->common_len;
}
