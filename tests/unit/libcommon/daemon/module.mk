# unit_tests += tests/unit/libcommon/daemon/test_name
