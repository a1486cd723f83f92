/* Everything is under one lock, but for the time between the two halves of a
 * sync, in which others may write. Inodes are never freed before the disk. */
#include "tests/support/mem_fs.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>

#include "libcommon/base/invariant.h"

/* Numbers that the kernel gives to nobody. */
#define FD_FIRST (1 << 24)
#define OLD_S 7200

struct entry {
	char name[RT_PATH_NAME_BYTES];
	uint32_t inode;
};

struct rtt_inode {
	bool used;
	bool is_dir;
	struct rtt_cow bytes;
	time_t changed_s;
	struct entry *entries;
	size_t count, cap;
	unsigned shared;	/* locks */
	bool exclusive;
};

struct rtt_open_file {
	struct rtt_process *process;	/* NULL: free */
	uint32_t inode;
	int locked;		/* LOCK_SH, LOCK_EX or 0 */
};

/* -- the disk -- */

static struct rtt_inode *
need_inode(struct rtt_disk *disk, uint32_t number, bool is_dir)
{
	struct rtt_inode *inode;

	while (number >= disk->inodes_cap) {
		uint32_t cap = disk->inodes_cap * 2 + 64;

		disk->inodes = rt_realloc(disk->inodes,
		    cap * sizeof(disk->inodes[0]));
		memset(&disk->inodes[disk->inodes_cap], 0,
		    (cap - disk->inodes_cap) * sizeof(disk->inodes[0]));
		disk->inodes_cap = cap;
	}
	if (number >= disk->inodes_count)
		disk->inodes_count = number + 1;
	inode = &disk->inodes[number];
	rt_assert(!inode->used);
	inode->used = true;
	inode->is_dir = is_dir;
	inode->changed_s = time(NULL);
	return inode;
}

static struct entry *
find(struct rtt_inode *dir, const char *name)
{
	for (size_t i = 0; i < dir->count; i++)
		if (strcmp(dir->entries[i].name, name) == 0)
			return &dir->entries[i];
	return NULL;
}

static void
add_entry(struct rtt_inode *dir, const char *name, uint32_t inode)
{
	struct entry *entry = find(dir, name);

	if (entry == NULL) {
		if (dir->count == dir->cap) {
			dir->cap = dir->cap * 2 + 8;
			dir->entries = rt_realloc(dir->entries,
			    dir->cap * sizeof(dir->entries[0]));
		}
		entry = &dir->entries[dir->count++];
		snprintf(entry->name, sizeof(entry->name), "%s", name);
	}
	entry->inode = inode;
}

static void
remove_entry(struct rtt_inode *dir, struct entry *entry)
{
	*entry = dir->entries[--dir->count];
}

void
rtt_disk_init(struct rtt_disk *disk, const char *root)
{
	memset(disk, 0, sizeof(*disk));
	snprintf(disk->root, sizeof(disk->root), "%s", root);
	rt_mutex_init(&disk->mu);
	need_inode(disk, RTT_INODE_PARENT, true);
}

void
rtt_disk_fini(struct rtt_disk *disk)
{
	for (uint32_t i = 0; i < disk->inodes_count; i++) {
		rtt_cow_fini(&disk->inodes[i].bytes);
		free(disk->inodes[i].entries);
	}
	free(disk->inodes);
	free(disk->files);
	rt_mutex_fini(&disk->mu);
}

void
rtt_disk_put_file(struct rtt_disk *disk, uint32_t inode,
    const struct rtt_cow *bytes)
{
	rtt_cow_share(&need_inode(disk, inode, false)->bytes, bytes);
}

void
rtt_disk_put_dir(struct rtt_disk *disk, uint32_t inode)
{
	need_inode(disk, inode, true);
}

void
rtt_disk_put_name(struct rtt_disk *disk, uint32_t dir, const char *name,
    uint32_t inode)
{
	add_entry(&disk->inodes[dir], name, inode);
}

void
rtt_disk_drop_name(struct rtt_disk *disk, uint32_t dir, const char *name)
{
	struct entry *entry = find(&disk->inodes[dir], name);

	if (entry != NULL)
		remove_entry(&disk->inodes[dir], entry);
}

bool
rtt_disk_has(const struct rtt_disk *disk, uint32_t inode)
{
	return inode < disk->inodes_count && disk->inodes[inode].used;
}

uint32_t
rtt_disk_find(struct rtt_disk *disk, uint32_t dir, const char *name)
{
	const struct entry *entry = find(&disk->inodes[dir], name);

	return entry != NULL ? entry->inode : 0;
}

