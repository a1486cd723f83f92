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

static bool
is_class(struct rt_slice name)
{
	static const char *const classes[] = { "normal", "replica", "slave",
		"pubsub" };

	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++)
		if (rt_slice_equal_nocase(name, classes[i]))
			return true;
	return false;
}

bool
rtd_output_limits_parse(const char *text, struct rtd_output_limits *limits)
{
	struct rtd_output_limits found = { 0 };
	bool has_normal = false;

	for (;;) {
		struct rt_slice name = next_word(&text);
		uint64_t hard, soft, seconds;

		if (name.len == 0)
			break;
		if (!is_class(name) ||
		    !rt_parse_bytes(next_word(&text), &hard) ||
		    !rt_parse_bytes(next_word(&text), &soft) ||
		    !rt_parse_u64(next_word(&text), &seconds) ||
		    seconds > UINT32_MAX)
			return false;
		if (!rt_slice_equal_nocase(name, "normal"))
			continue;
		found = (struct rtd_output_limits){ hard, soft,
			(uint32_t)seconds };
		has_normal = true;
	}
	if (has_normal)
		*limits = found;
	return has_normal;
}
