# engine: the one door to storage.
noinst_LIBRARIES += riptided/engine/libengine.a
EXTRA_DIST += docs/bugs.md docs/checkpoints.md docs/recovery.md \
	docs/reliability.md \
	docs/snapshots.md
riptided_engine_libengine_a_SOURCES = \
	riptided/engine/checkpoint.c riptided/engine/checkpoint.h \
	riptided/engine/checkpoint_dir.c riptided/engine/checkpoint_dir.h \
	riptided/engine/compact.c riptided/engine/compact.h \
	riptided/engine/counting.c \
	riptided/engine/directory.c \
	riptided/engine/disk_reserve.c riptided/engine/disk_reserve.h \
	riptided/engine/disk_usage.c riptided/engine/disk_usage.h \
	riptided/engine/engine.c riptided/engine/engine.h \
	riptided/engine/engine_state.h \
	riptided/engine/engine_stats.c \
	riptided/engine/engine_sync.c \
	riptided/engine/flusher.c \
	riptided/engine/memory.c riptided/engine/memory.h \
	riptided/engine/random_key.c \
	riptided/engine/reader.c \
	riptided/engine/reader_trace.c \
	riptided/engine/recovery.c \
	riptided/engine/reloader.c \
	riptided/engine/replay.c riptided/engine/replay.h \
	riptided/engine/snapshots.c riptided/engine/snapshots.h \
	riptided/engine/write_batch.c riptided/engine/write_batch.h \
	riptided/engine/write_hold.c riptided/engine/write_hold.h

# The daemon's storage, for the programs and tests that are not the daemon.
ENGINE_LIBS = riptided/engine/libengine.a riptided/flush/libflush.a \
	riptided/view/libview.a riptided/wal/libwal.a \
	riptided/memtable/libmemtable.a
