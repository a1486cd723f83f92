unit_tests += \
	tests/unit/libcommon/daemon/test_config \
	tests/unit/libcommon/daemon/test_latency \
	tests/unit/libcommon/daemon/test_lifecycle \
	tests/unit/libcommon/daemon/test_log \
	tests/unit/libcommon/daemon/test_log_journal \
	tests/unit/libcommon/daemon/test_log_line \
	tests/unit/libcommon/daemon/test_option \
	tests/unit/libcommon/daemon/test_option_text \
	tests/unit/libcommon/daemon/test_sandbox \
	tests/unit/libcommon/daemon/test_stats
tests_unit_libcommon_daemon_test_config_LDADD = $(DAEMON_LIBS) $(LDADD)
tests_unit_libcommon_daemon_test_latency_LDADD = $(DAEMON_LIBS) $(LDADD)
tests_unit_libcommon_daemon_test_lifecycle_LDADD = $(DAEMON_LIBS) $(LDADD)
tests_unit_libcommon_daemon_test_log_LDADD = $(DAEMON_LIBS) $(LDADD)
tests_unit_libcommon_daemon_test_log_journal_LDADD = $(DAEMON_LIBS) $(LDADD)
tests_unit_libcommon_daemon_test_log_line_LDADD = $(DAEMON_LIBS) $(LDADD)
tests_unit_libcommon_daemon_test_option_LDADD = $(DAEMON_LIBS) $(LDADD)
tests_unit_libcommon_daemon_test_option_text_LDADD = $(DAEMON_LIBS) $(LDADD)
tests_unit_libcommon_daemon_test_sandbox_LDADD = $(DAEMON_LIBS) $(LDADD)
tests_unit_libcommon_daemon_test_stats_LDADD = $(DAEMON_LIBS) $(LDADD)