void
rtt_disk_each_name(struct rtt_disk *disk, uint32_t dir,
    void (*each)(void *arg, const char *name, uint32_t inode, bool is_dir),
    void *arg)
{
	const struct rtt_inode *inode = &disk->inodes[dir];

	for (size_t i = 0; i < inode->count; i++) {
		const struct entry *entry = &inode->entries[i];

		/* A disk that is being built may not have it yet. */
		each(arg, entry->name, entry->inode,
		    rtt_disk_has(disk, entry->inode) &&
			disk->inodes[entry->inode].is_dir);
	}
}

void
rtt_disk_get_file(struct rtt_disk *disk, uint32_t inode, struct rtt_cow *out)
{
	rtt_cow_share(out, &disk->inodes[inode].bytes);
}

void
rtt_disk_age(struct rtt_disk *disk)
{
	for (uint32_t i = 0; i < disk->inodes_count; i++)
		disk->inodes[i].changed_s -= OLD_S;
}

/* -- calls -- */

static struct rtt_process *
own(struct rt_fs *fs)
{
	return (struct rtt_process *)(void *)fs;
}

static size_t
tell(struct rtt_disk *disk, const struct rtt_event *event)
    RT_REQUIRES(disk->mu)
{
	if (disk->watcher.event == NULL)
		return 0;
	return disk->watcher.event(disk->watcher.arg, event);
}

static bool
left_out(struct rtt_disk *disk, enum rtt_call call)
{
	return disk->watcher.leave_out != NULL &&
	    disk->watcher.leave_out(disk->watcher.arg, call);
}

static void
tell_name(struct rtt_disk *disk, const char *name)
{
	if (disk->watcher.named != NULL)
		disk->watcher.named(disk->watcher.named_arg, name);
}

/* A call that changes something; false when the process is no more. */
static bool
may_change(struct rtt_process *process)
{
	if (atomic_load(&process->calls_left) > 0 &&
	    atomic_fetch_sub(&process->calls_left, 1) == 1)
		atomic_store(&process->dead, true);
	return !atomic_load(&process->dead);
}

/* The inode behind a descriptor, or NULL. */
static struct rtt_inode *
opened(struct rtt_disk *disk, int fd, uint32_t *number) RT_REQUIRES(disk->mu)
{
	size_t at = (size_t)(fd - FD_FIRST);

	if (fd < FD_FIRST || at >= disk->files_count ||
	    disk->files[at].process == NULL)
		return NULL;
	*number = disk->files[at].inode;
	return &disk->inodes[*number];
}

/* The directory in which a call's last name stands; *last is that name, or
 * empty when the directory itself is meant. NULL: there is none. */
static struct rtt_inode *
directory_of(struct rtt_disk *disk, int fd, const char *path,
    uint32_t *number, const char **last) RT_REQUIRES(disk->mu)
{
	size_t parent = (size_t)(strrchr(disk->root, '/') - disk->root);
	struct rtt_inode *dir;

	*last = path;
	if (fd == AT_FDCWD) {
		*number = RTT_INODE_PARENT;
		dir = &disk->inodes[RTT_INODE_PARENT];
		if (strncmp(path, disk->root, parent) != 0)
			return NULL;
		if (path[parent] == '\0')
			*last = "";
		else if (strncmp(path, disk->root, strlen(disk->root)) == 0)
			*last = path + parent + 1;
		else
			return NULL;
	} else {
		dir = opened(disk, fd, number);
	}
	while (dir != NULL && dir->is_dir && strchr(*last, '/') != NULL) {
		char name[RT_PATH_NAME_BYTES];
		size_t len = (size_t)(strchr(*last, '/') - *last);
		struct entry *entry;

		snprintf(name, sizeof(name), "%.*s", (int)len, *last);
		*last += len + 1;
		entry = find(dir, name);
		if (entry == NULL)
			return NULL;
		*number = entry->inode;
		dir = &disk->inodes[*number];
	}
	if (strcmp(*last, ".") == 0)
		*last = "";
	/* Nobody goes up from deeper down. */
	if (dir != NULL && strcmp(*last, "..") == 0) {
		*number = RTT_INODE_PARENT;
		dir = &disk->inodes[RTT_INODE_PARENT];
		*last = "";
	}
	return dir != NULL && dir->is_dir ? dir : NULL;
}

