# base: bytes and errors; no I/O, no globals, no logging.
noinst_LIBRARIES += libcommon/base/libbase.a
libcommon_base_libbase_a_SOURCES = \
	libcommon/base/attr.h \
	libcommon/base/buf.c libcommon/base/buf.h \
	libcommon/base/bulk.c libcommon/base/bulk.h \
	libcommon/base/coding.c libcommon/base/coding.h \
	libcommon/base/crc32c.c libcommon/base/crc32c.h \
	libcommon/base/err.c libcommon/base/err.h \
	libcommon/base/glob.c libcommon/base/glob.h \
	libcommon/base/hash.h \
	libcommon/base/hash_table.c libcommon/base/hash_table.h \
	libcommon/base/durations.c libcommon/base/durations.h \
	libcommon/base/inlay.c libcommon/base/inlay.h \
	libcommon/base/invariant.c libcommon/base/invariant.h \
	libcommon/base/number.c libcommon/base/number.h \
	libcommon/base/slice.c libcommon/base/slice.h \
	libcommon/base/utf8.c libcommon/base/utf8.h
