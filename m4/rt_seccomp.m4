dnl RT_SECCOMP: --with-seccomp; without the library the sandbox has no filter of
dnl system calls, and `sandbox required` cannot be had.
AC_DEFUN([RT_SECCOMP], [
AC_ARG_WITH([seccomp], [AS_HELP_STRING([--without-seccomp],
	[no filter of system calls])], [], [with_seccomp=auto])
have_seccomp=no
AS_IF([test "x$with_seccomp" != xno],
	[PKG_CHECK_MODULES([SECCOMP], [libseccomp >= 2.5],
		[have_seccomp=yes], [have_seccomp=no])])
AS_IF([test "x$have_seccomp" = xyes],
	[AC_DEFINE([HAVE_SECCOMP], [1], [The sandbox filters system calls.])],
	[test "x$with_seccomp" = xyes],
	[AC_MSG_ERROR([libseccomp is missing: install libseccomp-dev])],
	[test "x$with_seccomp" = xauto],
	[AC_MSG_WARN([libseccomp is missing: the sandbox will filter no system calls])])
])
