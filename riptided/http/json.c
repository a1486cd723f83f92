#include "riptided/http/json.h"

void
rtd_json_text(struct rt_buf *out, struct rt_slice text)
{
	rt_buf_append_byte(out, '"');
	for (size_t i = 0; i < text.len; i++) {
		uint8_t byte = text.data[i];

		if (byte < 0x20 || byte > 0x7e || byte == '"' ||
		    byte == '\\' || byte == '<')
			rt_buf_printf(out, "\\u%04x", byte);
		else
			rt_buf_append_byte(out, byte);
	}
	rt_buf_append_byte(out, '"');
}
