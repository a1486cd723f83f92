/* slowlog: the last commands that took long, for SLOWLOG. Arguments are cut as
 * Redis cuts them: at most 32, each at most 128 bytes. Thread: loop. */
#ifndef RIPTIDED_CMD_SLOWLOG_H
#define RIPTIDED_CMD_SLOWLOG_H

#include <stddef.h>
#include <stdint.h>

#include "libcommon/base/buf.h"
#include "libcommon/base/slice.h"

#define RTD_SLOWLOG_ARGS_MAX 32
#define RTD_SLOWLOG_ARG_BYTES_MAX 128

struct rtd_slowlog_entry {
	struct rtd_slowlog_entry *older;
	uint64_t id;
	int64_t at_s;		/* wall clock */
	int64_t usec;
	char peer[64];
	char name[128];
	size_t argc;
	struct rt_buf args;	/* argc times: varint length, bytes */
};

/* Inert when zeroed. */
struct rtd_slowlog {
	struct rtd_slowlog_entry *newest;
	size_t count;
	uint64_t next_id;
};

/* Words of a command that may turn out to be slow; those of
 * rtd_slowlog_add(). */
struct rtd_slowlog_entry *rtd_slowlog_entry_new(const struct rt_slice *argv,
    size_t argc, const char *peer, const char *name);
/* NULL is accepted. */
void rtd_slowlog_entry_free(struct rtd_slowlog_entry *entry);
/* It was slow: the log takes the entry. */
void rtd_slowlog_put(struct rtd_slowlog *log, struct rtd_slowlog_entry *entry,
    int64_t usec, int64_t at_s, size_t entries_max);

/* Remember one command and forget the oldest beyond entries_max. Of argv only
 * the first RTD_SLOWLOG_ARGS_MAX are looked at. */
void rtd_slowlog_add(struct rtd_slowlog *log, const struct rt_slice *argv,
    size_t argc, int64_t usec, int64_t at_s, const char *peer,
    const char *name, size_t entries_max);
/* Forget all; also the fini. Ids go on rising. */
void rtd_slowlog_clear(struct rtd_slowlog *log);

#endif
