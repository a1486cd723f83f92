/* fs: every touch of a file goes through one table of functions, so that a
 * test can fail the N-th call, cut the power, or lie about a clock.
 *
 * Two storeys. struct rt_fs is the lower one: system calls as function
 * pointers that return a result >= 0 or a negative errno. The rt_fs_ verbs
 * above it are what the rooms use: whole, durable steps that retry EINTR and
 * short transfers and fill a struct rt_err. Names are relative to a directory
 * descriptor and never contain a slash unless said; files are opened with
 * O_CLOEXEC and O_NOFOLLOW.
 *
 * F1 A sync that failed is reported and never tried again on that file.
 * F2 A new name is durable only after rt_fs_sync_dir() on its directory.
 * Thread: any; the posix table has no state. */
#ifndef LIBCOMMON_OS_FS_H
#define LIBCOMMON_OS_FS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "libcommon/base/attr.h"
#include "libcommon/base/buf.h"
#include "libcommon/base/err.h"
#include "libcommon/base/slice.h"

/* The table. Each function returns >= 0, or -errno. A test backend embeds
 * this struct first and passes calls on to another. */
struct rt_fs {
	int (*openat)(struct rt_fs *fs, int dir, const char *name, int flags,
	    mode_t mode);
	int (*close)(struct rt_fs *fs, int fd);
	ssize_t (*pread)(struct rt_fs *fs, int fd, void *out, size_t len,
	    off_t offset);
	/* RWF_NOWAIT read: -EAGAIN when the bytes are not in memory. */
	ssize_t (*pread_nowait)(struct rt_fs *fs, int fd, void *out, size_t len,
	    off_t offset);
	ssize_t (*pwrite)(struct rt_fs *fs, int fd, const void *data,
	    size_t len, off_t offset);
	int (*fdatasync)(struct rt_fs *fs, int fd);
	int (*fsync)(struct rt_fs *fs, int fd);
	int (*ftruncate)(struct rt_fs *fs, int fd, off_t len);
	int (*fallocate)(struct rt_fs *fs, int fd, off_t offset, off_t len);
	int (*fstat)(struct rt_fs *fs, int fd, struct stat *out);
	int (*fstatat)(struct rt_fs *fs, int dir, const char *name,
	    struct stat *out);
	int (*linkat)(struct rt_fs *fs, int from_dir, const char *from,
	    int to_dir, const char *to);
	int (*renameat)(struct rt_fs *fs, int from_dir, const char *from,
	    int to_dir, const char *to);
	int (*unlinkat)(struct rt_fs *fs, int dir, const char *name, int flags);
	int (*mkdirat)(struct rt_fs *fs, int dir, const char *name,
	    mode_t mode);
	/* Call each(arg, name) for every entry but "." and "..". */
	int (*list)(struct rt_fs *fs, int dir,
	    void (*each)(void *arg, const char *name), void *arg);
	int (*flock)(struct rt_fs *fs, int fd, int operation);
	/* Bytes that an ordinary user may still write below dir. */
	int64_t (*free_bytes)(struct rt_fs *fs, int dir);
	/* The number by which statfs(2) tells what file system dir is on. NULL:
	 * not known. */
	int64_t (*kind)(struct rt_fs *fs, int dir);
	int (*fadvise)(struct rt_fs *fs, int fd, off_t offset, off_t len,
	    int advice);
	/* Start writing a range back without waiting for it. */
	int (*write_behind)(struct rt_fs *fs, int fd, off_t offset, off_t len);
};

/* The real one. Static; never freed. */
struct rt_fs *rt_fs_posix(void);

/* Open an existing directory by path (any path, relative to the working
 * directory). *fd is closed by rt_fs_close(). */
RT_MUST_USE enum rt_code rt_fs_open_dir(struct rt_fs *fs, const char *path,
    int *fd, struct rt_err *err);
/* Open name below dir as a directory; made first (0700, synced into dir) when
 * `create` and missing. */
RT_MUST_USE enum rt_code rt_fs_open_subdir(struct rt_fs *fs, int dir,
    const char *name, bool create, int *fd, struct rt_err *err);
/* Make a directory (0700), which is not durable yet (F2). RT_EEXIST when the
 * name is taken. */
RT_MUST_USE enum rt_code rt_fs_make_dir(struct rt_fs *fs, int dir,
    const char *name, struct rt_err *err);
