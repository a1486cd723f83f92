/* fuzz_resp_parser: any bytes as requests, whole and cut into pieces. The first
 * byte chooses limits and cuts: both ways must give the same commands, the same
 * error, and use the same bytes (R1 of resp_parser.h). A look ahead
 * (resp_peek.h) and the parser must agree about what a plain command is. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "libcommon/base/invariant.h"
#include "riptided/resp/resp_parser.h"
#include "riptided/resp/resp_peek.h"

#define STEPS 64			/* the low bits of the first byte */
#define UNAUTHENTICATED 0x40
#define NARROW 0x80
#define PEEK_ARGS 4

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct outcome {
	struct rt_buf commands;		/* counts, lengths, words */
	enum rtd_resp_status status;
	size_t consumed;		/* by the commands */
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

/* What stands in a reply must be a line of text. */
static void
expect_words(const char *error)
{
	size_t len = strnlen(error, sizeof(((struct outcome *)0)->error));

	rt_assert(len < sizeof(((struct outcome *)0)->error));
	rt_assert(strncmp(error, "ERR Protocol error: ", 20) == 0);
	for (size_t i = 0; i < len; i++)
		rt_assert(error[i] >= 0x20 && error[i] <= 0x7e);
}

/* Take one command; what a look at the same bytes finds is what is taken. A
 * look knows no limits and no rule about zeros in front: it may find what the
 * parser refuses. */
static enum rtd_resp_status
take(struct rtd_resp_parser *parser, struct rt_slice data,
    const struct rtd_resp_limits *limits, size_t *consumed)
{
	struct rt_slice seen[PEEK_ARGS], rest = data;
	enum rtd_resp_status status;
	size_t argc, want;
	bool peeked;

	peeked = rtd_resp_peek(&rest, seen, PEEK_ARGS, &argc);
	status = rtd_resp_parse(parser, data, limits, consumed, &want);
	rt_assert(want == 0 || status == RTD_RESP_MORE);
	if (!peeked) {
		rt_assert(rest.data == data.data && rest.len == data.len);
		rt_assert(status != RTD_RESP_COMMAND || parser->argc == 0 ||
		    data.data[0] != '*');
		return status;
	}
	rt_assert(status != RTD_RESP_MORE);
	if (status == RTD_RESP_ERROR)
		return status;
	rt_assert(parser->argc == argc);
	rt_assert(*consumed == data.len - rest.len);
	for (size_t i = 0; i < argc && i < PEEK_ARGS; i++)
		rt_assert(rt_slice_equal(seen[i], parser->argv[i]));
	return status;
}

/* Bytes of the next piece, from 1 to step; step 0: all at once. */
static size_t
piece(size_t step, uint32_t *state)
{
	if (step == 0)
		return SIZE_MAX;
	*state = *state * 1664525u + 1013904223u;
	return 1 + (*state >> 16) % step;
}

/* Each piece is parsed from memory of its exact size, so that a sanitizer sees
 * a look beyond it, and a slice into an older one. */
static void
feed(struct rt_slice input, size_t step, const struct rtd_resp_limits *limits,
    struct outcome *outcome)
{
	struct rtd_resp_parser parser = { 0 };
	uint32_t state = (uint32_t)input.len;
	size_t start = 0, end = 0, consumed;

	outcome->status = RTD_RESP_MORE;
	while (end < input.len && outcome->status != RTD_RESP_ERROR) {
		size_t more = piece(step, &state), at = 0, len;
		uint8_t *copy;

		end = more < input.len - end ? end + more : input.len;
		len = end - start;
		copy = rt_alloc(len);
		memcpy(copy, input.data + start, len);
		for (;; at += consumed) {
			struct rt_slice left = rt_slice(copy + at, len - at);
			size_t want;

			outcome->status = step == 0 ?
			    take(&parser, left, limits, &consumed) :
			    rtd_resp_parse(&parser, left, limits, &consumed,
			    &want);
			if (outcome->status != RTD_RESP_COMMAND)
				break;
			rt_assert(consumed > 0);
			rt_assert(consumed <= len - at);
			note(&parser, &outcome->commands);
		}
		rt_assert(outcome->status != RTD_RESP_MORE || consumed == 0);
		start += at;
		free(copy);
	}
	outcome->consumed = start;
	memcpy(outcome->error, parser.error, sizeof(outcome->error));
	if (outcome->status == RTD_RESP_ERROR)
		expect_words(parser.error);
	rtd_resp_parser_fini(&parser);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct outcome whole = { 0 }, cut = { 0 };
	struct rtd_resp_limits limits = { .bulk_bytes_max = 1 << 20,
		.args_max = RTD_ARGS_MAX };
	struct rt_slice input;

	if (size < 2)
		return 0;
	limits.unauthenticated = (data[0] & UNAUTHENTICATED) != 0;
	if ((data[0] & NARROW) != 0) {
		limits.bulk_bytes_max = 12;
		limits.args_max = 3;
	}
	input = rt_slice(data + 1, size - 1);
	feed(input, 0, &limits, &whole);
	feed(input, 1u + data[0] % STEPS, &limits, &cut);
	rt_assert(whole.status == cut.status);
	rt_assert(whole.consumed == cut.consumed);
	rt_assert(strcmp(whole.error, cut.error) == 0);
	rt_assert(rt_slice_equal(rt_buf_slice(&whole.commands),
	    rt_buf_slice(&cut.commands)));
	rt_buf_fini(&whole.commands);
	rt_buf_fini(&cut.commands);
	return 0;
}
