# pool: threads for work that would hold up the loop.
noinst_LIBRARIES += riptided/pool/libpool.a
riptided_pool_libpool_a_SOURCES = riptided/pool/pool.c riptided/pool/pool.h
