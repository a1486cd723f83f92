/* group: work in a process group of its own, which a signal ends as a whole, so
 * that what it made on the disk can be removed afterwards. Thread: main. */
#ifndef BENCH_GROUP_H
#define BENCH_GROUP_H

/* Run work(arg) in a child process, and return its exit status: what work
 * returned. SIGINT, SIGTERM and SIGHUP kill it and all that it started; then
 * *signal says which it was, else 0. Nothing of it runs on return. */
int rtb_group_run(int (*work)(void *arg), void *arg, int *signal);

/* End as that signal would have ended us. */
void rtb_group_end_by(int signal);

#endif
