# unit_tests += tests/unit/riptided/resp/test_name
