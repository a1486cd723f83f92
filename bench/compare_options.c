#include "bench/compare_options.h"

#include <string.h>

#include "bench/bench_options.h"
#include "bench/option_reader.h"
#include "bench/rival.h"

#define MEMBER(member) RTB_MEMBER(struct rtb_compare_options, member)

static const struct rtb_option known[] = {
	{ "--peer", RTB_TEXTS, MEMBER(peers), 0, 0 },
	{ "--daemon", RTB_TEXT, MEMBER(daemon), 0, 0 },
	{ "--compactor", RTB_TEXT, MEMBER(compactor), 0, 0 },
	{ "--tests", RTB_TEXT, MEMBER(tests), 0, 0 },
	{ "--server-cpus", RTB_TEXT, MEMBER(server_cpus), 0, 0 },
	{ "--load-cpus", RTB_TEXT, MEMBER(load_cpus), 0, 0 },
	{ "--runs", RTB_NUMBER, MEMBER(runs), 1, RTB_RUNS_MAX },
	{ "--seconds", RTB_NUMBER, MEMBER(seconds), 1, 3600 },
	{ "--keys", RTB_NUMBER, MEMBER(keys), 1, 1000000000 },
	{ "--large-keys", RTB_NUMBER, MEMBER(large_keys), 1, 1000000000 },
	{ "--rate", RTB_NUMBER, MEMBER(rate), 1, 10000000 },
	{ "--json", RTB_TEXT, MEMBER(json), 0, 0 },
	{ "--svg", RTB_TEXT, MEMBER(svg), 0, 0 },
	{ "--dir", RTB_TEXT, MEMBER(dir), 0, 0 },
	{ "--help", RTB_FLAG, MEMBER(help), 0, 0 },
};

enum rt_code
rtb_compare_options_read(struct rtb_compare_options *options, int argc,
    char *const argv[], struct rt_err *err)
{
	enum rt_code code;

	*options = (struct rtb_compare_options){
		.tests = "everysec,always,large,compacting",
		.server_cpus = "0",
		.load_cpus = "1",
		.runs = 3,
		.seconds = 5,
		.keys = 1000000,
		.large_keys = 5000000,
		.rate = 10000,
	};
	code = rtb_options_parse(options, known, RT_COUNTOF(known), argc, argv,
	    err);
	for (size_t i = 0; code == RT_OK && options->peers[i] != NULL; i++)
		if (rtb_rival_kind(options->peers[i]) == NULL)
			code = rt_err_set(err, RT_EUSAGE, "--peer: %s is not "
			    "NAME=PATH with redis, valkey, keydb or kvrocks",
			    options->peers[i]);
	return code;
}
