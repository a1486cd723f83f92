unit_tests += \
	tests/unit/libcommon/manifest/test_compactor_status \
	tests/unit/libcommon/manifest/test_manifest_check \
	tests/unit/libcommon/manifest/test_manifest_codec \
	tests/unit/libcommon/manifest/test_manifest_edit \
	tests/unit/libcommon/manifest/test_manifest_store \
	tests/unit/libcommon/manifest/test_manifest_watch
tests_unit_libcommon_manifest_test_manifest_codec_SOURCES = \
	tests/unit/libcommon/manifest/manifest_wire.h \
	tests/unit/libcommon/manifest/test_manifest_codec.c
tests_unit_libcommon_manifest_test_manifest_store_SOURCES = \
	tests/unit/libcommon/manifest/manifest_wire.h \
	tests/unit/libcommon/manifest/test_manifest_store.c
EXTRA_DIST += tests/cases/manifest_edit/compactor.txt \
	tests/cases/manifest_edit/daemon.txt
