#include "riptided/net/foreign.h"

bool
rtd_is_foreign(const struct rt_slice *argv, size_t argc)
{
	/* A form that a browser sends by itself has these. */
	if (rt_slice_equal_nocase(argv[0], "post") ||
	    rt_slice_equal_nocase(argv[0], "host:"))
		return true;
	if (argc == 3 &&
	    rt_slice_starts_with(argv[2], rt_slice_cstr("HTTP/")))
		return true;
	return rt_slice_starts_with(argv[0], rt_slice_cstr("SSH-"));
}
