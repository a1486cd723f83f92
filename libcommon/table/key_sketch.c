/* Stored form: none of its bytes for the empty sketch, else a base byte.
 *
 * Sparse, base 255: for each register that is not 0, in order, the varint
 * gap << 6 | rank, where gap is how many registers were passed over.
 *
 * Dense, base below 64: 8192 bytes, the even register of each pair in the lower
 * half, of min(rank - base, 15); then, for each register with 15 there, in
 * order, a byte rank - base - 15. Ranks of many keys lie close together, so
 * that hardly any needs the byte. The writer takes the shorter form. */
#include "libcommon/table/key_sketch.h"

#include <math.h>

#include "libcommon/base/coding.h"

#define SPARSE 255
#define RANK_BITS 6
#define NIBBLE_MAX 15
#define DENSE_BYTES (RT_KEY_SKETCH_REGISTERS / 2)
#define RANKS (RT_KEY_SKETCH_RANK_MAX + 1)

void
rt_key_sketch_merge(struct rt_key_sketch *into,
    const struct rt_key_sketch *from)
{
	uint8_t *restrict to = into->registers;
	const uint8_t *restrict other = from->registers;

	for (size_t i = 0; i < RT_KEY_SKETCH_REGISTERS; i++)
		to[i] = to[i] > other[i] ? to[i] : other[i];
}

/* -- the estimate -- */

/* How often each rank occurs; neighbours are counted apart, so that one does
 * not wait for the other's sum. */
static void
tally(const struct rt_key_sketch *sketch, unsigned counts[RANKS])
{
	unsigned parts[4][RANKS] = { { 0 } };

	for (size_t i = 0; i < RT_KEY_SKETCH_REGISTERS; i += 4)
		for (size_t part = 0; part < 4; part++)
			parts[part][sketch->registers[i + part]]++;
	for (size_t rank = 0; rank < RANKS; rank++)
		counts[rank] = parts[0][rank] + parts[1][rank] +
		    parts[2][rank] + parts[3][rank];
}

/* x + the sum over k >= 1 of x^(2^k) 2^(k - 1), for x below 1. */
static double
sigma(double x)
{
	double sum = x, weight = 1, before;

	do {
		x *= x;
		before = sum;
		sum += x * weight;
		weight += weight;
	} while (sum > before);
	return sum;
}

/* A third of 1 - x - the sum over k >= 1 of (1 - x^(2^-k))^2 2^-k. */
static double
tau(double x)
{
	double sum = 1 - x, weight = 1, before;

	if (x <= 0 || x >= 1)
		return 0;
	do {
		x = sqrt(x);
		before = sum;
		weight *= 0.5;
		sum -= (1 - x) * (1 - x) * weight;
	} while (sum < before);
	return sum / 3;
}

double
rt_key_sketch_estimate(const struct rt_key_sketch *sketch)
{
	const double registers = RT_KEY_SKETCH_REGISTERS;
	const double half_over_ln2 = 0.72134752044448170368;
	unsigned counts[RANKS];
	double sum;

	tally(sketch, counts);
	if (counts[0] == RT_KEY_SKETCH_REGISTERS)
		return 0;
	sum = registers *
	    tau(1 - counts[RT_KEY_SKETCH_RANK_MAX] / registers);
	for (size_t rank = RT_KEY_SKETCH_RANK_MAX - 1; rank >= 1; rank--)
		sum = 0.5 * (sum + counts[rank]);
	sum += registers * sigma(counts[0] / registers);
	return half_over_ln2 * registers * registers / sum;
}

/* -- the stored form -- */

static size_t
sparse_bytes(const struct rt_key_sketch *sketch)
{
	size_t bytes = 1, gap = 0;

	for (size_t i = 0; i < RT_KEY_SKETCH_REGISTERS; i++) {
		if (sketch->registers[i] == 0) {
			gap++;
			continue;
		}
		bytes += rt_varint_bytes(gap << RANK_BITS);
		gap = 0;
	}
	return bytes;
}

