unit_tests += \
	tests/unit/libcommon/os/test_checksums \
	tests/unit/libcommon/os/test_dirlock \
	tests/unit/libcommon/os/test_expiry_clock \
	tests/unit/libcommon/os/test_fs \
	tests/unit/libcommon/os/test_network_fs \
	tests/unit/libcommon/os/test_path
