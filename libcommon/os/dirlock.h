/* dirlock: one owner per role per data directory, held with flock(2) for the
 * life of the process and let go by the kernel at its death. The file is never
 * unlinked. It carries the holder's pid, and by its own time since when that has
 * it, as information for people; nothing is decided by it. Thread: any. */
#ifndef LIBCOMMON_OS_DIRLOCK_H
#define LIBCOMMON_OS_DIRLOCK_H

#include <sys/types.h>

#include "libcommon/os/fs.h"

struct rt_dirlock {
	struct rt_fs *fs;
	int fd;		/* -1 when not held */
};

#define RT_DIRLOCK_INIT { .fs = NULL, .fd = -1 }

/* Take the lock file `name` below dir. RT_ELOCKED, naming the holder's pid and
 * the time where they are known, when another process has it and keeps it for
 * 100 ms. */
RT_MUST_USE enum rt_code rt_dirlock_take(struct rt_dirlock *lock,
    struct rt_fs *fs, int dir, const char *name, struct rt_err *err);

/* Lock the directory itself, by the descriptor of it that the caller keeps for
 * life: this lock nobody can remove. RT_ELOCKED as above. It goes with the
 * descriptor. */
RT_MUST_USE enum rt_code rt_dirlock_take_dir(struct rt_fs *fs, int dir,
    struct rt_err *err);

/* Let go. A lock that is not held is accepted. */
void rt_dirlock_release(struct rt_dirlock *lock);

/* RT_OK when the file that we hold is still the one of that name. RT_EFENCED:
 * someone removed or replaced it. Another code: it could not be looked at,
 * which says nothing about whose it is. */
RT_MUST_USE enum rt_code rt_dirlock_check(const struct rt_dirlock *lock,
    int dir, const char *name, struct rt_err *err);

/* Whether some process holds the lock now. Takes nothing, creates nothing.
 * *pid: what the file says, 0 when unknown; information only. */
RT_MUST_USE enum rt_code rt_dirlock_probe(struct rt_fs *fs, int dir,
    const char *name, bool *held, pid_t *pid, struct rt_err *err);

#endif
