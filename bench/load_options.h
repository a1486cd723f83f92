/* load_options: what riptide-bench load was asked for. Thread: any. */
#ifndef BENCH_LOAD_OPTIONS_H
#define BENCH_LOAD_OPTIONS_H

#include "bench/load_mix.h"

#define RTB_THREADS_MAX 64
#define RTB_PIPELINE_MAX 4096

struct rtb_load_options {
	const char *host;
	uint64_t port;
	const char *unixsocket;	/* path; NULL: TCP */
	const char *password;	/* NULL: none */
	unsigned clients;	/* connections, over all threads */
	unsigned threads;
	unsigned pipeline;	/* commands sent together */
	uint64_t requests;	/* 0: as long as `seconds` says */
	uint64_t seconds;
	uint64_t warmup;	/* seconds that do not count */
	uint64_t rate;		/* requests a second; 0: as fast as it goes */
	uint64_t keys;
	uint64_t value_bytes;
	uint64_t seed;
	uint64_t server_pid;	/* whose CPU time is told; 0: nobody's */
	const char *mix_text, *distribution_text;
	const char *cpus;	/* "1" or "1-3": where the threads run; NULL */
	const char *json, *histogram;	/* files; NULL: none */
	bool resp3, quiet;
	bool help;
	/* From the texts. */
	struct rtb_load_mix mix;
	enum rtb_distribution distribution;
};

void rtb_load_options_default(struct rtb_load_options *options);
/* argv[0] is not looked at; texts are borrowed. RT_EUSAGE with a sentence. */
RT_MUST_USE enum rt_code rtb_load_options_read(
    struct rtb_load_options *options, int argc, char *const argv[],
    struct rt_err *err);

#endif
