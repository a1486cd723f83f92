/* log: the line is built on the stack and leaves with one write(2) to a file
 * opened for appending, so lines of several threads and of both programs do
 * not mix. A pipe or terminal that nobody reads would stop the writer: such a
 * line is left out and counted. */
#include "libcommon/daemon/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libcommon/base/invariant.h"
#include "libcommon/daemon/log_journal.h"
#include "libcommon/daemon/log_line.h"
#include "libcommon/os/clock.h"

/* "<5>" */
#define PREFIX_BYTES 3

static struct {
	_Atomic int level;
	_Atomic int format;
	_Atomic int fd;		/* stays the same number while open */
	_Atomic unsigned long long lost;	/* lines nobody took */
	void (*_Atomic before)(void);	/* a line on standard error, or NULL */
	_Atomic bool journal;	/* standard error is journald's */
	_Atomic int entries;	/* takes entries of its fields, or -1 */
	const char *program;
	char *path;		/* NULL: standard error */
} the_log = { .level = RT_LOG_NOTICE, .format = RT_LOG_TEXT,
	.fd = STDERR_FILENO, .entries = -1, .program = "riptide" };

/* What rt_log_allowed leaves for the rt_log call behind it. */
static _Thread_local unsigned long long left_out_here;

static int
open_file(const char *path)
{
	int fd;

	/* A FIFO without a reader is an error and not a reason to wait. */
	do
		fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC |
		    O_NOCTTY | O_NONBLOCK, 0600);
	while (fd < 0 && errno == EINTR);
	return fd;
}

/* journald tells services which stream is its own, as device:inode
 * (systemd.exec(5)). Somebody may have put another file in its place. */
static bool
is_journal(int fd)
{
	const char *text = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat status;

	return text != NULL &&
	    sscanf(text, "%llu:%llu", &device, &inode) == 2 &&
	    fstat(fd, &status) == 0 && status.st_dev == device &&
	    status.st_ino == inode;
}

/* What syslog(3) calls a level, in the prefix that journald takes for it
 * (sd-daemon(3)); it is not part of the line then. */
static size_t
put_priority(char out[PREFIX_BYTES], enum rt_loglevel level)
{
	static const char priorities[] = {
		[RT_LOG_DEBUG] = '7',
		[RT_LOG_VERBOSE] = '6',
		[RT_LOG_NOTICE] = '5',
		[RT_LOG_WARNING] = '4',
	};

	if (!atomic_load(&the_log.journal) ||
	    atomic_load(&the_log.fd) != STDERR_FILENO)
		return 0;
	out[0] = '<';
	out[1] = priorities[level];
	out[2] = '>';
	return PREFIX_BYTES;
}

enum rt_code
rt_log_open(const char *program, const struct rt_config *config,
    struct rt_err *err)
{
	rt_log_close();
	the_log.program = program;
	atomic_store(&the_log.level, config->loglevel);
	atomic_store(&the_log.format, config->log_format);
	atomic_store(&the_log.journal, is_journal(STDERR_FILENO));
	if (atomic_load(&the_log.journal))
		rt_log_use_journal(RT_JOURNAL_SOCKET);
	if (config->logfile[0] != '\0') {
		int fd = open_file(config->logfile);

		if (fd < 0)
			return rt_err_set_errno(err, errno, "logfile %s",
			    config->logfile);
		the_log.path = rt_strdup(config->logfile);
		atomic_store(&the_log.fd, fd);
	}
	return RT_OK;
}

void
rt_log_reopen(void)
{
	int fd, failed = 0;

	if (the_log.path == NULL)
		return;
	fd = open_file(the_log.path);
	/* The number stays, so that other threads notice nothing. */
	if (fd < 0 || dup3(fd, atomic_load(&the_log.fd), O_CLOEXEC) < 0)
		failed = errno;
	if (fd >= 0)
		close(fd);
	if (failed != 0)
		rt_log(RT_LOG_WARNING, "log", "file cannot be opened anew",
		    "file=\"%s\" error=\"%s\"", the_log.path,
		    strerrordesc_np(failed));
}

