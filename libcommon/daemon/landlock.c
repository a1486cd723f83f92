/* A ruleset names the kinds of access that are denied unless a rule allows them.
 * All that the kernel knows of are named, as far as its version of the
 * interface says that it knows them; rules give some back below a path. The
 * calls have no wrappers in the C library, and the header may be older than the
 * kernel, so what it may lack is defined here. */
#include "libcommon/daemon/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "libcommon/base/attr.h"

/* From the first version on: bits 0 to 12. */
#define FS_FIRST ((UINT64_C(1) << 13) - 1)
#define FS_REFER (UINT64_C(1) << 13)		/* version 2 */
#define FS_TRUNCATE (UINT64_C(1) << 14)		/* 3 */
#define NET_TCP UINT64_C(3)			/* 4: bind, connect */
#define FS_IOCTL_DEV (UINT64_C(1) << 15)	/* 5 */
#define SCOPES UINT64_C(3)			/* 6: abstract socket, signal */

#define FS_OF_A_FILE \
	(LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE | \
	    LANDLOCK_ACCESS_FS_READ_FILE | FS_TRUNCATE | FS_IOCTL_DEV)

/* struct landlock_ruleset_attr of version 6. An older kernel takes the front of
 * it, and the rest of it if it is zero. */
struct ruleset {
	uint64_t handled_access_fs;
	uint64_t handled_access_net;
	uint64_t scoped;
};

static const uint64_t rights[] = {
	[RT_LANDLOCK_READ] = LANDLOCK_ACCESS_FS_READ_FILE,
	[RT_LANDLOCK_APPEND] = LANDLOCK_ACCESS_FS_WRITE_FILE |
	    LANDLOCK_ACCESS_FS_MAKE_REG,
	[RT_LANDLOCK_ALL] = LANDLOCK_ACCESS_FS_READ_FILE |
	    LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_WRITE_FILE |
	    LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_DIR |
	    LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |
	    FS_REFER | FS_TRUNCATE,
};

int
rt_landlock_abi(void)
{
	long version = syscall(SYS_landlock_create_ruleset, NULL, 0,
	    LANDLOCK_CREATE_RULESET_VERSION);

	return version > 0 ? (int)version : 0;
}

static struct ruleset
all_of(int abi)
{
	struct ruleset all = { .handled_access_fs = FS_FIRST };

	if (abi >= 2)
		all.handled_access_fs |= FS_REFER;
	if (abi >= 3)
		all.handled_access_fs |= FS_TRUNCATE;
	if (abi >= 4)
		all.handled_access_net = NET_TCP;
	if (abi >= 5)
		all.handled_access_fs |= FS_IOCTL_DEV;
	if (abi >= 6)
		all.scoped = SCOPES;
	return all;
}

static enum rt_code
add_place(int ruleset, uint64_t handled, const struct rt_landlock_place *place,
    struct rt_err *err)
{
	struct landlock_path_beneath_attr rule = {
		.allowed_access = rights[place->right] & handled,
	};
	enum rt_code code = RT_OK;
	struct stat status;

	if (place->path[0] == '\0')
		return RT_OK;
	rule.parent_fd = open(place->path, O_PATH | O_CLOEXEC);
	if (rule.parent_fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return RT_OK;
	if (rule.parent_fd < 0 || fstat(rule.parent_fd, &status) != 0)
		code = rt_err_set_errno(err, errno, "landlock: open %.200s",
		    place->path);
	else if (!S_ISDIR(status.st_mode))
		rule.allowed_access &= FS_OF_A_FILE;
	if (code == RT_OK && syscall(SYS_landlock_add_rule, ruleset,
	    LANDLOCK_RULE_PATH_BENEATH, &rule, 0) != 0)
		code = rt_err_set_errno(err, errno, "landlock: rule of %.200s",
		    place->path);
	if (rule.parent_fd >= 0)
		close(rule.parent_fd);
	return code;
}

enum rt_code
rt_landlock_enter(const struct rt_landlock_place *places, size_t count,
    struct rt_err *err)
{
	int abi = rt_landlock_abi();
	struct ruleset all = all_of(abi);
	enum rt_code code = RT_OK;
	int ruleset;

	if (abi == 0)
		return rt_err_set(err, RT_EIO, "landlock: the kernel has none");
	ruleset = (int)syscall(SYS_landlock_create_ruleset, &all, sizeof(all),
	    0);
	if (ruleset < 0)
		return rt_err_set_errno(err, errno, "landlock: rules");
	for (size_t i = 0; i < count && code == RT_OK; i++)
		code = add_place(ruleset, all.handled_access_fs, &places[i],
		    err);
	if (code == RT_OK && syscall(SYS_landlock_restrict_self, ruleset, 0) !=
	    0)
		code = rt_err_set_errno(err, errno, "landlock: enter");
	close(ruleset);
	return code;
}
