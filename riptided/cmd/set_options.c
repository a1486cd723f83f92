#include "riptided/cmd/set_options.h"

#include "libcommon/base/attr.h"

/* excludes: what must not stand beside it. As in Redis, the same word may be
 * repeated and the last value counts. */
static const struct word {
	const char *name;
	unsigned flag;
	unsigned excludes;
} words[] = {
	{ "NX", RTD_SET_NX, RTD_SET_XX },
	{ "XX", RTD_SET_XX, RTD_SET_NX },
	{ "GET", RTD_SET_GET, 0 },
	{ "KEEPTTL", RTD_SET_KEEPTTL, RTD_SET_TIMES | RTD_SET_PERSIST },
	{ "PERSIST", RTD_SET_PERSIST, RTD_SET_TIMES | RTD_SET_KEEPTTL },
	{ "EX", RTD_SET_EX, RTD_SET_KEEPTTL | RTD_SET_PERSIST },
	{ "PX", RTD_SET_PX, RTD_SET_KEEPTTL | RTD_SET_PERSIST },
	{ "EXAT", RTD_SET_EXAT, RTD_SET_KEEPTTL | RTD_SET_PERSIST },
	{ "PXAT", RTD_SET_PXAT, RTD_SET_KEEPTTL | RTD_SET_PERSIST },
};

static const struct word *
find(struct rt_slice text, unsigned allowed)
{
	for (size_t i = 0; i < RT_COUNTOF(words); i++)
		if ((words[i].flag & allowed) != 0 &&
		    rt_slice_equal_nocase(text, words[i].name))
			return &words[i];
	return NULL;
}

bool
rtd_set_options_parse(struct rtd_set_options *options,
    const struct rt_slice *argv, size_t argc, unsigned allowed)
{
	const struct word *word;
	unsigned excluded;

	*options = (struct rtd_set_options){ 0 };
	for (size_t i = 0; i < argc; i++) {
		word = find(argv[i], allowed);
		if (word == NULL)
			return false;
		excluded = word->excludes;
		if ((word->flag & RTD_SET_TIMES) != 0)
			excluded |= RTD_SET_TIMES & ~word->flag;
		if ((options->flags & excluded) != 0)
			return false;
		options->flags |= word->flag;
		if ((word->flag & RTD_SET_TIMES) == 0)
			continue;
		if (++i == argc)
			return false;
		options->time = argv[i];
	}
	return true;
}
