# unit_tests += tests/unit/riptided/memtable/test_name
