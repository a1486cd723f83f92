/* mem_fs: a disk in memory, and processes that use it through struct rt_fs.
 *
 * A disk has a parent directory with the data directory in it; both are named
 * by paths that need not exist outside. What changes it is told to a watcher as
 * events, in the one order in which they happened, so that tests/powercut can
 * tell what a power cut would leave. A process can be killed: its calls fail
 * from then on, and what it had open and locked is let go.
 * Thread: any. */
#ifndef TESTS_SUPPORT_MEM_FS_H
#define TESTS_SUPPORT_MEM_FS_H

#include <stdatomic.h>
#include <stdbool.h>

#include "libcommon/os/fs.h"
#include "libcommon/os/mutex.h"
#include "libcommon/os/path.h"
#include "tests/support/cow_bytes.h"

/* Inode numbers; others follow. */
#define RTT_INODE_PARENT 1

enum rtt_event_kind {
	RTT_EVENT_WRITE,	/* offset, data */
	RTT_EVENT_TRUNCATE,	/* to offset */
	RTT_EVENT_ALLOCATE,	/* at least offset bytes long */
	RTT_EVENT_ADD,		/* name stands for target, from now on */
	RTT_EVENT_REMOVE,	/* name */
	RTT_EVENT_RENAME,	/* from becomes name */
	RTT_EVENT_SYNC_BEGIN,
	RTT_EVENT_SYNC_END,	/* of what was there at event `begin` */
	RTT_EVENT_SYNC_FAILED,	/* likewise: and that will never be safe */
	RTT_EVENT_NOTE,		/* the test's own: what is promised */
};

struct rtt_event {
	enum rtt_event_kind kind;
	uint32_t inode;		/* the file, or the directory of the name */
	uint32_t target;
	bool target_is_dir;
	bool data_only;		/* fdatasync */
	uint64_t offset;
	struct rt_slice data;	/* borrowed by whoever is told */
	char name[RT_PATH_NAME_BYTES];
	char from[RT_PATH_NAME_BYTES];
	size_t begin;
};

/* What a call is about, for those who may leave it out. */
enum rtt_call { RTT_CALL_SYNC, RTT_CALL_SYNC_DATA, RTT_CALL_SYNC_DIR,
	RTT_CALL_LINK, RTT_CALL_RENAME };

struct rtt_watcher {
	/* Under the disk's lock; the event's number is returned. */
	size_t (*event)(void *arg, const struct rtt_event *event);
	/* Without the lock, before the call. True: it is to do nothing and say
	 * that it succeeded. */
	bool (*leave_out)(void *arg, enum rtt_call call);
	/* Without the lock, after a name appeared. */
	void (*named)(void *arg, const char *name);
	void *arg;
	void *named_arg;
};

struct rtt_inode;
struct rtt_open_file;

struct rtt_disk {
	char root[256];		/* the data directory's path */
	struct rtt_watcher watcher;	/* zeroed: nobody looks */
	struct rt_mutex mu;
	/* RT_GUARDED_BY(mu) */
	struct rtt_inode *inodes;
	uint32_t inodes_count, inodes_cap;
	struct rtt_open_file *files;
	size_t files_count;
};

/* An empty disk: only the data directory's parent. */
void rtt_disk_init(struct rtt_disk *disk, const char *root);
void rtt_disk_fini(struct rtt_disk *disk);

/* Build a disk by hand: inodes of these numbers, names that stand for them. */
void rtt_disk_put_file(struct rtt_disk *disk, uint32_t inode,
    const struct rtt_cow *bytes);
void rtt_disk_put_dir(struct rtt_disk *disk, uint32_t inode);
void rtt_disk_put_name(struct rtt_disk *disk, uint32_t dir, const char *name,
    uint32_t inode);
void rtt_disk_drop_name(struct rtt_disk *disk, uint32_t dir, const char *name);
/* Whether the inode is there, and what the name stands for (0: nothing). */
bool rtt_disk_has(const struct rtt_disk *disk, uint32_t inode);
uint32_t rtt_disk_find(struct rtt_disk *disk, uint32_t dir, const char *name);
/* Look at it: call each() for every name of a directory. */
void rtt_disk_each_name(struct rtt_disk *disk, uint32_t dir,
    void (*each)(void *arg, const char *name, uint32_t inode, bool is_dir),
    void *arg);
/* The bytes of a file; `out` is inert before. */
void rtt_disk_get_file(struct rtt_disk *disk, uint32_t inode,
    struct rtt_cow *out);
/* Every file is older than an hour from now on. */
void rtt_disk_age(struct rtt_disk *disk);

/* A process that uses the disk. */
struct rtt_process {
	struct rt_fs fs;		/* hand this out */
	struct rtt_disk *disk;
	_Atomic bool dead;
	/* > 0: calls that change something until it dies of itself. */
	_Atomic long calls_left;
	/* > 0: syncs until one fails with EIO. */
	_Atomic long syncs_left;
};

void rtt_process_init(struct rtt_process *process, struct rtt_disk *disk);
void rtt_process_kill(struct rtt_process *process);
/* It has ended: nothing of it is open any more. */
void rtt_process_forget(struct rtt_process *process);

#endif
