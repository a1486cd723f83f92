dnl RT_HARDENING: position independence, read-only relocations, stack and libc checks.
AC_DEFUN([RT_HARDENING], [
AC_ARG_ENABLE([hardening], [AS_HELP_STRING([--disable-hardening],
	[build without PIE, RELRO, FORTIFY and stack protection])])
AS_IF([test "x$enable_hardening" != xno], [
	RT_CFLAGS="$RT_CFLAGS -fPIE -fstack-protector-strong"
	RT_LDFLAGS="$RT_LDFLAGS -pie -Wl,-z,relro -Wl,-z,now"
	RT_TRY_CFLAG([-fstack-clash-protection])
	RT_TRY_CFLAG([-fcf-protection])
	AS_IF([test "x$enable_asan$enable_tsan$enable_fuzz" = x],
		[RT_CFLAGS="$RT_CFLAGS -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2"])
])
])
