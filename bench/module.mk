# riptide-bench: benchmarks of the engine and, later, of whole servers.
bin_PROGRAMS += bench/riptide-bench
bench_riptide_bench_SOURCES = bench/bench.c bench/bench.h \
	bench/bench_engine.c bench/bench_memtable.c bench/main.c
bench_riptide_bench_LDADD = $(ENGINE_LIBS) $(DAEMON_LIBS) $(COMMON_LIBS) \
	$(COMMON_SYSTEM_LIBS)
