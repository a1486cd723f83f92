#include "riptided/cmd/bits.h"

#include <stdlib.h>

#include "tests/support/runner.h"

#define BYTES_MAX 100

static uint64_t
draw_below(unsigned bound)
{
	return (uint64_t)rand() * bound / ((uint64_t)RAND_MAX + 1);
}

/* Mostly runs of equal bits, so that whole words are skipped, too. */
static unsigned
draw(uint8_t *bytes)
{
	unsigned len = (unsigned)rand() % BYTES_MAX + 1;

	for (unsigned i = 0; i < len; i++)
		bytes[i] = (uint8_t)(rand() % 8 == 0 ? rand() :
		    i > 0 ? -(bytes[i - 1] & 1) : 0);
	return len;
}

static bool
bit_at(const uint8_t *bytes, uint64_t bit)
{
	return (bytes[bit / 8] & 0x80 >> bit % 8) != 0;
}

START_TEST(counts_and_finds_are_those_of_one_bit_after_another)
{
	uint8_t bytes[BYTES_MAX] = { 0 };

	srand(7);
	for (int round = 0; round < 20000; round++) {
		unsigned len = draw(bytes), bits = len * 8;
		uint64_t first = draw_below(bits), last = draw_below(bits);
		uint64_t count = 0;
		int64_t found[2] = { -1, -1 };

		if (last < first) {
			uint64_t other = first;

			first = last;
			last = other;
		}
		for (uint64_t bit = last + 1; bit-- > first;) {
			count += bit_at(bytes, bit);
			found[bit_at(bytes, bit)] = (int64_t)bit;
		}
		ck_assert_uint_eq(rtd_bits_count(rt_slice(bytes, len), first,
		    last), count);
		for (int value = 0; value < 2; value++)
			ck_assert_int_eq(rtd_bits_find(rt_slice(bytes, len),
			    value == 1, first, last), found[value]);
	}
}
END_TEST

START_TEST(short_strings_go_on_with_zeros_when_combined)
{
	const struct rt_slice inputs[] = { rt_slice("\xf0\xff\x0f", 3),
		rt_slice("\x3c", 1) };
	static const struct {
		enum rtd_bits_op op;
		size_t count;
		const char *wanted;
	} rows[] = {
		{ RTD_BITS_AND, 2, "\x30\x00\x00" },
		{ RTD_BITS_OR, 2, "\xfc\xff\x0f" },
		{ RTD_BITS_XOR, 2, "\xcc\xff\x0f" },
		{ RTD_BITS_NOT, 1, "\x0f\x00\xf0" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t out[3] = { 0 };

		rtd_bits_combine(rows[i].op, inputs, rows[i].count, out, 3);
		ck_assert_mem_eq(out, rows[i].wanted, 3);
	}
}
END_TEST

START_TEST(numbers_are_read_as_written_and_touch_nothing_else)
{
	uint8_t bytes[20], before[20];

	srand(9);
	for (int round = 0; round < 20000; round++) {
		unsigned width = 1 + (unsigned)rand() % 64;
		uint64_t bit = (uint64_t)rand() % (160 - width + 1);
		uint64_t number = ((uint64_t)rand() << 42 ^
		    (uint64_t)rand() << 21 ^ (uint64_t)rand()) &
		    UINT64_MAX >> (64 - width);

		for (size_t i = 0; i < sizeof(bytes); i++)
			before[i] = bytes[i] = (uint8_t)rand();
		rtd_bits_write(bytes, bit, width, number);
		ck_assert_uint_eq(rtd_bits_read(rt_slice(bytes, 20), bit,
		    width), number);
		for (uint64_t i = 0; i < 160; i++)
			ck_assert(bit_at(bytes, i) == bit_at(before, i) ||
			    (i >= bit && i < bit + width));
	}
	/* Behind the end there are zeros. */
	ck_assert_uint_eq(rtd_bits_read(rt_slice("\xff", 1), 4, 8), 0xf0);
	ck_assert_uint_eq(rtd_bits_read(rt_slice(NULL, 0), 1000, 64), 0);
}
END_TEST

RTT_MAIN("bits", counts_and_finds_are_those_of_one_bit_after_another,
    short_strings_go_on_with_zeros_when_combined,
    numbers_are_read_as_written_and_touch_nothing_else)
