# fault: the n-th file operation fails, for every n.
unit_tests += tests/fault/test_engine_fault
tests_fault_test_engine_fault_LDADD = tests/support/libsupport.a \
	$(ENGINE_LIBS) $(DAEMON_LIBS) $(LDADD)
