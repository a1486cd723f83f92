# unit_tests += tests/unit/libcommon/table/test_name
