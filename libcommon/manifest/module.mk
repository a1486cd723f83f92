noinst_LIBRARIES += libcommon/manifest/libmanifest.a
libcommon_manifest_libmanifest_a_SOURCES =
