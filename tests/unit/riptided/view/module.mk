# unit_tests += tests/unit/riptided/view/test_name
