# fault: the n-th file operation fails, for every n.
check_LIBRARIES += tests/fault/libplay.a
tests_fault_libplay_a_SOURCES = \
	tests/fault/fault_loop.c tests/fault/fault_loop.h \
	tests/fault/fault_scripts.c tests/fault/fault_scripts.h \
	tests/fault/play.c tests/fault/play.h
unit_tests += tests/fault/test_engine_fault
tests_fault_test_engine_fault_LDADD = tests/fault/libplay.a \
	tests/support/libsupport.a riptide-compactd/libriptide-compactd.a \
	$(ENGINE_LIBS) $(DAEMON_LIBS) $(LDADD)
