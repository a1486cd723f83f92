#include "libcommon/daemon/log_journal.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "libcommon/base/coding.h"

/* journald leaves fields with longer names away. */
#define NAME_BYTES_MAX 64
#define PREFIX "RIPTIDE_"

struct entry {
	char *out;
	size_t len;
};

int
rt_journal_connect(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof(address.sun_path))
		return -1;
	memcpy(address.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -1;
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static void
add(struct entry *entry, const void *bytes, size_t len)
{
	memcpy(entry->out + entry->len, bytes, len);
	entry->len += len;
}

/* name: as journald wants it. A value with a newline is told by its length. */
static void
add_field(struct entry *entry, const char *name, struct rt_slice value)
{
	size_t name_len = strlen(name);
	uint8_t length[8];

	if (entry->len + name_len + value.len + sizeof(length) + 2 >
	    RT_JOURNAL_ENTRY_BYTES_MAX)
		return;
	add(entry, name, name_len);
	if (value.len != 0 && memchr(value.data, '\n', value.len) != NULL) {
		rt_put_fixed64(length, value.len);
		add(entry, "\n", 1);
		add(entry, length, sizeof(length));
	} else {
		add(entry, "=", 1);
	}
	if (value.len != 0)
		add(entry, value.data, value.len);
	add(entry, "\n", 1);
}

static void
add_text(struct entry *entry, const char *name, const char *value)
{
	add_field(entry, name, rt_slice_cstr(value));
}

static void
add_own_field(struct entry *entry, const struct rt_log_field *field)
{
	char name[NAME_BYTES_MAX + 1] = PREFIX;
	size_t len = sizeof(PREFIX) - 1;

	for (size_t i = 0; i < field->name.len && len < NAME_BYTES_MAX; i++) {
		uint8_t byte = field->name.data[i];

		name[len++] = isalnum(byte) ? (char)toupper(byte) : '_';
	}
	name[len] = '\0';
	add_field(entry, name, field->value);
}

static const char *
priority_of(enum rt_loglevel level)
{
	switch (level) {
	case RT_LOG_DEBUG: return "7";
	case RT_LOG_VERBOSE: return "6";
	case RT_LOG_NOTICE: return "5";
	case RT_LOG_WARNING: return "4";
	}
	return "4";
}

/* The line; of logfmt from area on, since the journal has the rest by itself. */
static void
add_message(struct entry *entry, const struct rt_log_event *event,
    enum rt_log_format format)
{
	char line[RT_LOG_LINE_BYTES_MAX];
	size_t len = rt_log_line_write(event, format, line) - 1;
	const char *area = memmem(line, len, " area=", 6);

	if (format == RT_LOG_TEXT && area != NULL)
		add_field(entry, "MESSAGE",
		    rt_slice(area + 1, (size_t)(line + len - area) - 1));
	else
		add_field(entry, "MESSAGE", rt_slice(line, len));
}

size_t
rt_journal_entry(const struct rt_log_event *event, enum rt_log_format format,
    char *out)
{
	struct entry entry = { .out = out };
	const char *fields = event->fields;
	struct rt_log_field field;
	char number[24];

	add_message(&entry, event, format);
	add_text(&entry, "PRIORITY", priority_of(event->level));
	add_text(&entry, "SYSLOG_IDENTIFIER", event->program);
	add_text(&entry, PREFIX "AREA", event->area);
	add_text(&entry, PREFIX "EVENT", event->event);
	if (event->left_out != 0) {
		(void)snprintf(number, sizeof(number), "%llu",
		    event->left_out);
		add_text(&entry, PREFIX "LEFT_OUT", number);
	}
	while (rt_log_field_next(&fields, &field))
		add_own_field(&entry, &field);
	return entry.len;
}
