/* err: what went wrong, and the trail of where.
 * Thread: any; a struct rt_err belongs to the caller that passes it. */
#ifndef LIBCOMMON_BASE_ERR_H
#define LIBCOMMON_BASE_ERR_H

#include "libcommon/base/attr.h"

enum rt_code {
	RT_OK = 0,
	RT_ENOTFOUND,	/* the key, file or thing is not there */
	RT_EEXIST,	/* it is there already */
	RT_EAGAIN,	/* would block, or try again after something moved */
	RT_EINVAL,	/* a value that is not allowed; nothing changed */
	RT_ELIMIT,	/* larger than a stated limit; nothing changed */
	RT_EIO,		/* the operating system refused; os_errno says why */
	RT_ENOSPC,	/* no space, or over quota */
	RT_EREADONLY,	/* writes are refused for now; reads go on */
	RT_EDAMAGED,	/* bytes on disk are not what was written */
	RT_EFORMAT,	/* written by a newer version: not understood here */
	RT_ELOCKED,	/* owned by another live process */
	RT_EFENCED,	/* a newer holder of our role exists: stop */
	RT_ECONFLICT,	/* the edit no longer fits the newest manifest */
	RT_EUSAGE,	/* command line is wrong */
	RT_ECONFIG,	/* configuration is wrong */
	RT_ESTOPPED,	/* asked to stop before it was done */
	RT_EADDRESS,	/* an address that is in use, or not to be had */
};

#define RT_ERR_TEXT_BYTES 512

/* One failure. Inert when zeroed. Texts are for people: no newline, no
 * trailing dot; each caller going up may put its own words in front. */
struct rt_err {
	enum rt_code code;
	int os_errno;	/* 0 when the operating system was not involved */
	char text[RT_ERR_TEXT_BYTES];
};

/* Fill err (may be NULL) and return code, so that `return rt_err_set(...)`
 * reads well. */
enum rt_code rt_err_set(struct rt_err *err, enum rt_code code,
    const char *fmt, ...) RT_PRINTF(3, 4);

/* The same from an errno value (positive): the code follows from it (ENOSPC
 * and EDQUOT: RT_ENOSPC, EROFS: RT_EREADONLY, ENOENT: RT_ENOTFOUND, EEXIST:
 * RT_EEXIST, EAGAIN: RT_EAGAIN, else RT_EIO) and the text ends with its
 * words. */
enum rt_code rt_err_set_errno(struct rt_err *err, int os_errno,
    const char *fmt, ...) RT_PRINTF(3, 4);

/* Put "words: " in front of the text; returns err->code (RT_EIO for NULL). */
enum rt_code rt_err_prefix(struct rt_err *err, const char *fmt, ...)
    RT_PRINTF(2, 3);

/* Make err inert again. NULL is accepted. */
void rt_err_clear(struct rt_err *err);

/* A short constant name: "not found", "damaged". */
const char *rt_code_name(enum rt_code code);

/* The sysexits value a program ends with for this code. */
int rt_code_exit_status(enum rt_code code);

#endif
