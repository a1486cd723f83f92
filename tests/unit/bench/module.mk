BENCH_TEST_LIBS = tests/support/libsupport.a $(BENCH_LIBS) $(CHECK_LIBS)
unit_tests += \
	tests/unit/bench/test_bench_options \
	tests/unit/bench/test_chart \
	tests/unit/bench/test_compare_options \
	tests/unit/bench/test_histogram \
	tests/unit/bench/test_key_draw \
	tests/unit/bench/test_load_mix \
	tests/unit/bench/test_load_options \
	tests/unit/bench/test_reply_reader \
	tests/unit/bench/test_report \
	tests/unit/bench/test_scratch \
	tests/unit/bench/test_workload
tests_unit_bench_test_bench_options_LDADD = $(BENCH_TEST_LIBS)
tests_unit_bench_test_chart_LDADD = $(BENCH_TEST_LIBS)
tests_unit_bench_test_compare_options_LDADD = $(BENCH_TEST_LIBS)
tests_unit_bench_test_histogram_LDADD = $(BENCH_TEST_LIBS)
tests_unit_bench_test_key_draw_LDADD = $(BENCH_TEST_LIBS)
tests_unit_bench_test_load_mix_LDADD = $(BENCH_TEST_LIBS)
tests_unit_bench_test_load_options_LDADD = $(BENCH_TEST_LIBS)
tests_unit_bench_test_reply_reader_LDADD = $(BENCH_TEST_LIBS)
tests_unit_bench_test_report_LDADD = $(BENCH_TEST_LIBS)
tests_unit_bench_test_scratch_LDADD = $(BENCH_TEST_LIBS)
tests_unit_bench_test_workload_LDADD = $(BENCH_TEST_LIBS)
