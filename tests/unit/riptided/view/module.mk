unit_tests += tests/unit/riptided/view/test_key_estimate
tests_unit_riptided_view_test_key_estimate_LDADD = \
	riptided/view/libview.a $(LDADD)
unit_tests += tests/unit/riptided/view/test_key_range
tests_unit_riptided_view_test_key_range_LDADD = \
	riptided/view/libview.a $(LDADD)
unit_tests += tests/unit/riptided/view/test_table_cache
tests_unit_riptided_view_test_table_cache_SOURCES = \
	tests/unit/riptided/view/test_table_cache.c $(TABLE_MODEL)
tests_unit_riptided_view_test_table_cache_LDADD = \
	riptided/view/libview.a tests/support/libsupport.a $(DAEMON_LIBS) \
	$(LDADD)
