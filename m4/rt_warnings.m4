dnl RT_WARNINGS: the warnings we live with, and --enable-werror.
AC_DEFUN([RT_TRY_CFLAG], [
AC_MSG_CHECKING([whether $CC takes $1])
rt_saved_cflags=$CFLAGS
CFLAGS="$CFLAGS -Werror $1"
AC_COMPILE_IFELSE([AC_LANG_PROGRAM([], [])],
	[AC_MSG_RESULT([yes]); RT_CFLAGS="$RT_CFLAGS $1"], [AC_MSG_RESULT([no])])
CFLAGS=$rt_saved_cflags
])
AC_DEFUN([RT_WARNINGS], [
AC_SUBST([RT_CFLAGS])
AC_SUBST([RT_LDFLAGS])
RT_CFLAGS="-Wall -Wextra -Wshadow -Wpointer-arith -Wcast-qual -Wwrite-strings"
RT_CFLAGS="$RT_CFLAGS -Wstrict-prototypes -Wmissing-prototypes -Wformat=2 -Wundef -Wvla"
RT_CFLAGS="$RT_CFLAGS -Wimplicit-fallthrough -Wno-unused-parameter -fno-common"
dnl rt_log() takes "" for an event without fields.
RT_CFLAGS="$RT_CFLAGS -Wno-format-zero-length"
RT_TRY_CFLAG([-Wlogical-op])
RT_TRY_CFLAG([-Wduplicated-cond])
RT_TRY_CFLAG([-Wthread-safety])
AC_ARG_ENABLE([werror], [AS_HELP_STRING([--enable-werror],
	[treat warnings as errors])])
AS_IF([test "x$enable_werror" = xyes], [RT_CFLAGS="$RT_CFLAGS -Werror"])
])