static int
new_fd(struct rtt_process *process, uint32_t inode)
{
	struct rtt_disk *disk = process->disk;
	size_t at = 0;

	while (at < disk->files_count && disk->files[at].process != NULL)
		at++;
	if (at == disk->files_count) {
		disk->files_count = at * 2 + 16;
		disk->files = rt_realloc(disk->files,
		    disk->files_count * sizeof(disk->files[0]));
		memset(&disk->files[at], 0,
		    (disk->files_count - at) * sizeof(disk->files[0]));
	}
	disk->files[at] = (struct rtt_open_file){ process, inode, 0 };
	return FD_FIRST + (int)at;
}

/* A new inode under a name. */
static uint32_t
make(struct rtt_disk *disk, uint32_t dir, const char *name, bool is_dir)
    RT_REQUIRES(disk->mu)
{
	struct rtt_event event = { .kind = RTT_EVENT_ADD, .inode = dir,
		.target = disk->inodes_count, .target_is_dir = is_dir };

	snprintf(event.name, sizeof(event.name), "%s", name);
	need_inode(disk, event.target, is_dir);
	add_entry(&disk->inodes[dir], name, event.target);
	tell(disk, &event);
	return event.target;
}

static int
mem_openat(struct rt_fs *fs, int dir, const char *path, int flags, mode_t mode)
{
	struct rtt_process *process = own(fs);
	struct rtt_disk *disk = process->disk;
	int result = -ENOENT;
	struct rtt_inode *in;
	struct entry *entry;
	const char *name;
	uint32_t number;

	if ((flags & O_CREAT) != 0 ? !may_change(process) :
	    atomic_load(&process->dead))
		return -EIO;
	rt_mutex_lock(&disk->mu);
	in = directory_of(disk, dir, path, &number, &name);
	if (in == NULL)
		goto out;
	entry = find(in, name);
	if (name[0] == '\0')
		result = new_fd(process, number);
	else if (entry == NULL && (flags & O_CREAT) != 0)
		result = new_fd(process, make(disk, number, name, false));
	else if (entry != NULL && (flags & O_EXCL) != 0)
		result = -EEXIST;
	else if (entry != NULL && (flags & O_DIRECTORY) != 0 &&
	    !disk->inodes[entry->inode].is_dir)
		result = -ENOTDIR;
	else if (entry != NULL)
		result = new_fd(process, entry->inode);
out:
	rt_mutex_unlock(&disk->mu);
	return result;
}

static void
unlock_file(struct rtt_disk *disk, struct rtt_open_file *file)
{
	struct rtt_inode *inode = &disk->inodes[file->inode];

	if (file->locked == LOCK_EX)
		inode->exclusive = false;
	else if (file->locked == LOCK_SH)
		inode->shared--;
	file->locked = 0;
}

static int
mem_close(struct rt_fs *fs, int fd)
{
	struct rtt_disk *disk = own(fs)->disk;
	int result = -EBADF;
	uint32_t number;

	rt_mutex_lock(&disk->mu);
	if (opened(disk, fd, &number) != NULL &&
	    disk->files[fd - FD_FIRST].process == own(fs)) {
		unlock_file(disk, &disk->files[fd - FD_FIRST]);
		disk->files[fd - FD_FIRST].process = NULL;
		result = 0;
	}
	rt_mutex_unlock(&disk->mu);
	return result;
}

static ssize_t
mem_pread(struct rt_fs *fs, int fd, void *out, size_t len, off_t offset)
{
	struct rtt_disk *disk = own(fs)->disk;
	struct rtt_inode *inode;
	ssize_t result = -EIO;
	uint32_t number;

	rt_mutex_lock(&disk->mu);
	inode = opened(disk, fd, &number);
	if (inode != NULL && !atomic_load(&own(fs)->dead))
		result = (ssize_t)rtt_cow_read(&inode->bytes, (uint64_t)offset,
		    out, len);
	rt_mutex_unlock(&disk->mu);
	return result;
}

static ssize_t
mem_pwrite(struct rt_fs *fs, int fd, const void *data, size_t len,
    off_t offset)
{
	struct rtt_disk *disk = own(fs)->disk;
	struct rtt_event event = { .kind = RTT_EVENT_WRITE,
		.offset = (uint64_t)offset, .data = rt_slice(data, len) };
	struct rtt_inode *inode;

	if (!may_change(own(fs)))
		return -EIO;
	rt_mutex_lock(&disk->mu);
	inode = opened(disk, fd, &event.inode);
	if (inode != NULL) {
		rtt_cow_write(&inode->bytes, (uint64_t)offset, data, len);
		inode->changed_s = time(NULL);
		tell(disk, &event);
	}
	rt_mutex_unlock(&disk->mu);
	return inode != NULL ? (ssize_t)len : -EBADF;
}

