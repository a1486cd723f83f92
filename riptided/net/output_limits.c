#include "riptided/net/output_limits.h"

#include "libcommon/base/number.h"

/* The next word of *text, which moves behind it; empty at the end. */
static struct rt_slice
next_word(const char **text)
{
	const char *begin = *text + strspn(*text, " \t");
	size_t len = strcspn(begin, " \t");

	*text = begin + len;
	return rt_slice(begin, len);
}

enum { OTHER = RTD_OUTPUT_CLASSES, UNKNOWN };

static int
class_of(struct rt_slice name)
{
	static const struct {
		const char *name;
		int class;
	} classes[] = {
		{ "normal", RTD_OUTPUT_NORMAL },
		{ "pubsub", RTD_OUTPUT_PUBSUB },
		{ "replica", OTHER },
		{ "slave", OTHER },
	};

	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++)
		if (rt_slice_equal_nocase(name, classes[i].name))
			return classes[i].class;
	return UNKNOWN;
}

bool
rtd_output_limits_parse(const char *text,
    struct rtd_output_limits limits[RTD_OUTPUT_CLASSES])
{
	struct rtd_output_limits found[UNKNOWN] = { 0 };
	bool given[UNKNOWN] = { false };

	for (;;) {
		struct rt_slice name = next_word(&text);
		uint64_t hard, soft, seconds;
		int class;

		if (name.len == 0)
			break;
		class = class_of(name);
		if (class == UNKNOWN ||
		    !rt_parse_bytes(next_word(&text), &hard) ||
		    !rt_parse_bytes(next_word(&text), &soft) ||
		    !rt_parse_u64(next_word(&text), &seconds) ||
		    seconds > UINT32_MAX)
			return false;
		found[class] = (struct rtd_output_limits){ hard, soft,
			(uint32_t)seconds };
		given[class] = true;
	}
	if (!given[RTD_OUTPUT_NORMAL])
		return false;
	if (!given[RTD_OUTPUT_PUBSUB])
		found[RTD_OUTPUT_PUBSUB] = found[RTD_OUTPUT_NORMAL];
	memcpy(limits, found, RTD_OUTPUT_CLASSES * sizeof(found[0]));
	return true;
}
