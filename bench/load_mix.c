#include "bench/load_mix.h"

#include <stdlib.h>
#include <string.h>

#include "libcommon/base/invariant.h"
#include "libcommon/base/number.h"

#define WEIGHT_MAX 1000000

static const char *const names[RTB_OPS] = { "get", "set", "insert", "change",
	"scan", "incr", "del", "ping" };

static const struct {
	const char *letter, *mix;
	enum rtb_distribution distribution;
} ycsb[] = {
	{ "a", "get=50,set=50", RTB_ZIPFIAN },
	{ "b", "get=95,set=5", RTB_ZIPFIAN },
	{ "c", "get", RTB_ZIPFIAN },
	{ "d", "get=95,insert=5", RTB_LATEST },
	{ "e", "scan=95,insert=5", RTB_ZIPFIAN },
	{ "f", "get=50,change=50", RTB_ZIPFIAN },
};

const char *
rtb_op_name(enum rtb_op op)
{
	return names[op];
}

/* "get" or "get=95"; the word is cut at the equals sign. */
static bool
parse_part(struct rtb_load_mix *mix, char *part)
{
	char *equals = strchr(part, '=');
	uint64_t weight = 1;

	if (equals != NULL) {
		*equals = '\0';
		if (!rt_parse_u64(rt_slice_cstr(equals + 1), &weight) ||
		    weight > WEIGHT_MAX)
			return false;
	}
	for (size_t op = 0; op < RTB_OPS; op++)
		if (strcmp(part, names[op]) == 0) {
			mix->weights[op] += (unsigned)weight;
			mix->total += (unsigned)weight;
			return true;
		}
	return false;
}

enum rt_code
rtb_load_mix_parse(struct rtb_load_mix *mix, const char *text,
    enum rtb_distribution *distribution, struct rt_err *err)
{
	const char *written = text;
	char *parts, *rest, *part;
	bool good = true;

	for (size_t i = 0; i < RT_COUNTOF(ycsb); i++)
		if (strcmp(text, ycsb[i].letter) == 0) {
			written = ycsb[i].mix;
			*distribution = ycsb[i].distribution;
		}
	*mix = (struct rtb_load_mix){ 0 };
	parts = rest = rt_strdup(written);
	while (good && (part = strsep(&rest, ",")) != NULL)
		good = parse_part(mix, part);
	free(parts);
	if (!good || mix->total == 0)
		return rt_err_set(err, RT_EUSAGE, "--mix: %s is neither a "
		    "letter from a to f nor a list like get=95,set=5", text);
	return RT_OK;
}

enum rtb_op
rtb_load_mix_draw(const struct rtb_load_mix *mix, struct rtb_random *random)
{
	uint64_t drawn = rtb_random_below(random, mix->total);
	unsigned op = 0;

	while (drawn >= mix->weights[op])
		drawn -= mix->weights[op++];
	return (enum rtb_op)op;
}
