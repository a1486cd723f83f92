# unit_tests += tests/unit/riptided/net/test_name
