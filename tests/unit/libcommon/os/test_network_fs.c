#include "libcommon/os/network_fs.h"

#include <errno.h>
#include <linux/magic.h>

#include "tests/support/runner.h"
#include "tests/support/scratch_dir.h"

static int64_t pretended;

static int64_t
pretend(struct rt_fs *fs, int dir)
{
	return pretended;
}

static enum rt_code
look(int64_t kind, bool accepted, struct rt_err *err)
{
	struct rt_fs fs = *rt_fs_posix();

	fs.kind = pretend;
	pretended = kind;
	rt_err_clear(err);
	return rt_network_fs_refuse(&fs, -1, "/some/where", accepted, err);
}

START_TEST(file_systems_of_other_machines_are_refused_by_name)
{
	static const struct {
		int64_t kind;
		const char *name;
	} cases[] = { { NFS_SUPER_MAGIC, "NFS" }, { SMB_SUPER_MAGIC, "SMB" },
		{ 0xFF534D42, "SMB" }, { 0xFE534D42, "SMB" },
		{ V9FS_MAGIC, "9p" }, { AFS_SUPER_MAGIC, "AFS" },
		{ 0x00C36400, "Ceph" }, { 0x65735546, "FUSE" } };
	struct rt_err err = { 0 };

	for (size_t i = 0; i < RT_COUNTOF(cases); i++) {
		ck_assert_int_eq(look(cases[i].kind, false, &err), RT_ECONFIG);
		ck_assert_ptr_nonnull(strstr(err.text, "/some/where"));
		ck_assert_ptr_nonnull(strstr(err.text, cases[i].name));
		ck_assert_ptr_nonnull(strstr(err.text, "unsafe-filesystem"));
	}
}
END_TEST

START_TEST(who_says_so_may_use_them)
{
	struct rt_err err = { 0 };

	ck_assert_int_eq(look(NFS_SUPER_MAGIC, true, &err), RT_OK);
}
END_TEST

START_TEST(local_and_unknown_ones_are_accepted)
{
	struct rt_err err = { 0 };
	struct rtt_scratch scratch;
	struct rt_fs fs = *rt_fs_posix();

	ck_assert_int_eq(look(EXT4_SUPER_MAGIC, false, &err), RT_OK);
	ck_assert_int_eq(look(TMPFS_MAGIC, false, &err), RT_OK);
	ck_assert_int_eq(look(BTRFS_SUPER_MAGIC, false, &err), RT_OK);
	ck_assert_int_eq(look(-EIO, false, &err), RT_OK);
	fs.kind = NULL;
	ck_assert_int_eq(rt_network_fs_refuse(&fs, -1, ".", false, &err),
	    RT_OK);
	rtt_scratch_init(&scratch);
	ck_assert_int_ge(rt_fs_posix()->kind(rt_fs_posix(), scratch.fd), 0);
	rtt_scratch_fini(&scratch);
}
END_TEST

RTT_MAIN("network_fs", file_systems_of_other_machines_are_refused_by_name,
    who_says_so_may_use_them, local_and_unknown_ones_are_accepted)
