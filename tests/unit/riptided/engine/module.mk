# unit_tests += tests/unit/riptided/engine/test_name
