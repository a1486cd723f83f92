# memtable: the newest versions, in memory, until they are flushed.
noinst_LIBRARIES += riptided/memtable/libmemtable.a
riptided_memtable_libmemtable_a_SOURCES = \
	riptided/memtable/arena.c riptided/memtable/arena.h \
	riptided/memtable/hash_index.c riptided/memtable/hash_index.h \
	riptided/memtable/key_tally.c riptided/memtable/key_tally.h \
	riptided/memtable/memtable.c riptided/memtable/memtable.h \
	riptided/memtable/memtable_iter.c \
	riptided/memtable/sorted_view.c riptided/memtable/sorted_view.h \
	riptided/memtable/version_walk.h
