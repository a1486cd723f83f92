#include "bench/load_options.h"

#include "bench/option_reader.h"

#define YEAR_S UINT64_C(31536000)

#define MEMBER(member) RTB_MEMBER(struct rtb_load_options, member)

static const struct rtb_option known[] = {
	{ "--host", RTB_TEXT, MEMBER(host), 0, 0 },
	{ "--port", RTB_NUMBER, MEMBER(port), 1, 65535 },
	{ "--unixsocket", RTB_TEXT, MEMBER(unixsocket), 0, 0 },
	{ "--password", RTB_TEXT, MEMBER(password), 0, 0 },
	{ "--clients", RTB_NUMBER, MEMBER(clients), 1, 100000 },
	{ "--threads", RTB_NUMBER, MEMBER(threads), 1, RTB_THREADS_MAX },
	{ "--pipeline", RTB_NUMBER, MEMBER(pipeline), 1, RTB_PIPELINE_MAX },
	{ "--requests", RTB_NUMBER, MEMBER(requests), 1, UINT64_MAX / 2 },
	{ "--seconds", RTB_NUMBER, MEMBER(seconds), 1, YEAR_S },
	{ "--warmup", RTB_NUMBER, MEMBER(warmup), 0, YEAR_S },
	{ "--rate", RTB_NUMBER, MEMBER(rate), 1, 1000000000 },
	{ "--keys", RTB_NUMBER, MEMBER(keys), 1, 1000000000 },
	{ "--value-size", RTB_BYTES, MEMBER(value_bytes), 1, 1 << 20 },
	{ "--seed", RTB_NUMBER, MEMBER(seed), 0, UINT64_MAX },
	{ "--server-pid", RTB_NUMBER, MEMBER(server_pid), 1, 1 << 30 },
	{ "--mix", RTB_TEXT, MEMBER(mix_text), 0, 0 },
	{ "--distribution", RTB_TEXT, MEMBER(distribution_text), 0, 0 },
	{ "--cpus", RTB_TEXT, MEMBER(cpus), 0, 0 },
	{ "--json", RTB_TEXT, MEMBER(json), 0, 0 },
	{ "--histogram", RTB_TEXT, MEMBER(histogram), 0, 0 },
	{ "--resp3", RTB_FLAG, MEMBER(resp3), 0, 0 },
	{ "--quiet", RTB_FLAG, MEMBER(quiet), 0, 0 },
	{ "--help", RTB_FLAG, MEMBER(help), 0, 0 },
};

void
rtb_load_options_default(struct rtb_load_options *options)
{
	*options = (struct rtb_load_options){
		.host = "127.0.0.1",
		.port = 6379,
		.clients = 50,
		.threads = 1,
		.pipeline = 1,
		.seconds = 10,
		.warmup = 1,
		.keys = 1000000,
		.value_bytes = 100,
		.seed = 1,
		.mix_text = "get",
	};
}

enum rt_code
rtb_load_options_read(struct rtb_load_options *options, int argc,
    char *const argv[], struct rt_err *err)
{
	enum rt_code code;

	rtb_load_options_default(options);
	code = rtb_options_parse(options, known, RT_COUNTOF(known), argc, argv,
	    err);
	if (code != RT_OK)
		return code;
	code = rtb_load_mix_parse(&options->mix, options->mix_text,
	    &options->distribution, err);
	if (code != RT_OK)
		return code;
	if (options->distribution_text != NULL &&
	    !rtb_distribution_parse(options->distribution_text,
		&options->distribution))
		return rt_err_set(err, RT_EUSAGE, "--distribution: %s is not "
		    "uniform, zipfian, latest or sequential",
		    options->distribution_text);
	if (options->clients < options->threads)
		options->threads = options->clients;
	return RT_OK;
}
