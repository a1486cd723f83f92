dnl RT_BENCH_PEERS: the stores that riptide-bench may stand beside. Nothing
dnl else is ever linked with them, and the build does without either.
AC_DEFUN([RT_BENCH_PEERS], [
AC_ARG_WITH([bench-peers], [AS_HELP_STRING([--without-bench-peers],
	[do not link riptide-bench with RocksDB and LevelDB])],
	[], [with_bench_peers=check])
have_rocksdb=no
have_leveldb=no
AS_IF([test "x$with_bench_peers" != xno], [
	AC_CHECK_HEADER([rocksdb/c.h], [AC_CHECK_LIB([rocksdb],
		[rocksdb_get_pinned], [have_rocksdb=yes])])
	AC_CHECK_HEADER([leveldb/c.h], [AC_CHECK_LIB([leveldb],
		[leveldb_open], [have_leveldb=yes])])
])
AS_IF([test "x$have_rocksdb" = xyes], [
	AC_SUBST([ROCKSDB_LIBS], [-lrocksdb])
	AC_DEFINE([RTB_HAVE_ROCKSDB], [1], [riptide-bench knows RocksDB.])])
AS_IF([test "x$have_leveldb" = xyes], [
	AC_SUBST([LEVELDB_LIBS], [-lleveldb])
	AC_DEFINE([RTB_HAVE_LEVELDB], [1], [riptide-bench knows LevelDB.])])
AM_CONDITIONAL([HAVE_ROCKSDB], [test "x$have_rocksdb" = xyes])
AM_CONDITIONAL([HAVE_LEVELDB], [test "x$have_leveldb" = xyes])
])
