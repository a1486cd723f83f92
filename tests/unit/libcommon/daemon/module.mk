unit_tests += tests/unit/libcommon/daemon/test_config
tests_unit_libcommon_daemon_test_config_LDADD = $(DAEMON_LIBS) $(LDADD)
