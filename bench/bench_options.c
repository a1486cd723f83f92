#include "bench/bench_options.h"

#include <string.h>

#include "bench/option_reader.h"

#define KEYS_MAX UINT64_C(1000000000)
#define READS_DEFAULT_MAX 1000000

#define MEMBER(member) RTB_MEMBER(struct rtb_options, member)

static const struct rtb_option known[] = {
	{ "--keys", RTB_NUMBER, MEMBER(keys), 1, KEYS_MAX },
	{ "--value-size", RTB_NUMBER, MEMBER(value_bytes), 1, 1 << 20 },
	{ "--reads", RTB_NUMBER, MEMBER(reads), 1, KEYS_MAX },
	{ "--runs", RTB_NUMBER, MEMBER(runs), 1, RTB_RUNS_MAX },
	{ "--turn", RTB_NUMBER, MEMBER(turn), 1, 1 << 16 },
	{ "--peer-batch", RTB_NUMBER, MEMBER(peer_batch), 1, 1 << 16 },
	{ "--compaction-threads", RTB_NUMBER, MEMBER(compaction_threads), 1, 64 },
	{ "--cache-size", RTB_BYTES, MEMBER(cache_bytes), 0, UINT64_MAX },
	{ "--memory-limit", RTB_BYTES, MEMBER(memory_limit), 0, UINT64_MAX },
	{ "--tests", RTB_TEXT, MEMBER(tests), 0, 0 },
	{ "--peers", RTB_TEXT, MEMBER(peers), 0, 0 },
	{ "--compression", RTB_TEXT, MEMBER(compression), 0, 0 },
	{ "--compactor", RTB_TEXT, MEMBER(compactor), 0, 0 },
	{ "--json", RTB_TEXT, MEMBER(json), 0, 0 },
	{ "--dir", RTB_TEXT, MEMBER(dir), 0, 0 },
	{ "--cpu-time", RTB_FLAG, MEMBER(cpu_time), 0, 0 },
	{ "--help", RTB_FLAG, MEMBER(help), 0, 0 },
	{ "--version", RTB_FLAG, MEMBER(version), 0, 0 },
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
	enum rt_code code;

	*options = (struct rtb_options){
		.keys = 1000000,
		.value_bytes = 100,
		.runs = 3,
		.turn = 64,
		.peer_batch = 1,
		.compaction_threads = 1,
		.cache_bytes = UINT64_C(512) << 20,
		.memory_limit = UINT64_C(256) << 20,
		.tests = "compared",
		.compression = "none",
	};
	code = rtb_options_parse(options, known, RT_COUNTOF(known), argc, argv,
	    err);
	if (code != RT_OK)
		return code;
	if (options->reads == 0)
		options->reads = options->keys < READS_DEFAULT_MAX ?
		    options->keys : READS_DEFAULT_MAX;
	return check(options, err);
}
