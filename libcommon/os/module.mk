# os: the only room that touches files, clocks and locks.
noinst_LIBRARIES += libcommon/os/libos.a
libcommon_os_libos_a_SOURCES = \
	libcommon/os/checksums.c libcommon/os/checksums.h \
	libcommon/os/clock.c libcommon/os/clock.h \
	libcommon/os/crashpoint.h \
	libcommon/os/dirlock.c libcommon/os/dirlock.h \
	libcommon/os/expiry_clock.c libcommon/os/expiry_clock.h \
	libcommon/os/fs.c libcommon/os/fs.h libcommon/os/fs_posix.c \
	libcommon/os/mutex.c libcommon/os/mutex.h \
	libcommon/os/network_fs.c libcommon/os/network_fs.h \
	libcommon/os/path.c libcommon/os/path.h
