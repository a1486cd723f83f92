#include "riptided/cmd/compactor_look.h"

#include "libcommon/os/dirlock.h"
#include "libcommon/os/path.h"

void
rtd_compactor_look(const char *path, struct rtd_compactor_look *out)
{
	struct rt_fs *fs = rt_fs_posix();
	int dir = -1;

	*out = (struct rtd_compactor_look){ .held = false };
	if (rt_fs_open_dir(fs, path, &dir, NULL) != RT_OK)
		return;
	if (rt_dirlock_probe(fs, dir, RT_PATH_LOCK_COMPACTOR, &out->held,
		&out->pid, NULL) != RT_OK)
		out->held = false;
	if (rt_compactor_status_load(fs, dir, &out->status, NULL) != RT_OK)
		out->status = (struct rt_compactor_status){ 0 };
	rt_fs_close(fs, &dir, NULL);
	if (!out->held)
		out->pid = 0;
	else if (out->pid == 0)
		out->pid = (pid_t)out->status.pid;
}

const char *
rtd_compactor_state(const struct rtd_compactor_look *look)
{
	if (!look->held)
		return "absent";
	return look->status.running ? "running" : "idle";
}

int64_t
rtd_compactor_publish_age_s(const struct rtd_compactor_look *look,
    int64_t now_ms)
{
	int64_t age_s;

	if (look->status.last_publish_ms == 0)
		return -1;
	age_s = (now_ms - look->status.last_publish_ms) / 1000;
	return age_s > 0 ? age_s : 0;
}
