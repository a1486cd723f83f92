dnl RT_OPTIONS: the --enable switches that are not flags of the compiler.
AC_DEFUN([RT_OPTIONS], [
AC_ARG_ENABLE([fuzz], [AS_HELP_STRING([--enable-fuzz],
	[build the libFuzzer targets; needs CC=clang])])
AM_CONDITIONAL([ENABLE_FUZZ], [test "x$enable_fuzz" = xyes])
AC_ARG_ENABLE([slow-asserts], [AS_HELP_STRING([--enable-slow-asserts],
	[keep the assertions that cost time])])
AS_IF([test "x$enable_slow_asserts" = xyes],
	[AC_DEFINE([RT_SLOW_ASSERTS], [1], [Keep the assertions that cost time.])])
])
