/* Filter: [lines * 64 bytes][probes, 1][zero, 3][lines, 4]. The bits of a hash
 * are those that rt_bloom_may_contain() asks for; bit b of a line is bit b % 8
 * of its byte b / 8. */
#include "libcommon/table/bloom.h"

#include <stdlib.h>

#include "libcommon/base/coding.h"
#include "libcommon/base/invariant.h"

#define TAIL_BYTES 8
#define PROBES_MAX 32
#define LINE_BITS (RT_BLOOM_LINE_BYTES * 8)

void
rt_bloom_builder_fini(struct rt_bloom_builder *builder)
{
	free(builder->hashes);
	*builder = (struct rt_bloom_builder){ 0 };
}

void
rt_bloom_builder_grow(struct rt_bloom_builder *builder)
{
	builder->cap = builder->cap == 0 ? 1024 : builder->cap * 2;
	builder->hashes =
	    rt_realloc(builder->hashes, builder->cap * sizeof(uint64_t));
}

static uint64_t
lines_for(size_t keys, unsigned bits_per_key)
{
	uint64_t lines = ((uint64_t)keys * bits_per_key + LINE_BITS - 1) /
	    LINE_BITS;

	return lines == 0 ? 1 : lines;
}

size_t
rt_bloom_bytes(size_t keys, unsigned bits_per_key)
{
	return (size_t)lines_for(keys, bits_per_key) * RT_BLOOM_LINE_BYTES +
	    TAIL_BYTES;
}

/* A little under bits * ln 2: in small lines the crowded ones dominate, and
 * those want fewer bits. */
static unsigned
probes_for(unsigned bits_per_key)
{
	unsigned probes = (bits_per_key * 6 + 5) / 10;

	return probes == 0 ? 1 : probes;
}

static void
set_bits(uint8_t *line, uint64_t hash, unsigned probes)
{
	uint64_t word = hash, left = 0;

	for (unsigned i = 0; i < probes; i++, left >>= 9) {
		if (i % 7 == 0)
			left = (word = rt_bloom_mix(word)) >> 1;
		line[(left & 511) >> 3] |= (uint8_t)(1u << (left & 7));
	}
}

void
rt_bloom_build(const struct rt_bloom_builder *builder, unsigned bits_per_key,
    struct rt_buf *out)
{
	uint64_t lines = lines_for(builder->count, bits_per_key);
	size_t bytes = (size_t)lines * RT_BLOOM_LINE_BYTES;
	unsigned probes = probes_for(bits_per_key);
	uint8_t *at;

	rt_assert(lines <= UINT32_MAX);
	rt_buf_reserve(out, bytes + TAIL_BYTES);
	at = out->data + out->len;
	memset(at, 0, bytes + TAIL_BYTES);
	for (size_t i = 0; i < builder->count; i++) {
		uint64_t hash = builder->hashes[i];

		set_bits(at +
			rt_bloom_line(hash, (uint32_t)lines) *
			    RT_BLOOM_LINE_BYTES,
		    hash, probes);
	}
	at[bytes] = (uint8_t)probes;
	rt_put_fixed32(at + bytes + 4, (uint32_t)lines);
	out->len += bytes + TAIL_BYTES;
}

bool
rt_bloom_init(struct rt_bloom *bloom, struct rt_slice bytes)
{
	const uint8_t *tail;

	if (bytes.len < RT_BLOOM_LINE_BYTES + TAIL_BYTES)
		return false;
	tail = bytes.data + bytes.len - TAIL_BYTES;
	bloom->lines = bytes.data;
	bloom->probes = tail[0];
	bloom->lines_count = rt_get_fixed32(tail + 4);
	return bloom->probes >= 1 && bloom->probes <= PROBES_MAX &&
	    bloom->lines_count != 0 &&
	    (uint64_t)bloom->lines_count * RT_BLOOM_LINE_BYTES + TAIL_BYTES ==
	    bytes.len;
}
