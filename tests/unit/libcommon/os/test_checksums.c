#include "libcommon/os/checksums.h"

#include "tests/support/runner.h"

#define LIST                                                   \
	"CRC32C (sst/d-1.sst) = 9b3b0195\n"                    \
	"CRC32C (manifest/MANIFEST-00000000000000000004) = 0000000f\n"

START_TEST(what_is_put_is_taken)
{
	struct rt_buf list = { 0 };
	struct rt_checksum sum;
	struct rt_slice rest;

	rt_checksums_put(&list, "sst", "d-1.sst", 0x9b3b0195);
	rt_checksums_put(&list, "manifest", "MANIFEST-00000000000000000004",
	    15);
	rest = rt_buf_slice(&list);
	ck_assert(rt_slice_equal(rest, rt_slice_cstr(LIST)));
	ck_assert_int_eq(rt_checksums_take(&rest, &sum, NULL), RT_OK);
	ck_assert_str_eq(sum.path, "sst/d-1.sst");
	ck_assert_uint_eq(sum.crc32c, 0x9b3b0195);
	ck_assert_int_eq(rt_checksums_take(&rest, &sum, NULL), RT_OK);
	ck_assert_str_eq(sum.path, "manifest/MANIFEST-00000000000000000004");
	ck_assert_uint_eq(sum.crc32c, 15);
	ck_assert_int_eq(rt_checksums_take(&rest, &sum, NULL), RT_ENOTFOUND);
	rt_buf_fini(&list);
}
END_TEST

/* Whatever byte is changed or missing: another path, another sum, or no line
 * of ours; nothing is read behind the list. */
START_TEST(damage_is_never_overlooked)
{
	const struct rt_slice good = rt_slice_cstr(LIST);
	uint8_t bytes[sizeof(LIST)];
	struct rt_checksum sum, first, changed;

	for (size_t i = 0; i < good.len; i++) {
		struct rt_slice rest = good, other = rt_slice(bytes, good.len);
		enum rt_code code = RT_OK;

		memcpy(bytes, good.data, good.len);
		bytes[i] ^= 0x01;
		while (code == RT_OK && rt_checksums_take(&rest, &first,
			NULL) == RT_OK) {
			code = rt_checksums_take(&other, &changed, NULL);
			if (code == RT_OK && (strcmp(first.path,
				changed.path) != 0 ||
				first.crc32c != changed.crc32c))
				code = RT_EDAMAGED;
		}
		ck_assert_int_eq(code, RT_EDAMAGED);
	}
	for (size_t len = 0; len < good.len; len++) {
		struct rt_slice rest = rt_slice(good.data, len);
		enum rt_code code;
		unsigned lines = 0;

		while ((code = rt_checksums_take(&rest, &sum, NULL)) == RT_OK)
			lines++;
		ck_assert_uint_lt(lines, 2);
		ck_assert(code == RT_EDAMAGED || rest.len == 0);
	}
}
END_TEST

START_TEST(a_path_is_bounded)
{
	struct rt_buf list = { 0 };
	struct rt_checksum sum;
	struct rt_slice rest;
	char name[RT_CHECKSUM_PATH_BYTES];

	memset(name, 'x', sizeof(name));
	for (size_t len = sizeof(name) - 6; len < sizeof(name); len++) {
		name[len] = '\0';
		rt_buf_clear(&list);
		rt_checksums_put(&list, "sst", name, 1);
		rest = rt_buf_slice(&list);
		/* The directory, the slash and the end take five. */
		ck_assert_int_eq(rt_checksums_take(&rest, &sum, NULL),
		    len + 5 <= sizeof(sum.path) ? RT_OK : RT_EDAMAGED);
		name[len] = 'x';
	}
	rt_buf_fini(&list);
}
END_TEST

RTT_MAIN("checksums", what_is_put_is_taken, damage_is_never_overlooked,
    a_path_is_bounded)