/* What was there when the sync began is safe when it has ended; meanwhile
 * others may write. */
static int
sync_file(struct rtt_process *process, int fd, bool data_only)
{
	struct rtt_disk *disk = process->disk;
	struct rtt_event event = { .kind = RTT_EVENT_SYNC_BEGIN,
		.data_only = data_only };
	const struct rtt_inode *inode;
	bool is_dir, fails;

	if (!may_change(process))
		return -EIO;
	rt_mutex_lock(&disk->mu);
	inode = opened(disk, fd, &event.inode);
	is_dir = inode != NULL && inode->is_dir;
	if (inode != NULL)
		event.begin = tell(disk, &event);
	rt_mutex_unlock(&disk->mu);
	if (inode == NULL)
		return -EBADF;
	if (left_out(disk, is_dir ? RTT_CALL_SYNC_DIR :
		data_only ? RTT_CALL_SYNC_DATA : RTT_CALL_SYNC))
		return 0;
	fails = !is_dir && atomic_load(&process->syncs_left) > 0 &&
	    atomic_fetch_sub(&process->syncs_left, 1) == 1;
	if (disk->watcher.event != NULL)
		sched_yield();
	if (atomic_load(&process->dead))
		return -EIO;
	rt_mutex_lock(&disk->mu);
	event.kind = fails ? RTT_EVENT_SYNC_FAILED : RTT_EVENT_SYNC_END;
	tell(disk, &event);
	rt_mutex_unlock(&disk->mu);
	return fails ? -EIO : 0;
}

static int
mem_fdatasync(struct rt_fs *fs, int fd)
{
	return sync_file(own(fs), fd, true);
}

static int
mem_fsync(struct rt_fs *fs, int fd)
{
	return sync_file(own(fs), fd, false);
}

static int
resize(struct rtt_process *process, int fd, uint64_t bytes,
    enum rtt_event_kind kind)
{
	struct rtt_disk *disk = process->disk;
	struct rtt_event event = { .kind = kind, .offset = bytes };
	struct rtt_inode *inode;

	if (!may_change(process))
		return -EIO;
	rt_mutex_lock(&disk->mu);
	inode = opened(disk, fd, &event.inode);
	if (inode != NULL) {
		if (kind == RTT_EVENT_TRUNCATE || inode->bytes.size < bytes)
			rtt_cow_resize(&inode->bytes, bytes);
		tell(disk, &event);
	}
	rt_mutex_unlock(&disk->mu);
	return inode != NULL ? 0 : -EBADF;
}

static int
mem_ftruncate(struct rt_fs *fs, int fd, off_t len)
{
	return resize(own(fs), fd, (uint64_t)len, RTT_EVENT_TRUNCATE);
}

static int
mem_fallocate(struct rt_fs *fs, int fd, off_t offset, off_t len)
{
	return resize(own(fs), fd, (uint64_t)(offset + len),
	    RTT_EVENT_ALLOCATE);
}

static void
fill_status(struct rtt_disk *disk, uint32_t number, struct stat *out)
{
	const struct rtt_inode *inode = &disk->inodes[number];

	memset(out, 0, sizeof(*out));
	out->st_ino = number;
	out->st_mode = inode->is_dir ? S_IFDIR | 0700 : S_IFREG | 0600;
	out->st_size = (off_t)inode->bytes.size;
	out->st_mtime = inode->changed_s;
	out->st_nlink = 1;
}

static int
mem_fstat(struct rt_fs *fs, int fd, struct stat *out)
{
	struct rtt_disk *disk = own(fs)->disk;
	int result = -EBADF;
	uint32_t number;

	rt_mutex_lock(&disk->mu);
	if (opened(disk, fd, &number) != NULL) {
		fill_status(disk, number, out);
		result = 0;
	}
	rt_mutex_unlock(&disk->mu);
	return result;
}

