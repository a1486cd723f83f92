unit_tests += \
	tests/unit/libcommon/base/test_coding \
	tests/unit/libcommon/base/test_glob \
	tests/unit/libcommon/base/test_hash_table \
	tests/unit/libcommon/base/test_durations \
	tests/unit/libcommon/base/test_inlay \
	tests/unit/libcommon/base/test_number \
	tests/unit/libcommon/base/test_utf8
