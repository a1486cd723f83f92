# unit_tests += tests/unit/libcommon/os/test_name
