/* dir_image: a directory tree in memory, to be put down again and again. Files
 * and directories alone; fails the test (aborts) on any error.
 * Thread: one at a time. */
#ifndef TESTS_SUPPORT_DIR_IMAGE_H
#define TESTS_SUPPORT_DIR_IMAGE_H

#include "libcommon/base/buf.h"

struct rtt_image_file {
	char *name;		/* relative to the top; with slashes */
	bool directory;
	struct rt_buf bytes;
};

/* Inert when zeroed. */
struct rtt_dir_image {
	struct rtt_image_file *files;	/* a directory before what is in it */
	size_t count;
};

/* Read the tree below path. */
void rtt_dir_image_load(struct rtt_dir_image *image, const char *path);
/* Make the directory path, and all in it. */
void rtt_dir_image_write(const struct rtt_dir_image *image, const char *path);
void rtt_dir_image_fini(struct rtt_dir_image *image);

/* Remove the tree at path; what is not there is fine. */
void rtt_dir_remove(const char *path);

#endif
