# manifest: the contract between the processes.
noinst_LIBRARIES += libcommon/manifest/libmanifest.a
libcommon_manifest_libmanifest_a_SOURCES = \
	libcommon/manifest/compactor_status.c \
	libcommon/manifest/compactor_status.h \
	libcommon/manifest/manifest.c libcommon/manifest/manifest.h \
	libcommon/manifest/manifest_build.c \
	libcommon/manifest/manifest_build.h \
	libcommon/manifest/manifest_check.c \
	libcommon/manifest/manifest_check.h \
	libcommon/manifest/manifest_codec.c \
	libcommon/manifest/manifest_codec.h \
	libcommon/manifest/manifest_edit.c libcommon/manifest/manifest_edit.h \
	libcommon/manifest/manifest_rebuild.c \
	libcommon/manifest/manifest_rebuild.h \
	libcommon/manifest/manifest_store.c \
	libcommon/manifest/manifest_store.h \
	libcommon/manifest/manifest_watch.c \
	libcommon/manifest/manifest_watch.h

libcommon/manifest/manifest_codec.$(OBJEXT): proto/manifest.pb-c.h
libcommon/manifest/compactor_status.$(OBJEXT): proto/compactor_status.pb-c.h

EXTRA_DIST += docs/manifest-protocol.md docs/formats/manifest.md \
	docs/formats/directory.md
