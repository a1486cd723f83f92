/* compare: riptided and its peers in turns, under the same loads.
 *
 * A session is a row of loads on one server from its start to its end; in each
 * run, for each session, the servers take turns, ours first. Thread: main. */
#ifndef BENCH_COMPARE_H
#define BENCH_COMPARE_H

/* All of riptide-bench compare; argv[0] is its name. Returns the exit
 * status. */
int rtb_compare_main(int argc, char *argv[]);

#endif
