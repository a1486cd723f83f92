/* page_files: the files of the live page (riptided/http/page), which the build
 * puts into the program. Constants. */
#ifndef RIPTIDED_HTTP_PAGE_FILES_H
#define RIPTIDED_HTTP_PAGE_FILES_H

#include <stddef.h>
#include <stdint.h>

struct rtd_page_file {
	const char *path;	/* of the request */
	const char *type;
	const uint8_t *bytes;
	size_t len;
};

extern const struct rtd_page_file rtd_page_files[];
extern const size_t rtd_page_files_count;

#endif