/* Never waits and follows no symbolic link (RT_EDAMAGED). */
RT_MUST_USE enum rt_code rt_fs_open_read(struct rt_fs *fs, int dir,
    const char *name, int *fd, struct rt_err *err);
/* A new file, 0600; RT_EEXIST when the name is taken. */
RT_MUST_USE enum rt_code rt_fs_create(struct rt_fs *fs, int dir,
    const char *name, int *fd, struct rt_err *err);
/* An existing file for reading and writing. */
RT_MUST_USE enum rt_code rt_fs_open_write(struct rt_fs *fs, int dir,
    const char *name, int *fd, struct rt_err *err);
/* Close *fd and set it to -1; -1 is accepted. The result matters to a writer
 * only. */
enum rt_code rt_fs_close(struct rt_fs *fs, int *fd, struct rt_err *err);

/* All len bytes or an error; RT_EDAMAGED when the file ends before them. */
RT_MUST_USE enum rt_code rt_fs_read_exact(struct rt_fs *fs, int fd, void *out,
    size_t len, uint64_t offset, struct rt_err *err);
/* Up to len bytes; *got < len only at the end of the file. */
RT_MUST_USE enum rt_code rt_fs_read(struct rt_fs *fs, int fd, void *out,
    size_t len, uint64_t offset, size_t *got, struct rt_err *err);
/* A whole file into out (cleared first); RT_ELIMIT above bytes_max. */
RT_MUST_USE enum rt_code rt_fs_read_file(struct rt_fs *fs, int dir,
    const char *name, size_t bytes_max, struct rt_buf *out, struct rt_err *err);
RT_MUST_USE enum rt_code rt_fs_write_exact(struct rt_fs *fs, int fd,
    const void *data, size_t len, uint64_t offset, struct rt_err *err);
/* A new file with these bytes, synced and closed (its name is not: F2). When
 * it fails after creating the file, the file is unlinked again. */
RT_MUST_USE enum rt_code rt_fs_write_file(struct rt_fs *fs, int dir,
    const char *name, struct rt_slice bytes, struct rt_err *err);
/* RT_EDAMAGED for what is no regular file. */
RT_MUST_USE enum rt_code rt_fs_size(struct rt_fs *fs, int fd, uint64_t *bytes,
    struct rt_err *err);
RT_MUST_USE enum rt_code rt_fs_sync_data(struct rt_fs *fs, int fd,
    struct rt_err *err);
RT_MUST_USE enum rt_code rt_fs_sync(struct rt_fs *fs, int fd,
    struct rt_err *err);
RT_MUST_USE enum rt_code rt_fs_sync_dir(struct rt_fs *fs, int dir,
    struct rt_err *err);
RT_MUST_USE enum rt_code rt_fs_truncate(struct rt_fs *fs, int fd,
    uint64_t bytes, struct rt_err *err);
/* RT_EEXIST when `to` is there already: the compare-and-swap of publishing. */
RT_MUST_USE enum rt_code rt_fs_link(struct rt_fs *fs, int dir,
    const char *from, const char *to, struct rt_err *err);
/* Give the file the same name in another directory, too. */
RT_MUST_USE enum rt_code rt_fs_link_into(struct rt_fs *fs, int from_dir,
    const char *name, int to_dir, struct rt_err *err);
RT_MUST_USE enum rt_code rt_fs_rename(struct rt_fs *fs, int dir,
    const char *from, const char *to, struct rt_err *err);
/* A missing file is RT_ENOTFOUND, which most callers accept. */
enum rt_code rt_fs_unlink(struct rt_fs *fs, int dir, const char *name,
    struct rt_err *err);
/* An empty directory; a missing one is RT_ENOTFOUND. */
enum rt_code rt_fs_remove_dir(struct rt_fs *fs, int dir, const char *name,
    struct rt_err *err);
RT_MUST_USE enum rt_code rt_fs_exists(struct rt_fs *fs, int dir,
    const char *name, bool *exists, struct rt_err *err);
/* Call each(arg, name) for every entry of dir, in no order. */
RT_MUST_USE enum rt_code rt_fs_list(struct rt_fs *fs, int dir,
    void (*each)(void *arg, const char *name), void *arg, struct rt_err *err);

#endif
