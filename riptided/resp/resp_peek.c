#include "riptided/resp/resp_peek.h"

#define DIGITS_MAX 9

/* "*12\r\n": the number behind the lead, taken off data. */
static bool
take_number(struct rt_slice *data, uint8_t lead, size_t *number)
{
	size_t at = 1;

	*number = 0;
	if (data->len == 0 || data->data[0] != lead)
		return false;
	while (at < data->len && at <= DIGITS_MAX &&
	    (unsigned)(data->data[at] - '0') <= 9)
		*number = *number * 10 + (unsigned)(data->data[at++] - '0');
	if (at == 1 || data->len - at < 2 || data->data[at] != '\r' ||
	    data->data[at + 1] != '\n')
		return false;
	*data = rt_slice(data->data + at + 2, data->len - at - 2);
	return true;
}

bool
rtd_resp_peek(struct rt_slice *data, struct rt_slice *argv, size_t argv_max,
    size_t *argc)
{
	struct rt_slice rest = *data;
	size_t len;

	if (!take_number(&rest, '*', argc) || *argc == 0)
		return false;
	for (size_t i = 0; i < *argc; i++) {
		if (!take_number(&rest, '$', &len) || rest.len < 2 ||
		    len > rest.len - 2)
			return false;
		if (i < argv_max)
			argv[i] = rt_slice(rest.data, len);
		rest = rt_slice(rest.data + len + 2, rest.len - len - 2);
	}
	*data = rest;
	return true;
}
