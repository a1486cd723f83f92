#include "bench/bench_options.h"

#include <string.h>

#include "libcommon/base/number.h"

#define KEYS_MAX UINT64_C(1000000000)
#define READS_DEFAULT_MAX 1000000

enum kind { NUMBER, BYTES, TEXT, FLAG };

/* An option writes one member, whose type follows from its kind and size. */
struct known {
	const char *name;
	enum kind kind;
	size_t offset, size;
	uint64_t min, max;
};

#define MEMBER(member)                                                        \
	offsetof(struct rtb_options, member),                                 \
	    sizeof(((struct rtb_options *)NULL)->member)

static const struct known known[] = {
	{ "--keys", NUMBER, MEMBER(keys), 1, KEYS_MAX },
	{ "--value-size", NUMBER, MEMBER(value_bytes), 1, 1 << 20 },
	{ "--reads", NUMBER, MEMBER(reads), 1, KEYS_MAX },
	{ "--runs", NUMBER, MEMBER(runs), 1, RTB_RUNS_MAX },
	{ "--turn", NUMBER, MEMBER(turn), 1, 1 << 16 },
	{ "--peer-batch", NUMBER, MEMBER(peer_batch), 1, 1 << 16 },
	{ "--cache-size", BYTES, MEMBER(cache_bytes), 0, UINT64_MAX },
	{ "--memory-limit", BYTES, MEMBER(memory_limit), 0, UINT64_MAX },
	{ "--tests", TEXT, MEMBER(tests), 0, 0 },
	{ "--peers", TEXT, MEMBER(peers), 0, 0 },
	{ "--compression", TEXT, MEMBER(compression), 0, 0 },
	{ "--compactor", TEXT, MEMBER(compactor), 0, 0 },
	{ "--json", TEXT, MEMBER(json), 0, 0 },
	{ "--dir", TEXT, MEMBER(dir), 0, 0 },
	{ "--cpu-time", FLAG, MEMBER(cpu_time), 0, 0 },
	{ "--help", FLAG, MEMBER(help), 0, 0 },
	{ "--version", FLAG, MEMBER(version), 0, 0 },
};

bool
rtb_list_has(const char *list, const char *word)
{
	size_t len = strlen(word);

	while (*list != '\0') {
		size_t part = strcspn(list, ",");

		if (part == len && memcmp(list, word, len) == 0)
			return true;
		list += part + (list[part] == ',');
	}
	return false;
}

static enum rt_code
set_number(struct rtb_options *options, const struct known *option,
    const char *text, struct rt_err *err)
{
	uint8_t *at = (uint8_t *)options + option->offset;
	struct rt_slice slice = rt_slice_cstr(text);
	uint64_t value;
	bool good = option->kind == BYTES ? rt_parse_bytes(slice, &value) :
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

static const struct known *
find(const char *name)
{
	for (size_t i = 0; i < RT_COUNTOF(known); i++)
		if (strcmp(known[i].name, name) == 0)
			return &known[i];
	return NULL;
}

static enum rt_code
check(const struct rtb_options *options, struct rt_err *err)
{
	if (!rtb_list_has("none,snappy,lz4,zstd", options->compression))
		return rt_err_set(err, RT_EUSAGE,
		    "--compression: %s is not none, snappy, lz4 or zstd",
		    options->compression);
	return RT_OK;
}

enum rt_code
rtb_options_read(struct rtb_options *options, int argc, char *const argv[],
    struct rt_err *err)
{
	*options = (struct rtb_options){
		.keys = 1000000,
		.value_bytes = 100,
		.runs = 3,
		.turn = 64,
		.peer_batch = 1,
		.cache_bytes = UINT64_C(512) << 20,
		.memory_limit = UINT64_C(256) << 20,
		.tests = "compared",
		.compression = "none",
	};
	for (int i = 1; i < argc; i++) {
		const struct known *option = find(argv[i]);
		uint8_t *at = (uint8_t *)options;
		enum rt_code code = RT_OK;

		if (option == NULL)
			return rt_err_set(err, RT_EUSAGE, "%s: not expected",
			    argv[i]);
		at += option->offset;
		if (option->kind == FLAG) {
			*(bool *)at = true;
			continue;
		}
		if (++i == argc)
			return rt_err_set(err, RT_EUSAGE,
			    "%s: a value is missing", option->name);
		if (option->kind == TEXT)
			*(const char **)(void *)at = argv[i];
		else
			code = set_number(options, option, argv[i], err);
		if (code != RT_OK)
			return code;
	}
	if (options->reads == 0)
		options->reads = options->keys < READS_DEFAULT_MAX ?
		    options->keys : READS_DEFAULT_MAX;
	return check(options, err);
}
