/* config: file and flags to one checked struct. options.def is the table that
 * makes this struct, --help, CONFIG GET/SET, the sample file and, held by a
 * check, the manual. Thread: the main thread, before others start; afterwards
 * the loop alone changes it (CONFIG SET). */
#ifndef LIBCOMMON_DAEMON_CONFIG_H
#define LIBCOMMON_DAEMON_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "libcommon/base/buf.h"
#include "libcommon/base/err.h"
#include "libcommon/base/slice.h"

/* Who reads an option. */
#define RT_FOR_DAEMON 0x1
#define RT_FOR_COMPACTOR 0x2
#define RT_FOR_BOTH (RT_FOR_DAEMON | RT_FOR_COMPACTOR)
/* How it may change. */
#define RT_AT_START 0x0
#define RT_AT_RUNTIME 0x4

enum rt_loglevel { RT_LOG_DEBUG, RT_LOG_VERBOSE, RT_LOG_NOTICE, RT_LOG_WARNING };
enum rt_log_format { RT_LOG_TEXT, RT_LOG_JSON };
enum rt_appendfsync { RT_FSYNC_ALWAYS, RT_FSYNC_EVERYSEC, RT_FSYNC_NO };
enum rt_compactor_mode { RT_COMPACTOR_SPAWN, RT_COMPACTOR_EXTERNAL };
enum rt_wal_recovery { RT_WAL_STRICT, RT_WAL_TOLERANT };
enum rt_sandbox { RT_SANDBOX_NO, RT_SANDBOX_YES, RT_SANDBOX_REQUIRED };
enum rt_tls_auth { RT_TLS_AUTH_NO, RT_TLS_AUTH_YES, RT_TLS_AUTH_OPTIONAL };
enum rt_debug_command { RT_DEBUG_NO, RT_DEBUG_LOCAL, RT_DEBUG_YES };
enum rt_compaction_policy { RT_POLICY_LEVELED, RT_POLICY_LAZY };
enum rt_outside_window { RT_OUTSIDE_L0, RT_OUTSIDE_NONE };

/* Every option is a member named after it with '-' turned into '_':
 * memtable-size is memtable_size. */
struct rt_config {
#define RT_OPTION_BOOL(name, member, def, who, help) bool member;
#define RT_OPTION_INT(name, member, def, min, max, who, help) int64_t member;
#define RT_OPTION_BYTES(name, member, def, min, max, who, help) uint64_t member;
#define RT_OPTION_TEXT(name, member, def, who, help) char *member;
#define RT_OPTION_ENUM(name, member, words, def, who, help) int member;
#include "libcommon/daemon/options.def"
#undef RT_OPTION_BOOL
#undef RT_OPTION_INT
#undef RT_OPTION_BYTES
#undef RT_OPTION_TEXT
#undef RT_OPTION_ENUM
};

/* All defaults; texts are owned by the config. */
void rt_config_init(struct rt_config *config);
void rt_config_fini(struct rt_config *config);

/* What the words on a command line ask for besides options. */
struct rt_command_line {
	const char *config_file;	/* NULL: none */
	bool help, version, check_config;
	bool once, full, dry_run, wait;	/* the compactor's */
	uint64_t budget_s;		/* the compactor's; 0: none */
	/* Of its --dry-run: writes to come, and the data that they are spread
	 * over; 0: none, and all new. */
	uint64_t forecast_bytes, forecast_data_bytes;
};

/* Read argv: [CONFIG-FILE] [--NAME VALUE ...]; the file first, then the flags
 * over it. An option that this program (`who`) does not read is accepted when
 * the other one does, so that both can share a file. RT_EUSAGE or RT_ECONFIG
 * with one sentence: "riptide.conf:12: port: 70000 is out of range, allowed: 0
 * to 65535"; near names get "did you mean". */
RT_MUST_USE enum rt_code rt_config_read(struct rt_config *config, int who,
    int argc, char *const argv[], struct rt_command_line *line,
    struct rt_err *err);

/* A copy of the command line, to be freed with the other; in the original, which
 * every user of the machine can read, passwords become stars. */
char **rt_config_take_arguments(int argc, char *argv[]);
void rt_config_free_arguments(char **argv);

/* The limits of a file. */
#define RT_CONFIG_FILE_BYTES_MAX (1 << 20)
#define RT_CONFIG_LINE_BYTES_MAX (1 << 14)

/* The text of a file, as rt_config_read takes it: "name value" a line, # in
 * front of a comment, values plain, in '...' or in "..." with Redis' escapes.
 * file: its name, for errors. RT_ECONFIG: some options may be set already. */
RT_MUST_USE enum rt_code rt_config_parse(struct rt_config *config,
    const char *file, struct rt_slice text, struct rt_err *err);

/* SIGHUP: read the same command line again and take over what may change at
 * run time. Nothing changes on error. */
RT_MUST_USE enum rt_code rt_config_reload(struct rt_config *config, int who,
    int argc, char *const argv[], struct rt_err *err);

/* Set one option from text. RT_ENOTFOUND: no such option. running: refuse
 * (RT_EINVAL) what may only be set at start. Nothing changes on error. */
RT_MUST_USE enum rt_code rt_config_set(struct rt_config *config,
    struct rt_slice name, struct rt_slice value, bool running,
    struct rt_err *err);

/* Call each(arg, name, value) for the options whose name matches the glob
 * pattern (Redis' rules, case-blind), in table order. Secrets come as given. */
void rt_config_get(const struct rt_config *config, struct rt_slice pattern,
    void (*each)(void *arg, const char *name, const char *value), void *arg);

/* Print the option part of --help for that program; print a sample file. */
void rt_config_print_help(struct rt_buf *out, int who);
void rt_config_print_sample(struct rt_buf *out);

#endif
