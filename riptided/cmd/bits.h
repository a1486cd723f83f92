/* bits: strings as rows of bits. Bit 0 is the highest of the first byte, as in
 * Redis. Pure. Thread: any. */
#ifndef RIPTIDED_CMD_BITS_H
#define RIPTIDED_CMD_BITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libcommon/base/slice.h"

static inline bool
rtd_bits_get(struct rt_slice bytes, uint64_t bit)
{
	return bit / 8 < bytes.len &&
	    (bytes.data[bit / 8] >> (7 - bit % 8) & 1) != 0;
}

/* The bit lies within the bytes. */
static inline void
rtd_bits_set(uint8_t *bytes, uint64_t bit, bool value)
{
	uint8_t mask = (uint8_t)(0x80 >> bit % 8);

	if (value)
		bytes[bit / 8] |= mask;
	else
		bytes[bit / 8] &= (uint8_t)~mask;
}

/* How many are set among the bits first to last, which lie within. */
uint64_t rtd_bits_count(struct rt_slice bytes, uint64_t first, uint64_t last);

/* The first bit of this value among the bits first to last, which lie within;
 * -1: there is none. */
int64_t rtd_bits_find(struct rt_slice bytes, bool value, uint64_t first,
    uint64_t last);

enum rtd_bits_op { RTD_BITS_AND, RTD_BITS_OR, RTD_BITS_XOR, RTD_BITS_NOT };

/* Combine strings; short ones go on with zeros. out has the length of the
 * longest and is all zeros. NOT has one. */
void rtd_bits_combine(enum rtd_bits_op op, const struct rt_slice *inputs,
    size_t count, uint8_t *out, size_t out_len);

/* A number of width 1 to 64 that begins at a bit; bits behind the bytes are
 * zeros. */
uint64_t rtd_bits_read(struct rt_slice bytes, uint64_t bit, unsigned width);
/* The lowest width bits of a number, all within the bytes. */
void rtd_bits_write(uint8_t *bytes, uint64_t bit, unsigned width,
    uint64_t number);

#endif
