/* INCRBYFLOAT: numbers with a fraction, as wide as Redis reckons them. */
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "riptided/cmd/handlers.h"
#include "riptided/cmd/notify.h"

/* The longest text of a number that Redis reads. */
#define NUMBER_BYTES_MAX (5 * 1024)

/* What strtold() takes, all of it, without blanks before or behind. */
static bool
parse_float(struct rt_slice text, long double *out)
{
	char digits[NUMBER_BYTES_MAX], *end;
	long double number;

	if (text.len == 0 || text.len >= sizeof(digits) ||
	    isspace(text.data[0]))
		return false;
	memcpy(digits, text.data, text.len);
	digits[text.len] = '\0';
	errno = 0;
	number = strtold(digits, &end);
	if (end != digits + text.len || isnan(number) || errno == EINVAL)
		return false;
	if (errno == ERANGE && (isinf(number) || number == 0))
		return false;
	*out = number;
	return true;
}

/* 17 digits behind the point, less the zeros at their end. */
static size_t
format_float(char *out, size_t size, long double number)
{
	size_t len = (size_t)snprintf(out, size, "%.17Lf", number);

	while (out[len - 1] == '0')
		len--;
	if (out[len - 1] == '.')
		len--;
	if (len == 2 && out[0] == '-' && out[1] == '0') {
		out[0] = '0';
		len = 1;
	}
	return len;
}

/* False: the error reply is written. */
static bool
float_arg(struct rtd_call *call, struct rt_slice text, long double *out)
{
	if (parse_float(text, out))
		return true;
	rtd_reply_error(rtd_call_reply(call), "ERR value is not a valid float");
	return false;
}

void
rtd_cmd_incrbyfloat(struct rtd_call *call)
{
	struct rtd_value old = { 0 };
	enum rtd_lookup lookup = rtd_call_get(call, call->argv[1], &old);
	uint64_t expire_ms = RT_NO_EXPIRY;
	long double number = 0, by;
	char text[NUMBER_BYTES_MAX];
	struct rt_slice sum;

	if (lookup == RTD_FAILED ||
	    (lookup == RTD_FOUND && !float_arg(call, old.bytes, &number)) ||
	    !float_arg(call, call->argv[2], &by))
		goto out;
	if (lookup == RTD_FOUND)
		expire_ms = old.expire_ms;
	number += by;
	if (isnan(number) || isinf(number)) {
		rtd_reply_error(rtd_call_reply(call),
		    "ERR increment would produce NaN or Infinity");
		goto out;
	}
	sum = rt_slice(text, format_float(text, sizeof(text), number));
	rtd_call_put(call, call->argv[1], sum, expire_ms);
	if (rtd_call_commit(call)) {
		rtd_notify(call, RT_EVENT_STRING, "incrbyfloat",
		    call->argv[1]);
		rtd_reply_bulk(rtd_call_reply(call), sum);
	}
out:
	rtd_value_fini(&old);
}
