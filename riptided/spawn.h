/* spawn: start a compactor when none works on the directory, start it again
 * when it ends, and ask it to end with us. Thread: main. */
#ifndef RIPTIDED_SPAWN_H
#define RIPTIDED_SPAWN_H

#include <sys/types.h>

#include "libcommon/daemon/config.h"
#include "libcommon/os/fs.h"

struct rtd_spawn;

struct rtd_spawn_info {
	pid_t pid;		/* of our child; 0: none runs */
	uint64_t restarts;
	char reason[128];	/* why it ended or could not start; "" */
};

/* argc, argv: our command line, whose options for the compactor are handed
 * on. config, argv and fs are borrowed. No compactor is started yet, but the
 * process that will do it is (spawner.h): before threads, files and sockets. */
RT_MUST_USE enum rt_code rtd_spawn_new(struct rtd_spawn **out,
    struct rt_fs *fs, const struct rt_config *config, const char *config_file,
    int argc, char *const argv[], struct rt_err *err);

/* Ten times a second: look after the child. */
void rtd_spawn_tick(struct rtd_spawn *spawn, uint64_t now_us);

const struct rtd_spawn_info *rtd_spawn_info(const struct rtd_spawn *spawn);

/* Ask the child to end and wait for that, for some seconds at most; it gets
 * the signal again when we end. NULL is accepted. */
void rtd_spawn_free(struct rtd_spawn *spawn);

#endif
