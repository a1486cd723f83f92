#include "riptided/net/foreign.h"

#include "tests/support/runner.h"

static bool
foreign(const char *a, const char *b, const char *c)
{
	struct rt_slice argv[] = { rt_slice_cstr(a), rt_slice_cstr(b),
		rt_slice_cstr(c) };

	return rtd_is_foreign(argv, c[0] != '\0' ? 3 : b[0] != '\0' ? 2 : 1);
}

START_TEST(other_protocols_are_known)
{
	ck_assert(foreign("POST", "/", "HTTP/1.1"));
	ck_assert(foreign("post", "", ""));
	ck_assert(foreign("Host:", "localhost:6379", ""));
	ck_assert(foreign("GET", "/", "HTTP/1.1"));
	ck_assert(foreign("OPTIONS", "*", "HTTP/1.1"));
	ck_assert(foreign("SSH-2.0-OpenSSH_9.2p1", "", ""));
	ck_assert(rtd_is_tls_hello(rt_slice_cstr("\x16\x03\x01")));
	ck_assert(!rtd_is_tls_hello(rt_slice_cstr("\x16")));
	ck_assert(!rtd_is_tls_hello(rt_slice_cstr("*3\r\n")));
}
END_TEST

START_TEST(commands_are_not_foreign)
{
	ck_assert(!foreign("GET", "HTTP/1.1", ""));
	ck_assert(!foreign("SET", "key", "value"));
	ck_assert(!foreign("PING", "", ""));
	ck_assert(!rtd_is_foreign(&(struct rt_slice){ 0 }, 1));
}
END_TEST

RTT_MAIN("foreign", other_protocols_are_known, commands_are_not_foreign)
