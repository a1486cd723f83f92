#include "bench/option_reader.h"

#include <string.h>

#include "libcommon/base/number.h"

static enum rt_code
set_number(void *target, const struct rtb_option *option, const char *text,
    struct rt_err *err)
{
	uint8_t *at = (uint8_t *)target + option->offset;
	struct rt_slice slice = rt_slice_cstr(text);
	uint64_t value;
	bool good = option->kind == RTB_BYTES ? rt_parse_bytes(slice, &value) :
						rt_parse_u64(slice, &value);

	if (!good || value < option->min || value > option->max)
		return rt_err_set(err, RT_EUSAGE,
		    "%s: %s is not a number from %llu to %llu", option->name,
		    text, (unsigned long long)option->min,
		    (unsigned long long)option->max);
	if (option->size == sizeof(unsigned))
		*(unsigned *)(void *)at = (unsigned)value;
	else
		*(uint64_t *)(void *)at = value;
	return RT_OK;
}

static enum rt_code
add_text(void *target, const struct rtb_option *option, const char *text,
    struct rt_err *err)
{
	const char **at = (void *)((uint8_t *)target + option->offset);
	size_t count = option->size / sizeof(at[0]) - 1;

	for (size_t i = 0; i < count; i++)
		if (at[i] == NULL) {
			at[i] = text;
			return RT_OK;
		}
	return rt_err_set(err, RT_EUSAGE, "%s: not more than %zu of them",
	    option->name, count);
}

static const struct rtb_option *
find(const struct rtb_option *known, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(known[i].name, name) == 0)
			return &known[i];
	return NULL;
}

enum rt_code
rtb_options_parse(void *target, const struct rtb_option *known, size_t count,
    int argc, char *const argv[], struct rt_err *err)
{
	for (int i = 1; i < argc; i++) {
		const struct rtb_option *option =
		    find(known, count, argv[i]);
		uint8_t *at = target;
		enum rt_code code = RT_OK;

		if (option == NULL)
			return rt_err_set(err, RT_EUSAGE, "%s: not expected",
			    argv[i]);
		at += option->offset;
		if (option->kind == RTB_FLAG) {
			*(bool *)at = true;
			continue;
		}
		if (++i == argc)
			return rt_err_set(err, RT_EUSAGE,
			    "%s: a value is missing", option->name);
		if (option->kind == RTB_TEXT)
			*(const char **)(void *)at = argv[i];
		else if (option->kind == RTB_TEXTS)
			code = add_text(target, option, argv[i], err);
		else
			code = set_number(target, option, argv[i], err);
		if (code != RT_OK)
			return code;
	}
	return RT_OK;
}
