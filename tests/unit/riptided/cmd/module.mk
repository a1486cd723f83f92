unit_tests += tests/unit/riptided/cmd/test_set_options
tests_unit_riptided_cmd_test_set_options_LDADD = riptided/cmd/libcmd.a $(LDADD)