static int
mem_fstatat(struct rt_fs *fs, int dir, const char *path, struct stat *out)
{
	struct rtt_disk *disk = own(fs)->disk;
	struct entry *entry = NULL;
	int result = -ENOENT;
	struct rtt_inode *in;
	const char *name;
	uint32_t number;

	rt_mutex_lock(&disk->mu);
	in = directory_of(disk, dir, path, &number, &name);
	if (in != NULL)
		entry = find(in, name);
	if (entry != NULL) {
		fill_status(disk, entry->inode, out);
		result = 0;
	}
	rt_mutex_unlock(&disk->mu);
	return result;
}

static int
mem_linkat(struct rt_fs *fs, int from_dir, const char *from, int to_dir,
    const char *to)
{
	struct rtt_disk *disk = own(fs)->disk;
	struct rtt_event event = { .kind = RTT_EVENT_ADD };
	struct rtt_inode *source, *target;
	const char *from_name, *to_name;
	struct entry *entry;
	int result = -ENOENT;
	uint32_t number;

	if (left_out(disk, RTT_CALL_LINK))
		return 0;
	if (!may_change(own(fs)))
		return -EIO;
	rt_mutex_lock(&disk->mu);
	source = directory_of(disk, from_dir, from, &number, &from_name);
	target = directory_of(disk, to_dir, to, &event.inode, &to_name);
	entry = source != NULL ? find(source, from_name) : NULL;
	if (target != NULL && find(target, to_name) != NULL) {
		result = -EEXIST;
	} else if (entry != NULL && target != NULL) {
		event.target = entry->inode;
		snprintf(event.name, sizeof(event.name), "%s", to_name);
		add_entry(target, to_name, event.target);
		tell(disk, &event);
		result = 0;
	}
	rt_mutex_unlock(&disk->mu);
	if (result == 0)
		tell_name(disk, event.name);
	return result;
}

static int
mem_renameat(struct rt_fs *fs, int from_dir, const char *from, int to_dir,
    const char *to)
{
	struct rtt_disk *disk = own(fs)->disk;
	struct rtt_event event = { .kind = RTT_EVENT_RENAME };
	struct rtt_inode *source, *target;
	const char *from_name, *to_name;
	struct entry *entry;
	int result = -ENOENT;
	uint32_t number;

	if (left_out(disk, RTT_CALL_RENAME))
		return 0;
	if (!may_change(own(fs)))
		return -EIO;
	rt_mutex_lock(&disk->mu);
	source = directory_of(disk, from_dir, from, &number, &from_name);
	target = directory_of(disk, to_dir, to, &event.inode, &to_name);
	entry = source != NULL ? find(source, from_name) : NULL;
	/* Within a directory a rename is one event; the programs need no
	 * other. */
	if (entry != NULL && target == source) {
		event.target = entry->inode;
		snprintf(event.name, sizeof(event.name), "%s", to_name);
		snprintf(event.from, sizeof(event.from), "%s", from_name);
		remove_entry(source, entry);
		add_entry(target, to_name, event.target);
		tell(disk, &event);
		result = 0;
	} else if (entry != NULL && target != NULL) {
		result = -EXDEV;
	}
	rt_mutex_unlock(&disk->mu);
	if (result == 0)
		tell_name(disk, event.name);
	return result;
}

static int
mem_unlinkat(struct rt_fs *fs, int dir, const char *path, int flags)
{
	struct rtt_disk *disk = own(fs)->disk;
	struct rtt_event event = { .kind = RTT_EVENT_REMOVE };
	struct entry *entry = NULL;
	struct rtt_inode *in;
	int result = -ENOENT;
	const char *name;

	if (!may_change(own(fs)))
		return -EIO;
	rt_mutex_lock(&disk->mu);
	in = directory_of(disk, dir, path, &event.inode, &name);
	if (in != NULL)
		entry = find(in, name);
	if (entry != NULL && disk->inodes[entry->inode].count != 0) {
		result = -ENOTEMPTY;
	} else if (entry != NULL) {
		result = 0;
		snprintf(event.name, sizeof(event.name), "%s", name);
		event.target = entry->inode;
		remove_entry(in, entry);
		tell(disk, &event);
	}
	rt_mutex_unlock(&disk->mu);
	return result;
}

static int
mem_mkdirat(struct rt_fs *fs, int dir, const char *path, mode_t mode)
{
	struct rtt_disk *disk = own(fs)->disk;
	int result = -ENOENT;
	struct rtt_inode *in;
	const char *name;
	uint32_t number;

	if (!may_change(own(fs)))
		return -EIO;
	rt_mutex_lock(&disk->mu);
	in = directory_of(disk, dir, path, &number, &name);
	if (in != NULL && find(in, name) != NULL) {
		result = -EEXIST;
	} else if (in != NULL) {
		make(disk, number, name, true);
		result = 0;
	}
	rt_mutex_unlock(&disk->mu);
	return result;
}