void
rt_log_close(void)
{
	int fd = atomic_exchange(&the_log.fd, STDERR_FILENO);
	int entries = atomic_exchange(&the_log.entries, -1);

	if (fd != STDERR_FILENO)
		close(fd);
	if (entries >= 0)
		close(entries);
	free(the_log.path);
	the_log.path = NULL;
}

void
rt_log_use_journal(const char *path)
{
	int fd = atomic_exchange(&the_log.entries, rt_journal_connect(path));

	if (fd >= 0)
		close(fd);
}

void
rt_log_set_before(void (*before)(void))
{
	atomic_store(&the_log.before, before);
}

void
rt_log_set_level(enum rt_loglevel level)
{
	atomic_store(&the_log.level, (int)level);
}

/* False when the line could not go. A pipe that polls as writable takes 4 KiB
 * at once: our longest line. */
static bool
write_line(int fd, const char *line, size_t len)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLOUT };
	ssize_t wrote;

	if (poll(&poll_fd, 1, 0) == 0)
		return false;
	do
		wrote = write(fd, line, len);
	while (wrote < 0 && errno == EINTR);
	return wrote >= 0;
}

/* False when there is no journal, or it does not take the entry. */
static bool
write_entry(const struct rt_log_event *event, enum rt_log_format format)
{
	int fd = atomic_load(&the_log.entries);
	char entry[RT_JOURNAL_ENTRY_BYTES_MAX];
	ssize_t wrote;

	if (fd < 0 || atomic_load(&the_log.fd) != STDERR_FILENO)
		return false;
	do
		wrote = write(fd, entry,
		    rt_journal_entry(event, format, entry));
	while (wrote < 0 && errno == EINTR);
	return wrote >= 0;
}

static void
write_event(const struct rt_log_event *event)
{
	enum rt_log_format format =
	    (enum rt_log_format)atomic_load(&the_log.format);
	void (*before)(void) = atomic_load(&the_log.before);
	char line[PREFIX_BYTES + RT_LOG_LINE_BYTES_MAX];
	size_t len;

	if (write_entry(event, format))
		return;
	len = put_priority(line, event->level);
	len += rt_log_line_write(event, format, line + len);
	if (before != NULL && atomic_load(&the_log.fd) == STDERR_FILENO)
		before();
	if (!write_line(atomic_load(&the_log.fd), line, len))
		atomic_fetch_add(&the_log.lost, event->left_out + 1);
}

void
rt_log(enum rt_loglevel level, const char *area, const char *event,
    const char *fields, ...)
{
	unsigned long long left_out = left_out_here;
	char text[RT_LOG_LINE_BYTES_MAX];
	int saved = errno;
	va_list ap;

	left_out_here = 0;
	if ((int)level < atomic_load(&the_log.level))
		return;
	va_start(ap, fields);
	if (vsnprintf(text, sizeof(text), fields, ap) < 0)
		text[0] = '\0';
	va_end(ap);
	left_out += atomic_exchange(&the_log.lost, 0);
	write_event(&(struct rt_log_event){
	    .wall_ms = rt_clock_wall_ms(rt_clock_system()),
	    .level = level, .program = the_log.program,
	    .pid = (int)getpid(), .area = area, .event = event,
	    .fields = text, .left_out = left_out });
	errno = saved;
}

bool
rt_log_allowed(struct rt_log_limit *limit, unsigned interval_ms)
{
	unsigned long long now = rt_clock_monotonic_ns(rt_clock_system());
	unsigned long long next = atomic_load(&limit->next_ns);

	/* Of several threads that come at once, one goes. */
	if (now < next || !atomic_compare_exchange_strong(&limit->next_ns,
		&next, now + interval_ms * 1000000ull)) {
		atomic_fetch_add(&limit->left_out, 1);
		return false;
	}
	left_out_here = atomic_exchange(&limit->left_out, 0);
	return true;
}
