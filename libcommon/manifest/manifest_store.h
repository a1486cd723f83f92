/* manifest_store: load the current generation, publish the next. The one place
 * that orders the two processes' reads and writes; its .c opens with the essay.
 * Thread: one caller at a time per store; stores of two threads or processes
 * on one directory are what it is made for. */
#ifndef LIBCOMMON_MANIFEST_MANIFEST_STORE_H
#define LIBCOMMON_MANIFEST_MANIFEST_STORE_H

#include "libcommon/manifest/manifest.h"
#include "libcommon/manifest/manifest_edit.h"
#include "libcommon/os/fs.h"

/* How many generations stay on disk. */
#define RT_MANIFESTS_KEPT 16

struct rt_manifest_store;

/* dir: the open data directory, the caller's. Opens its manifest directory.
 * create: make that directory when missing (the daemon, at first start).
 * RT_ENOTFOUND: no manifest directory. */
RT_MUST_USE enum rt_code rt_manifest_store_open(struct rt_manifest_store **out,
    struct rt_fs *fs, int dir, bool create, struct rt_err *err);
void rt_manifest_store_close(struct rt_manifest_store *store);

/* Publish generation 1 of a new database with a random uuid. RT_EEXIST when
 * there is a generation already. */
RT_MUST_USE enum rt_code rt_manifest_store_create(
    struct rt_manifest_store *store, struct rt_err *err);

/* Begin a copied database: publish the manifest, made by an edit of another
 * directory's, under its own generation. RT_EEXIST as above. */
RT_MUST_USE enum rt_code rt_manifest_store_begin_copy(
    struct rt_manifest_store *store, const struct rt_manifest *manifest,
    struct rt_err *err);

/* The highest generation (*out has one reference). RT_ENOTFOUND: none.
 * RT_EDAMAGED: that file is not whole or breaks an invariant; older ones are
 * never taken in its place. RT_EFORMAT: a newer format or an unknown
 * incompatible feature. */
RT_MUST_USE enum rt_code rt_manifest_store_load(
    struct rt_manifest_store *store, const struct rt_manifest **out,
    struct rt_err *err);

/* The highest generation's number by its name alone; 0: none. */
RT_MUST_USE enum rt_code rt_manifest_store_highest(
    struct rt_manifest_store *store, uint64_t *generation, struct rt_err *err);

/* One given generation (tools). */
RT_MUST_USE enum rt_code rt_manifest_store_load_generation(
    struct rt_manifest_store *store, uint64_t generation,
    const struct rt_manifest **out, struct rt_err *err);

/* Apply the edit to the newest generation and publish the result, starting
 * over whenever another publisher was faster. On success *out (may be NULL)
 * is the manifest that contains the edit, durable.
 * RT_ECONFLICT, RT_EFENCED: not published, nothing changed. Any other error:
 * the outcome may be unknown; *unknown (may be NULL) tells, and the edit must
 * then be looked for with rt_manifest_edit_is_in() before its files are
 * unlinked. */
RT_MUST_USE enum rt_code rt_manifest_store_publish(
    struct rt_manifest_store *store, const struct rt_manifest_edit *edit,
    const struct rt_manifest **out, bool *unknown, struct rt_err *err);

/* Whether the store made a file of this name, or may be making it. */
bool rt_manifest_store_is_ours(const char *name);

/* fsync of the manifest directory: before any unlink that a manifest allows. */
RT_MUST_USE enum rt_code rt_manifest_store_sync_dir(
    struct rt_manifest_store *store, struct rt_err *err);

/* The daemon only: unlink generations older than the last RT_MANIFESTS_KEPT,
 * lowest first, after a directory sync, and temporary files of dead
 * publishers. */
RT_MUST_USE enum rt_code rt_manifest_store_collect(
    struct rt_manifest_store *store, struct rt_err *err);

#endif
