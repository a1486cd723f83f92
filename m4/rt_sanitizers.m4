dnl RT_SANITIZERS: --enable-asan, -ubsan, -tsan, -coverage.
AC_DEFUN([RT_SANITIZER], [
AC_ARG_ENABLE([$1], [AS_HELP_STRING([--enable-$1], [$2])])
AS_IF([test "x$enable_$1" = xyes], [
	RT_CFLAGS="$RT_CFLAGS $3 -fno-omit-frame-pointer"
	RT_LDFLAGS="$RT_LDFLAGS $3"
])
])
AC_DEFUN([RT_SANITIZERS], [
RT_SANITIZER([asan], [AddressSanitizer], [-fsanitize=address])
RT_SANITIZER([ubsan], [UndefinedBehaviorSanitizer],
	[-fsanitize=undefined -fno-sanitize-recover=undefined])
RT_SANITIZER([tsan], [ThreadSanitizer], [-fsanitize=thread])
RT_SANITIZER([coverage], [gcov counters], [--coverage])
AS_IF([test "x$enable_coverage" = xyes],
	[AC_DEFINE([RT_WITH_COVERAGE], [1], [Files of gcov are written at the end.])])
AS_IF([test "x$enable_fuzz" = xyes], [
	RT_CFLAGS="$RT_CFLAGS -fsanitize=fuzzer-no-link"
	RT_LDFLAGS="$RT_LDFLAGS -fsanitize=fuzzer-no-link"
])
])
