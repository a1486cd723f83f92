# riptide-bench: benchmarks of the engine, with peers beside it where they are
# installed, a load maker for servers, and servers in turns. A library, so that
# tests link it.
noinst_LIBRARIES += bench/libbench.a
bench_libbench_a_SOURCES = \
	bench/bench_options.c bench/bench_options.h \
	bench/chart.c bench/chart.h \
	bench/compactor_child.c bench/compactor_child.h \
	bench/compare.c bench/compare.h \
	bench/compare_options.c bench/compare_options.h \
	bench/engine_tests.c bench/engine_tests.h \
	bench/group.c bench/group.h \
	bench/histogram.c bench/histogram.h \
	bench/key_draw.c bench/key_draw.h \
	bench/load.c bench/load.h \
	bench/load_conn.c bench/load_conn.h \
	bench/load_mix.c bench/load_mix.h \
	bench/load_options.c bench/load_options.h \
	bench/load_report.c bench/load_report.h \
	bench/load_worker.c bench/load_worker.h \
	bench/memtable_tests.c \
	bench/option_reader.c bench/option_reader.h \
	bench/own_tests.c \
	bench/reply_reader.c bench/reply_reader.h \
	bench/report.c bench/report.h \
	bench/scratch.c bench/scratch.h \
	bench/rival.c bench/rival.h \
	bench/store.c bench/store.h \
	bench/store_riptide.c bench/store_riptide.h \
	bench/turns.c bench/turns.h \
	bench/workload.c bench/workload.h
if HAVE_ROCKSDB
bench_libbench_a_SOURCES += bench/store_rocksdb.c
endif
if HAVE_LEVELDB
bench_libbench_a_SOURCES += bench/store_leveldb.c
endif

bin_PROGRAMS += bench/riptide-bench
bench_riptide_bench_SOURCES = bench/main.c
BENCH_LIBS = bench/libbench.a $(ENGINE_LIBS) $(DAEMON_LIBS) $(COMMON_LIBS) \
	$(COMMON_SYSTEM_LIBS) $(ROCKSDB_LIBS) $(LEVELDB_LIBS)
bench_riptide_bench_LDADD = $(BENCH_LIBS)
# What make bench and make bench-compare leave.
CLEANFILES += bench/engine.json bench/compare.json bench/compare.svg
# GETs over the network, and clients beside a compactor, by hand: they say how.
EXTRA_DIST += bench/compactor_beside.py bench/cold_beside.py bench/read_shapes.py \
	bench/server_charts.py bench/shards_model.py
