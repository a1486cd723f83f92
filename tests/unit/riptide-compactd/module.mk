unit_tests += \
	tests/unit/riptide-compactd/test_picker \
	tests/unit/riptide-compactd/test_retention
COMPACTD_TEST_LIBS = tests/support/libsupport.a \
	riptide-compactd/libriptide-compactd.a $(DAEMON_LIBS) $(LDADD)
tests_unit_riptide_compactd_test_picker_LDADD = $(COMPACTD_TEST_LIBS)
tests_unit_riptide_compactd_test_retention_LDADD = $(COMPACTD_TEST_LIBS)
EXTRA_DIST += tests/cases/picker/cases.txt
