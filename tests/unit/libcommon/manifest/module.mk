# unit_tests += tests/unit/libcommon/manifest/test_name
