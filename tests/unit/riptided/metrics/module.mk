unit_tests += \
	tests/unit/riptided/metrics/test_exposition \
	tests/unit/riptided/metrics/test_metrics
tests_unit_riptided_metrics_test_exposition_LDADD = \
	riptided/metrics/libmetrics.a $(LDADD)
tests_unit_riptided_metrics_test_metrics_LDADD = \
	riptided/metrics/libmetrics.a $(CMD_TEST_LIBS) $(LDADD)