static void
put_sparse(const struct rt_key_sketch *sketch, struct rt_buf *out)
{
	size_t gap = 0;

	rt_buf_append_byte(out, SPARSE);
	for (size_t i = 0; i < RT_KEY_SKETCH_REGISTERS; i++) {
		uint8_t rank = sketch->registers[i];

		if (rank == 0) {
			gap++;
			continue;
		}
		rt_buf_put_varint(out, gap << RANK_BITS | rank);
		gap = 0;
	}
}

static uint8_t
lowest_rank(const struct rt_key_sketch *sketch)
{
	uint8_t lowest = RT_KEY_SKETCH_RANK_MAX;

	for (size_t i = 0; i < RT_KEY_SKETCH_REGISTERS; i++)
		if (sketch->registers[i] < lowest)
			lowest = sketch->registers[i];
	return lowest;
}

static void
put_dense(const struct rt_key_sketch *sketch, struct rt_buf *out)
{
	const uint8_t *registers = sketch->registers;
	uint8_t base = lowest_rank(sketch);

	rt_buf_append_byte(out, base);
	for (size_t i = 0; i < RT_KEY_SKETCH_REGISTERS; i += 2) {
		unsigned even = registers[i] - base;
		unsigned odd = registers[i + 1] - base;

		even = even < NIBBLE_MAX ? even : NIBBLE_MAX;
		odd = odd < NIBBLE_MAX ? odd : NIBBLE_MAX;
		rt_buf_append_byte(out, (uint8_t)(even | odd << 4));
	}
	for (size_t i = 0; i < RT_KEY_SKETCH_REGISTERS; i++)
		if (registers[i] - base >= NIBBLE_MAX)
			rt_buf_append_byte(out,
			    (uint8_t)(registers[i] - base - NIBBLE_MAX));
}

void
rt_key_sketch_encode(const struct rt_key_sketch *sketch, struct rt_buf *out)
{
	size_t bytes = sparse_bytes(sketch);

	if (bytes == 1)
		return;
	if (bytes <= DENSE_BYTES)
		put_sparse(sketch, out);
	else
		put_dense(sketch, out);
}

static void
raise(uint8_t *at, unsigned rank)
{
	if (rank > *at)
		*at = (uint8_t)rank;
}

static bool
merge_sparse(struct rt_key_sketch *into, struct rt_cursor *cursor)
{
	size_t at = 0;

	while (cursor->at < cursor->end) {
		uint64_t word = rt_cursor_varint(cursor);
		uint64_t gap = word >> RANK_BITS;
		unsigned rank = word & ((1u << RANK_BITS) - 1);

		if (cursor->bad || rank == 0 || rank > RT_KEY_SKETCH_RANK_MAX ||
		    gap >= RT_KEY_SKETCH_REGISTERS - at)
			return false;
		raise(&into->registers[at + gap], rank);
		at += gap + 1;
		if (at == RT_KEY_SKETCH_REGISTERS)
			break;
	}
	return rt_cursor_done(cursor);
}

static bool
merge_dense(struct rt_key_sketch *into, unsigned base,
    struct rt_cursor *cursor)
{
	struct rt_slice nibbles = rt_cursor_take(cursor, DENSE_BYTES);

	if (cursor->bad)
		return false;
	for (size_t i = 0; i < RT_KEY_SKETCH_REGISTERS; i++) {
		unsigned above = nibbles.data[i / 2] >> (i % 2 * 4) & 15;

		if (RT_UNLIKELY(above == NIBBLE_MAX))
			above += rt_cursor_byte(cursor);
		if (base + above > RT_KEY_SKETCH_RANK_MAX)
			return false;
		raise(&into->registers[i], base + above);
	}
	return rt_cursor_done(cursor);
}

bool
rt_key_sketch_merge_encoded(struct rt_key_sketch *into, struct rt_slice stored)
{
	struct rt_cursor cursor = rt_cursor(stored);
	unsigned base;

	if (stored.len == 0)
		return true;
	base = rt_cursor_byte(&cursor);
	if (base == SPARSE)
		return merge_sparse(into, &cursor);
	return merge_dense(into, base, &cursor);
}
