/* option: options.def as an array, and one value at a time: find, check,
 * store, print. config is the only user. Thread: that of the config. */
#ifndef LIBCOMMON_DAEMON_OPTION_H
#define LIBCOMMON_DAEMON_OPTION_H

#include <stddef.h>
#include <stdint.h>

#include "libcommon/base/attr.h"
#include "libcommon/base/buf.h"
#include "libcommon/base/err.h"
#include "libcommon/base/slice.h"
#include "libcommon/daemon/config.h"

enum rt_option_kind {
	RT_OPTION_IS_BOOL,
	RT_OPTION_IS_INT,
	RT_OPTION_IS_BYTES,
	RT_OPTION_IS_TEXT,
	RT_OPTION_IS_ENUM
};

struct rt_option {
	const char *name;
	enum rt_option_kind kind;
	size_t offset;		/* of the member in struct rt_config */
	int64_t def, min, max;	/* no size reaches 2^63 */
	const char *text;	/* TEXT: the default; ENUM: "word|word" */
	unsigned who;		/* RT_FOR_*, RT_AT_RUNTIME */
	const char *help;
};

#define RT_OPTION_VALUE_BYTES_MAX 8192

size_t rt_option_count(void);
const struct rt_option *rt_option_at(size_t index);
/* NULL when there is none; names are case-blind, as in Redis. */
const struct rt_option *rt_option_find(struct rt_slice name);

/* The option whose name is so near that it may have been meant, or NULL. */
const struct rt_option *rt_option_near(struct rt_slice name);
/* Edits (insert, delete, replace, swap neighbours) that turn a into b; names
 * above 64 bytes are infinitely far: SIZE_MAX. */
size_t rt_option_distance(struct rt_slice a, struct rt_slice b);

/* Does the value consist of any number of words? */
bool rt_option_takes_words(const struct rt_option *option);

/* Is the value a password? */
bool rt_option_is_secret(const struct rt_option *option);

void rt_option_set_default(const struct rt_option *option,
    struct rt_config *config);
/* Check value and store it. RT_EINVAL with "70000 is out of range, allowed: 0
 * to 65535"; nothing changes then. */
RT_MUST_USE enum rt_code rt_option_set(const struct rt_option *option,
    struct rt_config *config, struct rt_slice value, struct rt_err *err);

/* The option's value in `from` becomes that in `to`. */
void rt_option_copy(const struct rt_option *option, struct rt_config *to,
    const struct rt_config *from);

/* The value as CONFIG GET says it: sizes in bytes. */
void rt_option_print(const struct rt_option *option,
    const struct rt_config *config, struct rt_buf *out);
/* The default as a person writes it: sizes with their unit. */
void rt_option_print_default(const struct rt_option *option,
    struct rt_buf *out);
/* "0 to 65535", "yes, no". */
void rt_option_print_allowed(const struct rt_option *option,
    struct rt_buf *out);

#endif
