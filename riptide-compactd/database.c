#include "riptide-compactd/database.h"

#include "libcommon/os/network_fs.h"

enum rt_code
rtc_database_open(struct rtc_database *database, struct rt_fs *fs,
    const struct rt_config *config, struct rt_err *err)
{
	const char *path = config->dir;
	uint64_t highest = 0;
	enum rt_code code;

	*database = (struct rtc_database){ .fs = fs, .dir = -1, .sst = -1 };
	code = rt_fs_open_dir(fs, path, &database->dir, err);
	if (code == RT_OK)
		code = rt_network_fs_refuse(fs, database->dir, path,
		    config->unsafe_filesystem, err);
	if (code == RT_OK)
		code = rt_manifest_store_open(&database->store, fs,
		    database->dir, false, err);
	if (code == RT_OK)
		code = rt_manifest_store_highest(database->store, &highest,
		    err);
	if (code == RT_OK && highest == 0)
		code = rt_err_set(err, RT_ENOTFOUND, "no manifest");
	if (code == RT_OK)
		code = rt_fs_open_subdir(fs, database->dir, RT_PATH_DIR_SST,
		    false, &database->sst, err);
	if (code == RT_ENOTFOUND)
		rt_err_prefix(err, "%s is not a database", path);
	return code;
}

void
rtc_database_close(struct rtc_database *database)
{
	rt_manifest_store_close(database->store);
	database->store = NULL;
	rt_fs_close(database->fs, &database->sst, NULL);
	rt_fs_close(database->fs, &database->dir, NULL);
}
