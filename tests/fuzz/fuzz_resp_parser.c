/* fuzz_resp_parser: any bytes as requests, whole and cut into pieces whose
 * sizes the first byte chooses: both must give the same commands and errors
 * (R1 of resp_parser.h). */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "libcommon/base/invariant.h"
#include "riptided/resp/resp_parser.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct outcome {
	struct rt_buf commands;		/* counts, lengths, words */
	enum rtd_resp_status status;
	char error[160];
};

static void
note(const struct rtd_resp_parser *parser, struct rt_buf *out)
{
	rt_buf_append(out, &parser->argc, sizeof(parser->argc));
	for (size_t i = 0; i < parser->argc; i++) {
		rt_buf_append(out, &parser->argv[i].len, sizeof(size_t));
		rt_buf_append_slice(out, parser->argv[i]);
	}
}

/* Pieces of 1 to step bytes; step 0: all at once. Each is parsed from memory
 * of its exact size, so that a sanitizer sees a look beyond it, and a slice
 * into an older one. */
static void
feed(struct rt_slice input, size_t step, struct outcome *outcome)
{
	static const struct rtd_resp_limits limits = {
		.bulk_bytes_max = 1 << 20, .args_max = RTD_ARGS_MAX };
	struct rtd_resp_parser parser = { 0 };
	size_t start = 0, end = 0, consumed, want;

	outcome->status = RTD_RESP_MORE;
	while (end < input.len && outcome->status != RTD_RESP_ERROR) {
		size_t more = step == 0 ? input.len : 1 + end * 7 % step;
		size_t at = 0, len;
		uint8_t *copy;

		end = more < input.len - end ? end + more : input.len;
		len = end - start;
		copy = rt_alloc(len);
		memcpy(copy, input.data + start, len);
		for (;; at += consumed) {
			outcome->status = rtd_resp_parse(&parser,
			    rt_slice(copy + at, len - at), &limits, &consumed,
			    &want);
			if (outcome->status != RTD_RESP_COMMAND)
				break;
			rt_assert(consumed > 0);
			rt_assert(consumed <= len - at);
			note(&parser, &outcome->commands);
		}
		start += at;
		free(copy);
	}
	memcpy(outcome->error, parser.error, sizeof(outcome->error));
	rtd_resp_parser_fini(&parser);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct outcome whole = { 0 }, cut = { 0 };
	struct rt_slice input;

	if (size < 2)
		return 0;
	input = rt_slice(data + 1, size - 1);
	feed(input, 0, &whole);
	feed(input, 1u + data[0] % 64, &cut);
	rt_assert(whole.status == cut.status);
	rt_assert(strcmp(whole.error, cut.error) == 0);
	rt_assert(rt_slice_equal(rt_buf_slice(&whole.commands),
	    rt_buf_slice(&cut.commands)));
	rt_buf_fini(&whole.commands);
	rt_buf_fini(&cut.commands);
	return 0;
}
