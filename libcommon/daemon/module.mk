# daemon: manners of a good daemon, for the programs only.
EXTRA_DIST += docs/sandbox.md
noinst_LIBRARIES += libcommon/daemon/libdaemon.a
libcommon_daemon_libdaemon_a_SOURCES = \
	libcommon/daemon/config.c libcommon/daemon/config.h \
	libcommon/daemon/landlock.c libcommon/daemon/landlock.h \
	libcommon/daemon/latency.c libcommon/daemon/latency.h \
	libcommon/daemon/lifecycle.c libcommon/daemon/lifecycle.h \
	libcommon/daemon/log.c libcommon/daemon/log.h \
	libcommon/daemon/log_journal.c libcommon/daemon/log_journal.h \
	libcommon/daemon/log_line.c libcommon/daemon/log_line.h \
	libcommon/daemon/option.c libcommon/daemon/option.h \
	libcommon/daemon/option_text.c libcommon/daemon/option_text.h \
	libcommon/daemon/options.def \
	libcommon/daemon/sandbox.c libcommon/daemon/sandbox.h \
	libcommon/daemon/stats.c libcommon/daemon/stats.h \
	libcommon/daemon/syscall_filter.c libcommon/daemon/syscall_filter.h
