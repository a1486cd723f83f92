#include "riptided/cmd/slowlog.h"

#include <stdio.h>
#include <stdlib.h>

#include "libcommon/base/coding.h"
#include "libcommon/base/invariant.h"

static void
put_arg(struct rt_buf *out, struct rt_slice arg)
{
	char more[48];
	size_t kept = arg.len, more_len = 0;

	if (kept > RTD_SLOWLOG_ARG_BYTES_MAX) {
		kept = RTD_SLOWLOG_ARG_BYTES_MAX;
		more_len = (size_t)snprintf(more, sizeof(more),
		    "... (%zu more bytes)", arg.len - kept);
	}
	rt_buf_put_varint(out, kept + more_len);
	rt_buf_append(out, arg.data, kept);
	rt_buf_append(out, more, more_len);
}

static void
put_args(struct rtd_slowlog_entry *entry, const struct rt_slice *argv,
    size_t argc)
{
	char more[48];
	int len;

	entry->argc = argc <= RTD_SLOWLOG_ARGS_MAX ? argc :
	    RTD_SLOWLOG_ARGS_MAX;
	for (size_t i = 0; i < entry->argc; i++) {
		if (i + 1 == entry->argc && argc > entry->argc) {
			len = snprintf(more, sizeof(more),
			    "... (%zu more arguments)", argc - entry->argc + 1);
			put_arg(&entry->args, rt_slice(more, (size_t)len));
		} else {
			put_arg(&entry->args, argv[i]);
		}
	}
}

void
rtd_slowlog_entry_free(struct rtd_slowlog_entry *entry)
{
	if (entry == NULL)
		return;
	rt_buf_fini(&entry->args);
	free(entry);
}

static void
cut(struct rtd_slowlog *log, size_t entries_max)
{
	struct rtd_slowlog_entry **link = &log->newest, *entry;

	if (log->count <= entries_max)
		return;
	for (size_t i = 0; i < entries_max; i++)
		link = &(*link)->older;
	while ((entry = *link) != NULL) {
		*link = entry->older;
		rtd_slowlog_entry_free(entry);
	}
	log->count = entries_max;
}

struct rtd_slowlog_entry *
rtd_slowlog_entry_new(const struct rt_slice *argv, size_t argc,
    const char *peer, const char *name)
{
	struct rtd_slowlog_entry *entry = rt_alloc_zero(1, sizeof(*entry));

	snprintf(entry->peer, sizeof(entry->peer), "%s", peer);
	snprintf(entry->name, sizeof(entry->name), "%s", name);
	put_args(entry, argv, argc);
	return entry;
}

void
rtd_slowlog_put(struct rtd_slowlog *log, struct rtd_slowlog_entry *entry,
    int64_t usec, int64_t at_s, size_t entries_max)
{
	entry->id = log->next_id++;
	entry->at_s = at_s;
	entry->usec = usec;
	entry->older = log->newest;
	log->newest = entry;
	log->count++;
	cut(log, entries_max);
}

void
rtd_slowlog_add(struct rtd_slowlog *log, const struct rt_slice *argv,
    size_t argc, int64_t usec, int64_t at_s, const char *peer,
    const char *name, size_t entries_max)
{
	rtd_slowlog_put(log, rtd_slowlog_entry_new(argv, argc, peer, name),
	    usec, at_s, entries_max);
}

void
rtd_slowlog_clear(struct rtd_slowlog *log)
{
	cut(log, 0);
}
