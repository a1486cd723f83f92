# wal: the append-only log of writes, and its replay.
noinst_LIBRARIES += riptided/wal/libwal.a
riptided_wal_libwal_a_SOURCES = \
	riptided/wal/wal.c riptided/wal/wal.h \
	riptided/wal/wal_format.c riptided/wal/wal_format.h \
	riptided/wal/wal_reader.c riptided/wal/wal_reader.h \
	riptided/wal/wal_segment.c riptided/wal/wal_segment.h \
	riptided/wal/wal_space.c riptided/wal/wal_space.h
