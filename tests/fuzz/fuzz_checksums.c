/* fuzz_checksums: any bytes as a list of checksums. A line that is taken is
 * the line that its checksum and path make; a list is taken to its end, or
 * refused at the first line that is not one. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "libcommon/base/invariant.h"
#include "libcommon/os/checksums.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The line of a path in a directory is the one that was read. A path without
 * one is no file of ours, and compares with none. */
static void
expect_line(const struct rt_checksum *sum, struct rt_slice line)
{
	char dir[RT_CHECKSUM_PATH_BYTES];
	const char *slash = strchr(sum->path, '/');
	struct rt_buf again = { 0 };

	if (slash == NULL)
		return;
	memcpy(dir, sum->path, (size_t)(slash - sum->path));
	dir[slash - sum->path] = '\0';
	rt_checksums_put(&again, dir, slash + 1, sum->crc32c);
	rt_assert(rt_slice_equal(rt_buf_slice(&again), line));
	rt_buf_fini(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rt_slice list = rt_slice(data, size);
	const uint8_t *line = data;
	struct rt_err err = { 0 };
	struct rt_checksum sum;
	enum rt_code code;

	while ((code = rt_checksums_take(&list, &sum, &err)) == RT_OK) {
		rt_assert(list.data + list.len == data + size);
		expect_line(&sum, rt_slice(line, (size_t)(list.data - line)));
		line = list.data;
	}
	rt_assert(code == RT_ENOTFOUND || code == RT_EDAMAGED);
	rt_assert((code == RT_ENOTFOUND) == (list.len == 0));
	return 0;
}
