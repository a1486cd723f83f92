BENCH_TEST_LIBS = tests/support/libsupport.a $(BENCH_LIBS) $(CHECK_LIBS)
unit_tests += \
	tests/unit/bench/test_bench_options \
	tests/unit/bench/test_report \
	tests/unit/bench/test_scratch \
	tests/unit/bench/test_workload
tests_unit_bench_test_bench_options_LDADD = $(BENCH_TEST_LIBS)
tests_unit_bench_test_report_LDADD = $(BENCH_TEST_LIBS)
tests_unit_bench_test_scratch_LDADD = $(BENCH_TEST_LIBS)
tests_unit_bench_test_workload_LDADD = $(BENCH_TEST_LIBS)
