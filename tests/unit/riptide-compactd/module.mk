check_LIBRARIES += tests/unit/riptide-compactd/libscratchdb.a
tests_unit_riptide_compactd_libscratchdb_a_SOURCES = \
	tests/unit/riptide-compactd/scratch_db.c \
	tests/unit/riptide-compactd/scratch_db.h
COMPACTD_TEST_LIBS = tests/unit/riptide-compactd/libscratchdb.a \
	tests/support/libsupport.a riptide-compactd/libriptide-compactd.a \
	$(DAEMON_LIBS) $(LDADD)

unit_tests += \
	tests/unit/riptide-compactd/test_auto_rate \
	tests/unit/riptide-compactd/test_budget \
	tests/unit/riptide-compactd/test_compactor \
	tests/unit/riptide-compactd/test_drop_rule \
	tests/unit/riptide-compactd/test_limits \
	tests/unit/riptide-compactd/test_merger \
	tests/unit/riptide-compactd/test_pace \
	tests/unit/riptide-compactd/test_picker \
	tests/unit/riptide-compactd/test_plan \
	tests/unit/riptide-compactd/test_progress \
	tests/unit/riptide-compactd/test_progress_bar \
	tests/unit/riptide-compactd/test_publisher \
	tests/unit/riptide-compactd/test_rehearsal \
	tests/unit/riptide-compactd/test_retention \
	tests/unit/riptide-compactd/test_scrub \
	tests/unit/riptide-compactd/test_sweeper \
	tests/unit/riptide-compactd/test_table_chain \
	tests/unit/riptide-compactd/test_tree_model
tests_unit_riptide_compactd_test_auto_rate_LDADD = $(COMPACTD_TEST_LIBS)
tests_unit_riptide_compactd_test_budget_LDADD = $(COMPACTD_TEST_LIBS)
tests_unit_riptide_compactd_test_compactor_LDADD = $(COMPACTD_TEST_LIBS)
tests_unit_riptide_compactd_test_drop_rule_LDADD = $(COMPACTD_TEST_LIBS)
tests_unit_riptide_compactd_test_limits_LDADD = $(COMPACTD_TEST_LIBS)
tests_unit_riptide_compactd_test_merger_LDADD = $(COMPACTD_TEST_LIBS)
tests_unit_riptide_compactd_test_pace_LDADD = $(COMPACTD_TEST_LIBS)
tests_unit_riptide_compactd_test_picker_LDADD = $(COMPACTD_TEST_LIBS)
tests_unit_riptide_compactd_test_plan_LDADD = $(COMPACTD_TEST_LIBS)
tests_unit_riptide_compactd_test_progress_LDADD = $(COMPACTD_TEST_LIBS)
tests_unit_riptide_compactd_test_progress_bar_LDADD = $(COMPACTD_TEST_LIBS)
tests_unit_riptide_compactd_test_publisher_LDADD = $(COMPACTD_TEST_LIBS)
tests_unit_riptide_compactd_test_rehearsal_LDADD = $(COMPACTD_TEST_LIBS)
tests_unit_riptide_compactd_test_retention_LDADD = $(COMPACTD_TEST_LIBS)
tests_unit_riptide_compactd_test_scrub_LDADD = $(COMPACTD_TEST_LIBS)
tests_unit_riptide_compactd_test_sweeper_LDADD = $(COMPACTD_TEST_LIBS)
tests_unit_riptide_compactd_test_table_chain_LDADD = $(COMPACTD_TEST_LIBS)
tests_unit_riptide_compactd_test_tree_model_LDADD = $(COMPACTD_TEST_LIBS)
EXTRA_DIST += tests/cases/picker/cases.txt
