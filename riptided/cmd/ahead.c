#include "riptided/cmd/ahead.h"

#include "libcommon/base/invariant.h"
#include "riptided/resp/resp_peek.h"

bool
rtd_ahead_read(struct rtd_ahead *ahead, struct rtd_reader *reader,
    const struct rtd_read *read, struct rt_slice key, struct rt_slice behind)
{
	struct rt_slice argv[2];
	size_t argc;

	rtd_ahead_end(ahead);
	ahead->keys[0] = key;
	ahead->count = 1;
	while (ahead->count < RTD_READ_KEYS_MAX &&
	    rtd_resp_peek(&behind, argv, RT_COUNTOF(argv), &argc) &&
	    argc == 2 && rt_slice_equal_nocase(argv[0], "GET") &&
	    argv[1].len <= RT_USER_KEY_BYTES_MAX)
		ahead->keys[ahead->count++] = argv[1];
	if (ahead->count == 1) {
		ahead->count = 0;
		return false;
	}
	rtd_reader_get_many(reader, read, ahead->keys, ahead->count,
	    ahead->values, ahead->codes, NULL);
	return true;
}

enum rt_code
rtd_ahead_take(struct rtd_ahead *ahead, struct rtd_value *value)
{
	size_t i = ahead->next++;

	rt_assert(i < ahead->count);
	*value = ahead->values[i];
	return ahead->codes[i];
}

void
rtd_ahead_end(struct rtd_ahead *ahead)
{
	while (ahead->next < ahead->count)
		rtd_value_fini(&ahead->values[ahead->next++]);
	ahead->next = ahead->count = 0;
}
