dnl RT_SYSTEMD: --with-systemd; without the library the daemon tells no service
dnl manager how it fares and takes over no sockets. And where units, users and
dnl directories are described: below the prefix, where systemd looks for them
dnl whether that is /usr or /usr/local.
AC_DEFUN([RT_SYSTEMD], [
AC_ARG_WITH([systemd], [AS_HELP_STRING([--without-systemd],
	[no notices to a service manager, no sockets from it])], [],
	[with_systemd=auto])
have_systemd=no
AS_IF([test "x$with_systemd" != xno],
	[PKG_CHECK_MODULES([SYSTEMD], [libsystemd >= 247],
		[have_systemd=yes], [have_systemd=no])])
AS_IF([test "x$have_systemd" = xyes],
	[AC_DEFINE([HAVE_SYSTEMD], [1], [The daemon talks to a service manager.])],
	[test "x$with_systemd" = xyes],
	[AC_MSG_ERROR([libsystemd is missing: install libsystemd-dev])],
	[test "x$with_systemd" = xauto],
	[AC_MSG_WARN([libsystemd is missing: riptided.service needs it])])
AC_ARG_WITH([systemdsystemunitdir], [AS_HELP_STRING([--with-systemdsystemunitdir=DIR],
	[where units go, or no])], [],
	[with_systemdsystemunitdir='${prefix}/lib/systemd/system'])
AC_SUBST([systemdsystemunitdir], [$with_systemdsystemunitdir])
AC_SUBST([sysusersdir], ['${prefix}/lib/sysusers.d'])
AC_SUBST([tmpfilesdir], ['${prefix}/lib/tmpfiles.d'])
AM_CONDITIONAL([INSTALL_UNITS],
	[test "x$with_systemdsystemunitdir" != xno])
])
