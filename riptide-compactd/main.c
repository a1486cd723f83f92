/* riptide-compactd: flags, configuration, manners, exit code. */
#include "build-config.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sysexits.h>
#include <unistd.h>

#include "libcommon/daemon/lifecycle.h"
#include "libcommon/daemon/log.h"
#include "libcommon/daemon/sandbox.h"
#include "riptide-compactd/compactor.h"
#include "riptide-compactd/plan.h"

#define NICE 10
/* From linux/ioprio.h, which the C library does not carry. */
#define IOPRIO_WHO_PROCESS 1
#define IOPRIO_CLASS_IDLE 3
#define IOPRIO_CLASS_SHIFT 13

static const char usage_text[] =
    "usage: riptide-compactd [CONFIG-FILE] [--NAME VALUE ...]\n"
    "           [--once | --full | --dry-run] [--budget TIME] [--wait]\n"
    "           [--forecast SIZE [--forecast-data SIZE]]\n"
    "\n"
    "  --once         do everything that is due, then end\n"
    "  --full         merge everything down to the last level, then end\n"
    "  --window HH:MM-HH:MM\n"
    "                 short for --compaction-window\n"
    "  --budget TIME  end after so long: 90s, 10m, 2h\n"
    "  --wait         where another compactor works on the directory, wait until\n"
    "                 it ends instead of ending with 75\n"
    "  --dry-run      print the jobs that are due and what they would cost,\n"
    "                 with the options given here, and change nothing\n"
    "  --forecast SIZE\n"
    "                 print what the merges of so many bytes of writes to come\n"
    "                 would cost, and change nothing\n"
    "  --forecast-data SIZE\n"
    "                 over so much data those writes are spread; without it\n"
    "                 all of them are of new keys\n"
    "  --check-config look at the configuration, and end\n"
    "  --help, --version\n"
    "\n";

struct program {
	struct rt_config config;
	int argc;
	char **argv;
};

static int
complain(const struct rt_err *err)
{
	fprintf(stderr, "riptide-compactd: %s\n", err->text);
	return rt_code_exit_status(err->code);
}

static void
print_help(void)
{
	struct rt_buf help = { 0 };

	rt_config_print_help(&help, RT_FOR_COMPACTOR);
	fputs(usage_text, stdout);
	fwrite(help.data, 1, help.len, stdout);
	rt_buf_fini(&help);
}

/* Others come first, for the processor and for the disk. What is refused here
 * is done without. Somebody waits for a compactor that is to end: in the idle
 * class it would get next to nothing on a machine that is always busy. */
static void
be_modest(bool is_awaited)
{
	struct sched_param param = { .sched_priority = 0 };

	if (setpriority(PRIO_PROCESS, 0, NICE) != 0)
		rt_log(RT_LOG_VERBOSE, "main", "niceness refused", "");
	if (!is_awaited && sched_setscheduler(0, SCHED_IDLE, &param) != 0)
		rt_log(RT_LOG_VERBOSE, "main", "idle scheduling refused", "");
	if (syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0,
		IOPRIO_CLASS_IDLE << IOPRIO_CLASS_SHIFT) != 0)
		rt_log(RT_LOG_VERBOSE, "main", "idle disk priority refused",
		    "");
}

static void
reload(void *arg)
{
	struct program *program = arg;
	struct rt_err err = { .code = RT_OK };

	if (rt_config_reload(&program->config, RT_FOR_COMPACTOR, program->argc,
		program->argv, &err) != RT_OK)
		rt_log(RT_LOG_WARNING, "main", "configuration not taken over",
		    "error=\"%s\"", err.text);
	rt_log_set_level((enum rt_loglevel)program->config.loglevel);
}

static enum rt_code
serve(struct program *program, const struct rt_command_line *line,
    struct rt_err *err)
{
	struct rt_sandbox_state sandbox = { 0 };
	struct rtc_compactor *compactor = NULL;
	struct rtc_options options = {
		.fs = rt_fs_posix(),
		.clock = rt_clock_system(),
		.config = &program->config,
		.once = line->once,
		.full = line->full,
		.budget_s = line->budget_s,
		.wait = line->wait,
		.signal_fd = -1,
		.reload = reload,
		.reload_arg = program,
	};
	struct rtc_plan_options plan = {
		.full = line->full,
		.forecast_bytes = line->forecast_bytes,
		.forecast_data_bytes = line->forecast_data_bytes,
	};
	enum rt_code code;

	if (line->dry_run || line->forecast_bytes != 0)
		return rtc_plan_print(options.fs, options.clock,
		    &program->config, &plan, err);
	code = rt_log_open("riptide-compactd", &program->config, err);
	if (code == RT_OK)
		code = rt_lifecycle_open(&options.signal_fd, err);
	if (code == RT_OK)
		code = rt_sandbox_enter(RT_SYSCALLS_COMPACTOR,
		    &program->config, line->config_file, &sandbox, err);
	options.sandbox = sandbox.text;
	if (code == RT_OK)
		code = rtc_compactor_open(&compactor, &options, err);
	if (code == RT_OK) {
		be_modest(line->once || line->full);
		rt_lifecycle_warn_of_root();
		rt_sandbox_log(&sandbox);
		rt_log(RT_LOG_NOTICE, "main", "started", "dir=\"%s\"",
		    program->config.dir);
		code = rtc_compactor_run(compactor, err);
		rtc_compactor_log_end(compactor, code, err);
		rtc_compactor_close(compactor);
	} else if (code == RT_ESTOPPED) {
		/* It waited for the role, and has begun nothing. */
		rt_log(RT_LOG_NOTICE, "main", "ended",
		    "result=stopped jobs=0 exit=0 error=\"%s\"", err->text);
		code = RT_OK;
	}
	rt_log_close();
	return code;
}

int
main(int argc, char *argv[])
{
	char **words = rt_config_take_arguments(argc, argv);
	struct program program = { .argc = argc, .argv = words };
	struct rt_command_line line = { .config_file = NULL };
	struct rt_err err = { .code = RT_OK };
	int status = EX_OK;

	rt_config_init(&program.config);
	if (rt_config_read(&program.config, RT_FOR_COMPACTOR, argc, words, &line,
		&err) != RT_OK)
		status = complain(&err);
	else if (line.help)
		print_help();
	else if (line.version)
		puts("riptide-compactd " PACKAGE_VERSION);
	else if (line.check_config)
		puts("configuration is good");
	else if (serve(&program, &line, &err) != RT_OK)
		status = complain(&err);
	rt_config_fini(&program.config);
	rt_config_free_arguments(words);
	return status;
}