/* The names are copied: each() may call back. */
static int
mem_list(struct rt_fs *fs, int dir, void (*each)(void *arg, const char *name),
    void *arg)
{
	struct rtt_disk *disk = own(fs)->disk;
	struct entry *entries = NULL;
	struct rtt_inode *in;
	size_t count = 0;
	uint32_t number;

	if (atomic_load(&own(fs)->dead))
		return -EIO;
	rt_mutex_lock(&disk->mu);
	in = opened(disk, dir, &number);
	if (in != NULL && in->count > 0) {
		count = in->count;
		entries = rt_alloc(count * sizeof(entries[0]));
		memcpy(entries, in->entries, count * sizeof(entries[0]));
	}
	rt_mutex_unlock(&disk->mu);
	for (size_t i = 0; i < count; i++)
		each(arg, entries[i].name);
	free(entries);
	return in != NULL ? 0 : -EBADF;
}

static int
mem_flock(struct rt_fs *fs, int fd, int operation)
{
	struct rtt_disk *disk = own(fs)->disk;
	int wanted = operation & ~LOCK_NB, result = 0;
	struct rtt_inode *inode;
	uint32_t number;

	rt_mutex_lock(&disk->mu);
	inode = opened(disk, fd, &number);
	if (inode == NULL) {
		result = -EBADF;
	} else {
		unlock_file(disk, &disk->files[fd - FD_FIRST]);
		if (wanted != LOCK_UN && (inode->exclusive ||
			(wanted == LOCK_EX && inode->shared > 0)))
			result = -EWOULDBLOCK;
		else if (wanted == LOCK_EX)
			inode->exclusive = true;
		else if (wanted == LOCK_SH)
			inode->shared++;
		if (result == 0 && wanted != LOCK_UN)
			disk->files[fd - FD_FIRST].locked = wanted;
	}
	rt_mutex_unlock(&disk->mu);
	return result;
}

static int64_t
mem_free_bytes(struct rt_fs *fs, int dir)
{
	return INT64_C(1) << 40;
}

static int
mem_fadvise(struct rt_fs *fs, int fd, off_t offset, off_t len, int advice)
{
	return 0;
}

static int
mem_write_behind(struct rt_fs *fs, int fd, off_t offset, off_t len)
{
	return 0;
}

void
rtt_process_init(struct rtt_process *process, struct rtt_disk *disk)
{
	*process = (struct rtt_process){
		.fs = {
			.openat = mem_openat,
			.close = mem_close,
			.pread = mem_pread,
			.pread_nowait = mem_pread,
			.pwrite = mem_pwrite,
			.fdatasync = mem_fdatasync,
			.fsync = mem_fsync,
			.ftruncate = mem_ftruncate,
			.fallocate = mem_fallocate,
			.fstat = mem_fstat,
			.fstatat = mem_fstatat,
			.linkat = mem_linkat,
			.renameat = mem_renameat,
			.unlinkat = mem_unlinkat,
			.mkdirat = mem_mkdirat,
			.list = mem_list,
			.flock = mem_flock,
			.free_bytes = mem_free_bytes,
			.fadvise = mem_fadvise,
			.write_behind = mem_write_behind,
		},
		.disk = disk,
	};
}

void
rtt_process_kill(struct rtt_process *process)
{
	struct rtt_disk *disk = process->disk;

	atomic_store(&process->dead, true);
	rt_mutex_lock(&disk->mu);
	/* The numbers stay taken, so that a late close hits nobody else's. */
	for (size_t i = 0; i < disk->files_count; i++)
		if (disk->files[i].process == process)
			unlock_file(disk, &disk->files[i]);
	rt_mutex_unlock(&disk->mu);
}

void
rtt_process_forget(struct rtt_process *process)
{
	struct rtt_disk *disk = process->disk;

	rt_mutex_lock(&disk->mu);
	for (size_t i = 0; i < disk->files_count; i++)
		if (disk->files[i].process == process) {
			unlock_file(disk, &disk->files[i]);
			disk->files[i].process = NULL;
		}
	rt_mutex_unlock(&disk->mu);
}
