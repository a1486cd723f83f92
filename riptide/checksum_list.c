#include "riptide/checksum_list.h"

#include <inttypes.h>
#include <stdio.h>

#include "libcommon/base/crc32c.h"
#include "libcommon/manifest/manifest_codec.h"
#include "libcommon/os/checksums.h"
#include "libcommon/os/path.h"

/* A line is as long as its path; a manifest's tables are bounded. */
#define LIST_BYTES_MAX RT_MANIFEST_BYTES_MAX

/* The part of the path behind "dir/"; NULL: it is another directory. */
static const char *
name_below(const struct rt_checksum *sum, const char *dir)
{
	size_t len = strlen(dir);

	return strncmp(sum->path, dir, len) == 0 && sum->path[len] == '/'
	    ? sum->path + len + 1 : NULL;
}

static enum rt_code
compare_table(const struct rt_checksum *sum,
    const struct rt_manifest_table *table, struct rt_err *err)
{
	const char *name = name_below(sum, RT_PATH_DIR_SST);
	char wanted[RT_PATH_NAME_BYTES];

	rt_path_table(wanted, table->id);
	if (name == NULL || strcmp(name, wanted) != 0)
		return rt_err_set(err, RT_EDAMAGED,
		    "it has %s where the manifest has sst/%s", sum->path,
		    wanted);
	if (table->crc32c != sum->crc32c)
		return rt_err_set(err, RT_EDAMAGED, "it says %08" PRIx32
		    " of %s, and the manifest says %08" PRIx32, sum->crc32c,
		    sum->path, table->crc32c);
	return RT_OK;
}

static enum rt_code
compare_manifest(struct rt_fs *fs, int dir, const struct rt_checksum *sum,
    const struct rt_manifest *manifest, struct rt_err *err)
{
	const char *name = name_below(sum, RT_PATH_DIR_MANIFEST);
	char wanted[RT_PATH_NAME_BYTES];
	struct rt_buf bytes = { 0 };
	enum rt_code code;
	uint32_t crc32c;
	int fd = -1;

	rt_path_manifest(wanted, manifest->generation);
	if (name == NULL || strcmp(name, wanted) != 0)
		return rt_err_set(err, RT_EDAMAGED,
		    "it has %s after all tables of the manifest", sum->path);
	code = rt_fs_open_subdir(fs, dir, RT_PATH_DIR_MANIFEST, false, &fd,
	    err);
	if (code == RT_OK)
		code = rt_fs_read_file(fs, fd, name, RT_MANIFEST_BYTES_MAX,
		    &bytes, err);
	crc32c = rt_crc32c(0, bytes.data, bytes.len);
	if (code == RT_OK && crc32c != sum->crc32c)
		code = rt_err_set(err, RT_EDAMAGED, "it says %08" PRIx32
		    " of %s, which has %08" PRIx32, sum->crc32c, sum->path,
		    crc32c);
	rt_buf_fini(&bytes);
	rt_fs_close(fs, &fd, NULL);
	return code;
}

/* The last line's generation says whether the list is of today. */
static enum rt_code
find_generation(struct rt_slice list, uint64_t *generation, struct rt_err *err)
{
	struct rt_checksum sum = { .path = "" };
	const char *name;
	enum rt_code code;

	while ((code = rt_checksums_take(&list, &sum, err)) == RT_OK)
		;
	if (code != RT_ENOTFOUND)
		return code;
	name = name_below(&sum, RT_PATH_DIR_MANIFEST);
	if (name == NULL || !rt_path_parse_manifest(name, generation))
		return rt_err_set(err, RT_EDAMAGED,
		    "its last line is not that of a manifest");
	return RT_OK;
}

static enum rt_code
compare_run(struct rt_slice *list, const struct rt_manifest_run *run,
    struct rt_err *err)
{
	struct rt_checksum sum;
	enum rt_code code = RT_OK;

	for (size_t i = 0; i < run->tables_count && code == RT_OK; i++) {
		code = rt_checksums_take(list, &sum, err);
		if (code == RT_OK)
			code = compare_table(&sum, &run->tables[i], err);
	}
	return code;
}

/* The lines stand in the order of the manifest, whose own is the last. */
static enum rt_code
compare_lines(struct rt_fs *fs, int dir, struct rt_slice list,
    const struct rt_manifest *manifest, struct rt_err *err)
{
	struct rt_checksum sum;
	enum rt_code code = RT_OK;

	for (size_t i = 0; i < manifest->runs_count && code == RT_OK; i++)
		code = compare_run(&list, &manifest->runs[i], err);
	if (code == RT_OK)
		code = rt_checksums_take(&list, &sum, err);
	if (code == RT_ENOTFOUND)
		return rt_err_set(err, RT_EDAMAGED,
		    "it has fewer lines than the manifest has tables");
	if (code == RT_OK)
		code = compare_manifest(fs, dir, &sum, manifest, err);
	if (code == RT_OK && list.len != 0)
		code = rt_err_set(err, RT_EDAMAGED,
		    "it goes on after the manifest's line");
	return code;
}

enum rt_code
rtl_checksum_list_compare(struct rt_fs *fs, int dir,
    const struct rt_manifest *manifest, bool *listed, struct rt_err *err)
{
	struct rt_buf list = { 0 };
	uint64_t generation = 0;
	enum rt_code code;

	*listed = false;
	code = rt_fs_read_file(fs, dir, RT_PATH_CHECKSUMS, LIST_BYTES_MAX,
	    &list, err);
	if (code == RT_ENOTFOUND) {
		rt_err_clear(err);
		return RT_OK;
	}
	if (code == RT_OK)
		code = find_generation(rt_buf_slice(&list), &generation, err);
	if (code == RT_OK && generation > manifest->generation)
		code = rt_err_set(err, RT_EDAMAGED, "it is of generation %"
		    PRIu64 ", and the newest manifest is %" PRIu64, generation,
		    manifest->generation);
	if (code == RT_OK && generation == manifest->generation) {
		*listed = true;
		code = compare_lines(fs, dir, rt_buf_slice(&list), manifest,
		    err);
	}
	rt_buf_fini(&list);
	return code;
}
