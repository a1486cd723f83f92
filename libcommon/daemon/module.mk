noinst_LIBRARIES += libcommon/daemon/libdaemon.a
libcommon_daemon_libdaemon_a_SOURCES =
