unit_tests += \
	tests/unit/libcommon/manifest/test_manifest_store
