/* memory_files: a flat directory of a few files in memory, for decoders that
 * read through struct rt_fs: opening, reading, writing at the end, renaming,
 * listing. A directory descriptor says nothing. Thread: one. */
#ifndef TESTS_FUZZ_MEMORY_FILES_H
#define TESTS_FUZZ_MEMORY_FILES_H

#include "libcommon/os/fs.h"

#define RTT_MEMORY_FILES_MAX 8
#define RTT_MEMORY_NAME_BYTES 64

struct rtt_memory_file {
	char name[RTT_MEMORY_NAME_BYTES];	/* "": no such file */
	struct rt_buf bytes;
};

struct rtt_memory_files {
	struct rt_fs fs;	/* first */
	struct rtt_memory_file files[RTT_MEMORY_FILES_MAX];
};

void rtt_memory_files_init(struct rtt_memory_files *files);
void rtt_memory_files_fini(struct rtt_memory_files *files);

/* A new, empty file; there is room for RTT_MEMORY_FILES_MAX. Its bytes are the
 * caller's to fill. */
struct rt_buf *rtt_memory_files_add(struct rtt_memory_files *files,
    const char *name);

#endif
