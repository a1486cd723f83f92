/* rival: a server under measurement: its program with fair settings, on a free
 * port of loopback and a directory of its own. Errors end the process with a
 * sentence. Thread: main. */
#ifndef BENCH_RIVAL_H
#define BENCH_RIVAL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "bench/scratch.h"

/* A kind of server that is known by name. */
struct rtb_rival_kind {
	const char *name;
	/* Fill argv, whose texts may be made below dir; ends with NULL. */
	void (*command)(const char *program, const char *dir, unsigned port,
	    bool always, const char *argv[]);
};

/* Of "NAME=PATH", or of a name alone; NULL: not known. */
const struct rtb_rival_kind *rtb_rival_kind(const char *peer);

/* Inert when zeroed. */
struct rtb_rival {
	const struct rtb_rival_kind *kind;
	const char *program;
	const char *cpus;	/* "": not pinned */
	char dir[RTB_PATH_BYTES];
	unsigned port;
	pid_t pid;		/* 0: not running */
	/* Beside riptided. */
	const char *compactor;	/* program; NULL: none is started */
	pid_t compactor_pid;
};

/* Start it on an empty directory dir, which is made, and wait until it
 * answers. always: a write is answered when it is on the disk; else each
 * second. False: it is not there or ended at once, which has been told. */
bool rtb_rival_start(struct rtb_rival *server, const char *dir, bool always);
/* Stop it and remove the directory; one that does not run is accepted. */
void rtb_rival_stop(struct rtb_rival *server);

/* Start and stop the compactor beside a server that runs. flat_out: merge
 * everything down again and again; else as in service. */
void rtb_rival_compact(struct rtb_rival *server, bool flat_out);
void rtb_rival_compact_end(struct rtb_rival *server);

/* The program `name` of ours: beside this one where both are installed or
 * built, else by PATH. */
void rtb_rival_find(const char *name, char *out, size_t out_bytes);

#endif
