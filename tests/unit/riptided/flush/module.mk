# unit_tests += tests/unit/riptided/flush/test_name
