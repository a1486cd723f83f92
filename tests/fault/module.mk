# fault: the n-th file operation fails, for every n.
check_LIBRARIES += tests/fault/libplay.a
tests_fault_libplay_a_SOURCES = \
	tests/fault/fault_loop.c tests/fault/fault_loop.h \
	tests/fault/fault_scripts.c tests/fault/fault_scripts.h \
	tests/fault/play.c tests/fault/play.h
unit_tests += \
	tests/fault/test_checkpoint_fault \
	tests/fault/test_engine_fault \
	tests/fault/test_memory_fault
tests_fault_test_checkpoint_fault_LDADD = tests/support/libsupport.a \
	$(ENGINE_LIBS) $(DAEMON_LIBS) $(LDADD)
tests_fault_test_engine_fault_LDADD = tests/fault/libplay.a \
	tests/support/libsupport.a riptide-compactd/libriptide-compactd.a \
	$(ENGINE_LIBS) $(DAEMON_LIBS) $(LDADD)
tests_fault_test_memory_fault_LDADD = $(tests_fault_test_engine_fault_LDADD)
tests_fault_test_memory_fault_LDFLAGS = $(AM_LDFLAGS) \
	-Wl,--wrap=rt_try_alloc,--wrap=rt_try_realloc,--wrap=rt_bulk_new

script_tests += \
	tests/fault/test_full_disk.py \
	tests/fault/test_limits.py
tests/fault/test_limits.log: tests/support/sick_disk.so
EXTRA_DIST += tests/fault/call_sites.py

# make fault-long: all scripts with all errors, once and for ever; FAULT_SITES
# names a file for the places in the tree that were failed.
fault-long: tests/fault/test_engine_fault
	FAULT_LONG=1 FAULT_SITES=tests/fault/call_sites.txt \
		tests/fault/test_engine_fault
.PHONY: fault-long
