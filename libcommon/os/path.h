/* path: every name in a data directory is made and parsed here. Names are
 * exact: what does not parse is not ours and is left alone. The layout is in
 * docs/formats/directory.md. Thread: any. */
#ifndef LIBCOMMON_OS_PATH_H
#define LIBCOMMON_OS_PATH_H

#include <stdbool.h>
#include <stdint.h>

#include "libcommon/base/slice.h"

#define RT_PATH_LOCK_DAEMON "LOCK"
#define RT_PATH_LOCK_COMPACTOR "COMPACTOR.LOCK"
#define RT_PATH_COMPACTOR_STATUS "COMPACTOR"
#define RT_PATH_COMPACTOR_STATUS_TMP "COMPACTOR.tmp"
#define RT_PATH_PROGRESS "COMPACTOR.PROGRESS"
#define RT_PATH_PROGRESS_TMP "COMPACTOR.PROGRESS.tmp"
#define RT_PATH_BALLAST "BALLAST"
#define RT_PATH_DIR_MANIFEST "manifest"
#define RT_PATH_DIR_WAL "wal"
#define RT_PATH_DIR_SST "sst"
#define RT_PATH_DIR_CHECKPOINTS "checkpoints"
/* In a checkpoint alone. */
#define RT_PATH_CHECKSUMS "CHECKSUMS"

#define RT_PATH_NAME_BYTES 64
#define RT_PATH_CHECKPOINT_NAME_MAX 64
#define RT_PATH_CHECKPOINT_BYTES (RT_PATH_CHECKPOINT_NAME_MAX + 8)

/* Who made a table: the daemon (maker_epoch 0) or a compactor epoch (>= 1).
 * The pair names the file for ever. */
struct rt_file_id {
	uint64_t maker_epoch;
	uint64_t number;	/* >= 1 */
};

/* Whether both name the same file. */
static inline bool
rt_file_id_equal(struct rt_file_id a, struct rt_file_id b)
{
	return a.maker_epoch == b.maker_epoch && a.number == b.number;
}

/* Each writes a NUL-ended name into out and returns it. */
char *rt_path_manifest(char out[RT_PATH_NAME_BYTES], uint64_t generation);
char *rt_path_wal(char out[RT_PATH_NAME_BYTES], uint64_t number);
/* A file whose space is prepared for a segment to come. */
char *rt_path_wal_spare(char out[RT_PATH_NAME_BYTES], uint64_t number);
char *rt_path_table(char out[RT_PATH_NAME_BYTES], struct rt_file_id id);

/* True when name is exactly what the maker above gives; *out is set then. */
bool rt_path_parse_manifest(const char *name, uint64_t *generation);
bool rt_path_parse_wal(const char *name, uint64_t *number);
bool rt_path_parse_wal_spare(const char *name, uint64_t *number);
bool rt_path_parse_table(const char *name, struct rt_file_id *id);

/* A name that a user may give to a checkpoint: 1 to
 * RT_PATH_CHECKPOINT_NAME_MAX of A-Z a-z 0-9 . _ -, no dot in front. */
bool rt_path_is_checkpoint(struct rt_slice name);
/* The directory in which that checkpoint is being made; no checkpoint's
 * name. */
char *rt_path_checkpoint_part(char out[RT_PATH_CHECKPOINT_BYTES],
    const char *name);
bool rt_path_is_checkpoint_part(const char *name);

#endif
