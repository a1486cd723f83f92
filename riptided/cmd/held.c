#include "riptided/cmd/held.h"

void
rtd_held_take(struct rtd_held *held, struct rtd_value *value)
{
	*held = (struct rtd_held){ .bytes = value->bytes };
	if (value->bytes.len >= RT_BULK_BYTES_MIN)
		held->bulk = rtd_value_hold(value);
	if (held->bulk != NULL)
		return;
	rt_buf_append_slice(&held->copy, value->bytes);
	held->bytes = rt_buf_slice(&held->copy);
}

void
rtd_held_fini(struct rtd_held *held)
{
	rt_bulk_unref(held->bulk);
	rt_buf_fini(&held->copy);
	*held = (struct rtd_held){ 0 };
}
