# flush: a frozen memtable to a level-0 table.
noinst_LIBRARIES += riptided/flush/libflush.a
riptided_flush_libflush_a_SOURCES = \
	riptided/flush/flush.c riptided/flush/flush.h
