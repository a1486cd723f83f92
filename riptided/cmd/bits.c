/* Words of eight bytes where they are whole, bytes and bits at the edges. */
#include "riptided/cmd/bits.h"

#include <string.h>

static uint64_t
load(const uint8_t *bytes)
{
	uint64_t word;

	memcpy(&word, bytes, sizeof(word));
	return word;
}

/* In parallel: pairs, fours, bytes, and the sum of the bytes. What the compiler
 * has for it is a call without the instruction for it. */
static uint64_t
count_word(uint64_t word)
{
	word -= word >> 1 & UINT64_C(0x5555555555555555);
	word = (word & UINT64_C(0x3333333333333333)) +
	    (word >> 2 & UINT64_C(0x3333333333333333));
	word = (word + (word >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
	return word * UINT64_C(0x0101010101010101) >> 56;
}

static uint64_t
count_bytes(const uint8_t *bytes, size_t len)
{
	uint64_t count = 0;
	size_t i = 0;

	for (; i + 8 <= len; i += 8)
		count += count_word(load(bytes + i));
	for (; i < len; i++)
		count += count_word(bytes[i]);
	return count;
}

uint64_t
rtd_bits_count(struct rt_slice bytes, uint64_t first, uint64_t last)
{
	size_t begin = first / 8, end = last / 8;
	uint64_t count = count_bytes(bytes.data + begin, end - begin + 1);
	/* Less what lies before the first bit and behind the last one. */
	uint8_t before = (uint8_t)(bytes.data[begin] & ~(0xff >> first % 8));
	uint8_t behind = (uint8_t)(bytes.data[end] & (0x7f >> last % 8));

	return count - count_word(before) - count_word(behind);
}

int64_t
rtd_bits_find(struct rt_slice bytes, bool value, uint64_t first, uint64_t last)
{
	const uint64_t none = value ? 0 : UINT64_MAX;
	uint64_t bit = first;

	while (bit <= last) {
		if (bit % 8 != 0 || last - bit < 8) {
			if (rtd_bits_get(bytes, bit) == value)
				return (int64_t)bit;
			bit++;
		} else if (last - bit >= 64 &&
		    load(bytes.data + bit / 8) == none) {
			bit += 64;
		} else if (bytes.data[bit / 8] == (uint8_t)none) {
			bit += 8;
		} else {
			last = bit + 7;
		}
	}
	return -1;
}

static void
combine_one(enum rtd_bits_op op, uint8_t *out, struct rt_slice input)
{
	switch (op) {
	case RTD_BITS_AND:
		for (size_t i = 0; i < input.len; i++)
			out[i] &= input.data[i];
		break;
	case RTD_BITS_OR:
		for (size_t i = 0; i < input.len; i++)
			out[i] |= input.data[i];
		break;
	case RTD_BITS_XOR:
		for (size_t i = 0; i < input.len; i++)
			out[i] ^= input.data[i];
		break;
	case RTD_BITS_NOT:
		for (size_t i = 0; i < input.len; i++)
			out[i] = (uint8_t)~input.data[i];
		break;
	}
}

void
rtd_bits_combine(enum rtd_bits_op op, const struct rt_slice *inputs,
    size_t count, uint8_t *out, size_t out_len)
{
	if (out_len == 0)
		return;
	/* out begins as all zeros, which NOT overwrites: its input is as long
	 * as it. */
	combine_one(op == RTD_BITS_NOT ? op : RTD_BITS_OR, out, inputs[0]);
	for (size_t i = 1; i < count; i++) {
		combine_one(op, out, inputs[i]);
		if (op == RTD_BITS_AND && inputs[i].len < out_len)
			memset(out + inputs[i].len, 0, out_len - inputs[i].len);
	}
}

uint64_t
rtd_bits_read(struct rt_slice bytes, uint64_t bit, unsigned width)
{
	uint64_t number = 0;

	for (unsigned i = 0; i < width; i++)
		number = number << 1 | rtd_bits_get(bytes, bit + i);
	return number;
}

void
rtd_bits_write(uint8_t *bytes, uint64_t bit, unsigned width, uint64_t number)
{
	for (unsigned i = 0; i < width; i++)
		rtd_bits_set(bytes, bit + i, (number >> (width - 1 - i) & 1) != 0);
}
