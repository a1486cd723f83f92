/* load: connections and threads put a load on a server for a while, and what
 * was seen. Thread: main. */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include "bench/load_conn.h"

struct rtb_load_result {
	struct rtb_load_counts counts;	/* of all threads */
	struct rtb_histogram times;	/* of all operations */
	uint64_t done;
	double seconds;
	double rate;			/* operations a second */
	double client_cpu_us;		/* of ours for one; */
	double server_cpu_us;		/* and the server's; 0: not known */
};

/* result is large: the caller's, for instance static. RT_EIO, RT_EINVAL: the
 * server is not there, or is none. */
RT_MUST_USE enum rt_code rtb_load_run(const struct rtb_load_options *options,
    struct rtb_load_result *result, struct rt_err *err);

/* CPU time of all threads of a process in ns; 0: it is not told. */
uint64_t rtb_cpu_of(uint64_t pid);

/* The calling thread and those that it makes run on these CPUs: "1", "0,2-3".
 * RT_EUSAGE: not well formed, or they are not to be had. */
RT_MUST_USE enum rt_code rtb_pin(const char *cpus, struct rt_err *err);

#endif
