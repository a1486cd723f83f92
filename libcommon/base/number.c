#include "libcommon/base/number.h"

bool
rt_parse_u64(struct rt_slice text, uint64_t *out)
{
	uint64_t value = 0;

	if (text.len == 0 || text.len > 20)
		return false;
	if (text.data[0] == '0' && text.len > 1)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		uint8_t digit = (uint8_t)(text.data[i] - '0');

		if (digit > 9 ||
		    __builtin_mul_overflow(value, (uint64_t)10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)digit, &value))
			return false;
	}
	*out = value;
	return true;
}

bool
rt_parse_i64(struct rt_slice text, int64_t *out)
{
	bool negative = text.len > 0 && text.data[0] == '-';
	uint64_t value;

	if (negative) {
		text.data++;
		text.len--;
	}
	if (!rt_parse_u64(text, &value))
		return false;
	if (negative) {
		if (value == 0 || value > (uint64_t)INT64_MAX + 1)
			return false;
		*out = (int64_t)(0 - value);
		return true;
	}
	if (value > INT64_MAX)
		return false;
	*out = (int64_t)value;
	return true;
}

bool
rt_parse_bytes(struct rt_slice text, uint64_t *out)
{
	static const struct {
		const char *name;
		uint64_t bytes;
	} units[] = {
		{ "b", 1 }, { "k", 1000 }, { "kb", 1024 },
		{ "m", 1000 * 1000 }, { "mb", 1024 * 1024 },
		{ "g", 1000 * 1000 * 1000 }, { "gb", 1024 * 1024 * 1024 },
		{ "", 1 },
	};
	size_t digits = 0;
	uint64_t value, bytes;

	while (digits < text.len && text.data[digits] >= '0' &&
	    text.data[digits] <= '9')
		digits++;
	if (!rt_parse_u64(rt_slice(text.data, digits), &value))
		return false;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (!rt_slice_equal_nocase(rt_slice(text.data + digits,
			text.len - digits), units[i].name))
			continue;
		if (__builtin_mul_overflow(value, units[i].bytes, &bytes))
			return false;
		*out = bytes;
		return true;
	}
	return false;
}

size_t
rt_format_i64(char *out, int64_t value)
{
	uint64_t left = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
	char digits[RT_I64_DIGITS_MAX];
	size_t count = 0, at = 0;

	do {
		digits[count++] = (char)('0' + left % 10);
		left /= 10;
	} while (left != 0);
	if (value < 0)
		out[at++] = '-';
	while (count > 0)
		out[at++] = digits[--count];
	return at;
}
