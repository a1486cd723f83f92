/* password: whether one that a client gives is the one that is set. What is set
 * is the text itself, or "#" and the 64 hexadecimal digits of its SHA-256, so
 * that the configuration need not have it. Thread: any. */
#ifndef RIPTIDED_CMD_PASSWORD_H
#define RIPTIDED_CMD_PASSWORD_H

#include <stdbool.h>

#include "libcommon/base/slice.h"

/* The time that it takes tells the length of what was given, and nothing of
 * what is set. An empty `set` is no password's. */
bool rtd_password_is(const char *set, struct rt_slice given);

#endif
