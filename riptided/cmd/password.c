#include "riptided/cmd/password.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdint.h>

#define DIGEST_BYTES 32

static bool
digest(struct rt_slice text, uint8_t out[DIGEST_BYTES])
{
	unsigned len = 0;

	return EVP_Digest(text.len != 0 ? (const void *)text.data : "",
	    text.len, out, &len, EVP_sha256(), NULL) == 1 &&
	    len == DIGEST_BYTES;
}

static int
hex_digit(uint8_t byte)
{
	if (byte >= '0' && byte <= '9')
		return byte - '0';
	if ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'f')
		return (byte | 0x20) - 'a' + 10;
	return -1;
}

/* False: the text is a password as it stands. */
static bool
parse_hash(struct rt_slice text, uint8_t out[DIGEST_BYTES])
{
	if (text.len != 1 + 2 * DIGEST_BYTES || text.data[0] != '#')
		return false;
	for (size_t i = 0; i < DIGEST_BYTES; i++) {
		int high = hex_digit(text.data[1 + 2 * i]);
		int low = hex_digit(text.data[2 + 2 * i]);

		if (high < 0 || low < 0)
			return false;
		out[i] = (uint8_t)(high * 16 + low);
	}
	return true;
}

bool
rtd_password_is(const char *set, struct rt_slice given)
{
	struct rt_slice text = rt_slice_cstr(set);
	uint8_t wanted[DIGEST_BYTES], got[DIGEST_BYTES];

	if (text.len == 0 || !digest(given, got))
		return false;
	if (!parse_hash(text, wanted) && !digest(text, wanted))
		return false;
	return CRYPTO_memcmp(wanted, got, sizeof(got)) == 0;
}
