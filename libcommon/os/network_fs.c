#include "libcommon/os/network_fs.h"

#include <linux/magic.h>

/* Not in every version of linux/magic.h. */
#define MAGIC_CIFS 0xFF534D42
#define MAGIC_SMB2 0xFE534D42
#define MAGIC_AFS_KERNEL 0x6B414653
#define MAGIC_CEPH 0x00C36400
#define MAGIC_FUSE 0x65735546

static const struct {
	uint32_t magic;
	const char *name;
} refused[] = {
	{ NFS_SUPER_MAGIC, "NFS" },
	{ SMB_SUPER_MAGIC, "SMB" },
	{ MAGIC_CIFS, "SMB (CIFS)" },
	{ MAGIC_SMB2, "SMB" },
	{ V9FS_MAGIC, "9p" },
	{ AFS_SUPER_MAGIC, "AFS" },
	{ MAGIC_AFS_KERNEL, "AFS" },
	{ CODA_SUPER_MAGIC, "Coda" },
	{ NCP_SUPER_MAGIC, "NCP" },
	{ MAGIC_CEPH, "Ceph" },
	{ MAGIC_FUSE, "FUSE" },
};

enum rt_code
rt_network_fs_refuse(struct rt_fs *fs, int dir, const char *path,
    bool accepted, struct rt_err *err)
{
	int64_t kind = fs->kind != NULL && !accepted ? fs->kind(fs, dir) : -1;

	for (size_t i = 0; kind >= 0 && i < RT_COUNTOF(refused); i++)
		if ((uint32_t)kind == refused[i].magic)
			return rt_err_set(err, RT_ECONFIG,
			    "%s lies on %s, where locks and syncs may not hold "
			    "what they promise: choose a local file system, or "
			    "set unsafe-filesystem yes", path,
			    refused[i].name);
	return RT_OK;
}
