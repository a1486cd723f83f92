# unit_tests += tests/unit/riptided/cmd/test_name
