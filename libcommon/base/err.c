#include "libcommon/base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

static const struct {
	const char *name;
	int exit_status;
} codes[] = {
	[RT_OK] = { "ok", 0 },
	[RT_ENOTFOUND] = { "not found", EX_NOINPUT },
	[RT_EEXIST] = { "exists", EX_CANTCREAT },
	[RT_EAGAIN] = { "try again", EX_TEMPFAIL },
	[RT_EINVAL] = { "invalid", EX_DATAERR },
	[RT_ELIMIT] = { "over a limit", EX_DATAERR },
	[RT_EIO] = { "input/output error", EX_IOERR },
	[RT_ENOSPC] = { "no space", EX_IOERR },
	[RT_EREADONLY] = { "read-only", EX_CANTCREAT },
	[RT_EDAMAGED] = { "damaged", EX_DATAERR },
	[RT_EFORMAT] = { "newer format", EX_CONFIG },
	[RT_ELOCKED] = { "in use", EX_TEMPFAIL },
	[RT_EFENCED] = { "fenced", EX_TEMPFAIL },
	[RT_ECONFLICT] = { "conflict", EX_TEMPFAIL },
	[RT_EUSAGE] = { "usage", EX_USAGE },
	[RT_ECONFIG] = { "configuration", EX_CONFIG },
	[RT_ESTOPPED] = { "stopped", EX_TEMPFAIL },
	[RT_EADDRESS] = { "address in use", EX_UNAVAILABLE },
};

enum rt_code
rt_err_set(struct rt_err *err, enum rt_code code, const char *fmt, ...)
{
	va_list ap;

	if (err == NULL)
		return code;
	err->code = code;
	err->os_errno = 0;
	va_start(ap, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	return code;
}

static enum rt_code
code_of_errno(int os_errno)
{
	switch (os_errno) {
	case ENOSPC:
	case EDQUOT:
		return RT_ENOSPC;
	case EROFS:
		return RT_EREADONLY;
	case ENOENT:
		return RT_ENOTFOUND;
	case EEXIST:
		return RT_EEXIST;
	case EAGAIN:
		return RT_EAGAIN;
	default:
		return RT_EIO;
	}
}

enum rt_code
rt_err_set_errno(struct rt_err *err, int os_errno, const char *fmt, ...)
{
	va_list ap;
	size_t len;

	if (err == NULL)
		return code_of_errno(os_errno);
	err->code = code_of_errno(os_errno);
	err->os_errno = os_errno;
	va_start(ap, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	len = strlen(err->text);
	snprintf(err->text + len, sizeof(err->text) - len, ": %s",
	    strerrordesc_np(os_errno) != NULL ? strerrordesc_np(os_errno)
					      : "unknown error");
	return err->code;
}

enum rt_code
rt_err_prefix(struct rt_err *err, const char *fmt, ...)
{
	char tail[RT_ERR_TEXT_BYTES];
	va_list ap;
	size_t len;

	if (err == NULL)
		return RT_EIO;
	memcpy(tail, err->text, sizeof(tail));
	va_start(ap, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	len = strlen(err->text);
	snprintf(err->text + len, sizeof(err->text) - len, ": %s", tail);
	return err->code;
}

void
rt_err_clear(struct rt_err *err)
{
	if (err != NULL)
		*err = (struct rt_err){ .code = RT_OK };
}

const char *
rt_code_name(enum rt_code code)
{
	if ((unsigned)code >= RT_COUNTOF(codes))
		return "unknown";
	return codes[code].name;
}

int
rt_code_exit_status(enum rt_code code)
{
	if ((unsigned)code >= RT_COUNTOF(codes))
		return EX_SOFTWARE;
	return codes[code].exit_status;
}
