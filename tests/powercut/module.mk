# powercut: what a power cut may leave of a recorded disk.
check_LIBRARIES += tests/powercut/libpowercut.a
tests_powercut_libpowercut_a_SOURCES = \
	tests/powercut/cuts.c tests/powercut/cuts.h \
	tests/powercut/history.c tests/powercut/history.h \
	tests/powercut/replayer.c tests/powercut/replayer.h \
	tests/powercut/scripts.c tests/powercut/scripts.h \
	tests/powercut/survivor.c tests/powercut/survivor.h \
	tests/powercut/world.c tests/powercut/world.h
unit_tests += tests/powercut/test_powercut \
	tests/powercut/test_removed_syncs
POWERCUT_LIBS = tests/powercut/libpowercut.a \
	tests/support/libsupport.a riptide-compactd/libriptide-compactd.a \
	$(ENGINE_LIBS) $(DAEMON_LIBS) $(LDADD)
tests_powercut_test_powercut_LDADD = $(POWERCUT_LIBS)
tests_powercut_test_removed_syncs_LDADD = $(POWERCUT_LIBS)
EXTRA_DIST += docs/powercut.md
