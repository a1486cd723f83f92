check_LIBRARIES += tests/unit/riptided/wal/liblogs.a
tests_unit_riptided_wal_liblogs_a_SOURCES = \
	tests/unit/riptided/wal/logs.c tests/unit/riptided/wal/logs.h
unit_tests += \
	tests/unit/riptided/wal/test_wal \
	tests/unit/riptided/wal/test_wal_crash \
	tests/unit/riptided/wal/test_wal_reader
wal_test_libs = tests/unit/riptided/wal/liblogs.a riptided/wal/libwal.a \
	$(DAEMON_LIBS)
tests_unit_riptided_wal_test_wal_LDADD = $(wal_test_libs) $(LDADD)
tests_unit_riptided_wal_test_wal_crash_LDADD = \
	tests/powercut/libpowercut.a $(wal_test_libs) $(LDADD)
tests_unit_riptided_wal_test_wal_reader_LDADD = $(wal_test_libs) $(LDADD)
