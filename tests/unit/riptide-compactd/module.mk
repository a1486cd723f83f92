# unit_tests += tests/unit/riptide-compactd/test_name
