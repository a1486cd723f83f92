#include "riptided/cmd/password.h"

#include "libcommon/base/attr.h"
#include "tests/support/runner.h"

/* SHA-256 of "secret", as sha256sum says it. */
#define SECRET_HASH                                                           \
	"2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b"

static bool
fits(const char *set, const char *given)
{
	return rtd_password_is(set, rt_slice_cstr(given));
}

START_TEST(a_text_is_its_own_password)
{
	ck_assert(fits("secret", "secret"));
	ck_assert(!fits("secret", "secre"));
	ck_assert(!fits("secret", "secrett"));
	ck_assert(!fits("secret", ""));
	ck_assert(!fits("secret", "secrex"));
	ck_assert(!rtd_password_is("secret", rt_slice("secret\0", 7)));
	ck_assert(!rtd_password_is("secret", (struct rt_slice){ 0 }));
}
END_TEST

START_TEST(a_hash_takes_what_it_is_of_and_not_itself)
{
	ck_assert(fits("#" SECRET_HASH, "secret"));
	ck_assert(!fits("#" SECRET_HASH, "secrex"));
	ck_assert(!fits("#" SECRET_HASH, "#" SECRET_HASH));
	ck_assert(fits("#2BB80D537B1DA3E38BD30361AA855686BDE0EACD7162FEF6A25FE9"
		       "7BF527A25B", "secret"));
}
END_TEST

START_TEST(what_only_looks_like_a_hash_is_a_text)
{
	static const char *const texts[] = { "#", "#" SECRET_HASH "0",
		SECRET_HASH,
		"#xbb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527"
		"a25b" };

	for (size_t i = 0; i < RT_COUNTOF(texts); i++) {
		ck_assert(fits(texts[i], texts[i]));
		ck_assert(!fits(texts[i], "secret"));
	}
}
END_TEST

START_TEST(no_password_is_nobodys)
{
	ck_assert(!fits("", ""));
	ck_assert(!fits("", "x"));
}
END_TEST

RTT_MAIN("password", a_text_is_its_own_password,
    a_hash_takes_what_it_is_of_and_not_itself,
    what_only_looks_like_a_hash_is_a_text, no_password_is_nobodys)
