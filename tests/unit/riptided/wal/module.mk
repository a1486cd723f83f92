# unit_tests += tests/unit/riptided/wal/test_name
