/* json: texts in JSON. Thread: any. */
#ifndef RIPTIDED_HTTP_JSON_H
#define RIPTIDED_HTTP_JSON_H

#include "libcommon/base/buf.h"

/* Append it in quotes; what is no printable ASCII becomes \u00XX, a byte each,
 * so that any bytes are well formed and none of them ends anything. */
void rtd_json_text(struct rt_buf *out, struct rt_slice text);

#endif
