unit_tests += \
	tests/unit/libcommon/manifest/test_compactor_status \
	tests/unit/libcommon/manifest/test_manifest_codec \
	tests/unit/libcommon/manifest/test_manifest_edit \
	tests/unit/libcommon/manifest/test_manifest_store
