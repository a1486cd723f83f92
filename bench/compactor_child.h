/* compactor_child: riptide-compactd on the directory under measurement, beside
 * it as in service or once for a full merge. Errors end the process.
 * Thread: one at a time. */
#ifndef BENCH_COMPACTOR_CHILD_H
#define BENCH_COMPACTOR_CHILD_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Inert when zeroed. */
struct rtb_compactor {
	const char *program;
	const char *dir;
	const char *compression;
	unsigned threads;
	pid_t pid;		/* 0: not running */
	uint64_t ended_bytes;	/* written by those that have ended */
	uint64_t last_ns;	/* processor time of the one that ended last */
};

void rtb_compactor_start(struct rtb_compactor *compactor);
/* Returns when it has ended; one that does not run is accepted. */
void rtb_compactor_stop(struct rtb_compactor *compactor);
/* Merge everything down; none may be running. */
void rtb_compactor_full(struct rtb_compactor *compactor);
/* Bytes written so far by all of them. */
uint64_t rtb_compactor_bytes(const struct rtb_compactor *compactor);

/* Bytes that a process has written to files, as the kernel counts pages made
 * dirty. 0 when it is not told. */
uint64_t rtb_written_by(pid_t pid);

#endif
