/* riptided: the daemon. Flags, exit codes, and nothing else. */
#include <stdio.h>
#include <sysexits.h>

#include "build-config.h"
#include "libcommon/daemon/config.h"
#include "riptided/server.h"

static int
print(const char *text, size_t len)
{
	if (fwrite(text, 1, len, stdout) != len || fflush(stdout) != 0)
		return EX_IOERR;
	return EX_OK;
}

static int
help(void)
{
	struct rt_buf out = { 0 };
	int status;

	rt_buf_printf(&out,
	    "Usage: riptided [CONFIG-FILE] [--NAME VALUE ...]\n"
	    "Serve a RiptideKV database to Redis clients.\n\n"
	    "  --check-config  read the configuration, say whether it is good\n"
	    "  --version       print the version\n"
	    "  --help          print this\n\n"
	    "Options, here or without -- in the file:\n");
	rt_config_print_help(&out, RT_FOR_DAEMON);
	status = print((const char *)out.data, out.len);
	rt_buf_fini(&out);
	return status;
}

static int
fail(const struct rt_err *err)
{
	fprintf(stderr, "riptided: %s\n", err->text);
	return rt_code_exit_status(err->code);
}

static int
run(struct rt_config *config, const struct rt_command_line *line, int argc,
    char *const argv[])
{
	static const char version[] = "riptided " PACKAGE_VERSION "\n";
	static const char good[] = "configuration is good\n";
	struct rt_err err = { 0 };

	if (line->help)
		return help();
	if (line->version)
		return print(version, sizeof(version) - 1);
	if (line->check_config)
		return rtd_server_check(config, &err) == RT_OK
		    ? print(good, sizeof(good) - 1) : fail(&err);
	if (rtd_server_run(config, line->config_file, argc, argv, &err) !=
	    RT_OK)
		return fail(&err);
	return EX_OK;
}

int
main(int argc, char *argv[])
{
	struct rt_command_line line = { 0 };
	struct rt_config config;
	struct rt_err err = { 0 };
	char **words = rt_config_take_arguments(argc, argv);
	int status;

	rt_config_init(&config);
	if (rt_config_read(&config, RT_FOR_DAEMON, argc, words, &line, &err) ==
	    RT_OK)
		status = run(&config, &line, argc, words);
	else
		status = fail(&err);
	rt_config_fini(&config);
	rt_config_free_arguments(words);
	return status;
}
