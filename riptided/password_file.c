#include "riptided/password_file.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

/* A password, a line's end, and one byte to see that there is more. */
#define FILE_BYTES_MAX 1024

static enum rt_code
check_status(struct rt_fs *fs, int fd, struct rt_err *err)
{
	struct stat status;
	int failed = fs->fstat(fs, fd, &status);

	if (failed < 0)
		return rt_err_set_errno(err, -failed, "cannot be read");
	if (!S_ISREG(status.st_mode))
		return rt_err_set(err, RT_ECONFIG, "is not a file");
	if ((status.st_mode & 077) != 0)
		return rt_err_set(err, RT_ECONFIG, "others may use it (mode "
		    "%03o), allowed: 600 or 400",
		    (unsigned)status.st_mode & 0777u);
	return RT_OK;
}

/* text: RT_OK only; without the line's end. */
static enum rt_code
read_password(struct rt_fs *fs, const char *path, char text[FILE_BYTES_MAX + 1],
    struct rt_err *err)
{
	int fd = fs->openat(fs, AT_FDCWD, path,
	    O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0);
	enum rt_code code;
	size_t got = 0;

	if (fd < 0)
		return rt_err_set_errno(err, -fd, "cannot be opened");
	code = check_status(fs, fd, err);
	if (code == RT_OK)
		code = rt_fs_read(fs, fd, text, FILE_BYTES_MAX, 0, &got, err);
	rt_fs_close(fs, &fd, NULL);
	if (code != RT_OK)
		return code;
	text[got] = '\0';
	text[strcspn(text, "\r\n")] = '\0';
	if (text[0] == '\0')
		return rt_err_set(err, RT_ECONFIG, "its first line is empty");
	return RT_OK;
}

static enum rt_code
load(struct rt_fs *fs, struct rt_config *config, const char *name,
    const char *path, const char *now, struct rt_err *err)
{
	char text[FILE_BYTES_MAX + 1];
	enum rt_code code;

	if (path[0] == '\0')
		return RT_OK;
	if (now[0] != '\0')
		return rt_err_set(err, RT_ECONFIG,
		    "%s: given beside %s-file, allowed: one of them", name,
		    name);
	code = read_password(fs, path, text, err);
	if (code == RT_OK)
		code = rt_config_set(config, rt_slice_cstr(name),
		    rt_slice_cstr(text), false, err);
	explicit_bzero(text, sizeof(text));
	if (code == RT_OK)
		return RT_OK;
	rt_err_prefix(err, "%s-file: %.200s", name, path);
	if (err != NULL)
		err->code = RT_ECONFIG;
	return RT_ECONFIG;
}

enum rt_code
rtd_password_files_load(struct rt_fs *fs, struct rt_config *config,
    struct rt_err *err)
{
	enum rt_code code;

	code = load(fs, config, "requirepass", config->requirepass_file,
	    config->requirepass, err);
	if (code == RT_OK)
		code = load(fs, config, "requirepass-readonly",
		    config->requirepass_readonly_file,
		    config->requirepass_readonly, err);
	if (code == RT_OK && config->requirepass_readonly[0] != '\0' &&
	    config->requirepass[0] == '\0')
		code = rt_err_set(err, RT_ECONFIG, "requirepass-readonly: "
		    "wants requirepass, without which everybody may write");
	return code;
}
