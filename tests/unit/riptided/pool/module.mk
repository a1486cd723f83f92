# unit_tests += tests/unit/riptided/pool/test_name
