/* config: the command line is walked twice. The first walk checks its words
 * and finds the file; then the file is read; the second walk puts the flags
 * over it. */
#include "libcommon/daemon/config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "libcommon/base/glob.h"
#include "libcommon/base/invariant.h"
#include "libcommon/base/number.h"
#include "libcommon/base/utf8.h"
#include "libcommon/daemon/option.h"
#include "libcommon/daemon/option_text.h"
#include "libcommon/os/fs.h"

void
rt_config_init(struct rt_config *config)
{
	*config = (struct rt_config){ 0 };
	for (size_t i = 0; i < rt_option_count(); i++)
		rt_option_set_default(rt_option_at(i), config);
}

void
rt_config_fini(struct rt_config *config)
{
#define RT_OPTION_BOOL(name, member, def, who, help)
#define RT_OPTION_INT(name, member, def, min, max, who, help)
#define RT_OPTION_BYTES(name, member, def, min, max, who, help)
#define RT_OPTION_TEXT(name, member, def, who, help) free(config->member);
#define RT_OPTION_ENUM(name, member, words, def, who, help)
#include "libcommon/daemon/options.def"
	*config = (struct rt_config){ 0 };
}

static enum rt_code
refuse_name(struct rt_slice name, const char *dashes, struct rt_err *err)
{
	const struct rt_option *near = rt_option_near(name);
	char shown[80];

	rt_slice_print(name, shown, sizeof(shown));
	if (near != NULL)
		return rt_err_set(err, RT_ENOTFOUND,
		    "%s%s: unknown option, did you mean %s%s", dashes, shown,
		    dashes, near->name);
	return rt_err_set(err, RT_ENOTFOUND,
	    "%s%s: unknown option, allowed: those that --help lists", dashes,
	    shown);
}

/* One line of a file, cut into its words. */
struct line {
	struct rt_buf name;
	struct rt_buf value;	/* the words after the name, one blank apart */
	size_t values;		/* how many */
};

static int
hex_digit(uint8_t byte)
{
	if (byte >= '0' && byte <= '9')
		return byte - '0';
	if ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'f')
		return (byte | 0x20) - 'a' + 10;
	return -1;
}

/* Append what stands at *at, behind a backslash in double quotes. */
static void
append_escape(struct rt_slice text, size_t *at, struct rt_buf *out)
{
	static const char letters[] = "nrtba", bytes[] = "\n\r\t\b\a";
	const uint8_t *p = text.data + *at;
	const char *letter = *p != '\0' ? strchr(letters, *p) : NULL;

	if (*p == 'x' && text.len - *at >= 3 && hex_digit(p[1]) >= 0 &&
	    hex_digit(p[2]) >= 0) {
		rt_buf_append_byte(out,
		    (uint8_t)(hex_digit(p[1]) * 16 + hex_digit(p[2])));
		*at += 3;
		return;
	}
	rt_buf_append_byte(out,
	    letter != NULL ? (uint8_t)bytes[letter - letters] : *p);
	(*at)++;
}

/* Append a quoted word, *at behind its opening quote; false when it has no end
 * or something sticks to its end. */
static bool
append_quoted(struct rt_slice text, size_t *at, uint8_t quote,
    struct rt_buf *out)
{
	while (*at < text.len) {
		uint8_t byte = text.data[(*at)++];

		if (byte == quote)
			return *at == text.len || text.data[*at] == ' ' ||
			    text.data[*at] == '\t';
		if (byte == '\\' && *at < text.len && quote == '"')
			append_escape(text, at, out);
		else if (byte == '\\' && *at < text.len &&
		    text.data[*at] == '\'')
			rt_buf_append_byte(out, text.data[(*at)++]);
		else
			rt_buf_append_byte(out, byte);
	}
	return false;
}

/* As Redis' sdssplitargs: a quote may also open in the middle of a word. */
static bool
append_word(struct rt_slice text, size_t *at, struct rt_buf *out)
{
	while (*at < text.len) {
		uint8_t byte = text.data[(*at)++];

		if (byte == ' ' || byte == '\t')
			break;
		if (byte == '"' || byte == '\'')
			return append_quoted(text, at, byte, out);
		rt_buf_append_byte(out, byte);
	}
	return true;
}

static bool
split_line(struct rt_slice text, struct line *line)
{
	size_t at = 0, words = 0;

	rt_buf_clear(&line->name);
	rt_buf_clear(&line->value);
	for (;;) {
		while (at < text.len &&
		    (text.data[at] == ' ' || text.data[at] == '\t'))
			at++;
		if (at == text.len)
			break;
		if (words > 1)
			rt_buf_append_byte(&line->value, ' ');
		if (!append_word(text, &at,
			words == 0 ? &line->name : &line->value))
			return false;
		words++;
	}
	line->values = words > 0 ? words - 1 : 0;
	return true;
}

static enum rt_code
set_from_line(struct rt_config *config, const struct rt_option *option,
    const struct line *line, struct rt_err *err)
{
	struct rt_buf allowed = { 0 };

	/* A text may be empty, but then it says so: "". */
	if (line->values == 1 ||
	    (line->values > 1 && rt_option_takes_words(option)))
		return rt_option_set(option, config, rt_buf_slice(&line->value),
		    err);
	rt_option_print_allowed(option, &allowed);
	rt_buf_append_byte(&allowed, '\0');
	if (line->values == 0)
		rt_err_set(err, RT_EINVAL, "value missing, allowed: %s",
		    (const char *)allowed.data);
	else
		rt_err_set(err, RT_EINVAL,
		    "%zu values where one is expected, allowed: %s",
		    line->values, (const char *)allowed.data);
	rt_buf_fini(&allowed);
	return RT_EINVAL;
}

/* lines: for each option, the line that gave it, or 0. */
static enum rt_code
parse_line(struct rt_config *config, struct rt_slice text, unsigned number,
    unsigned *lines, struct line *line, struct rt_err *err)
{
	const struct rt_option *option;
	enum rt_code rc;
	size_t index;

	if (text.len > RT_CONFIG_LINE_BYTES_MAX)
		return rt_err_set(err, RT_ECONFIG,
		    "the line has %zu bytes, allowed: at most %d", text.len,
		    RT_CONFIG_LINE_BYTES_MAX);
	if (text.len != 0 && memchr(text.data, '\0', text.len) != NULL)
		return rt_err_set(err, RT_ECONFIG,
		    "the line contains a NUL byte, allowed: text");
	if (!rt_utf8_valid(text))
		return rt_err_set(err, RT_ECONFIG,
		    "the line is not UTF-8, allowed: UTF-8 text");
	if (!split_line(text, line))
		return rt_err_set(err, RT_ECONFIG, "quotes do not pair, "
		    "allowed: \"...\" or '...' with a blank behind");
	option = rt_option_find(rt_buf_slice(&line->name));
	if (option == NULL)
		return refuse_name(rt_buf_slice(&line->name), "", err);
	index = (size_t)(option - rt_option_at(0));
	if (lines[index] != 0)
		return rt_err_set(err, RT_ECONFIG,
		    "%s: given before in line %u, allowed: once",
		    option->name, lines[index]);
	lines[index] = number;
	rc = set_from_line(config, option, line, err);
	if (rc != RT_OK)
		rt_err_prefix(err, "%s", option->name);
	return rc;
}

static bool
is_blank(uint8_t byte)
{
	return byte == ' ' || byte == '\t' || byte == '\r';
}

static struct rt_slice
trim(struct rt_slice text)
{
	while (text.len != 0 && is_blank(text.data[0])) {
		text.data++;
		text.len--;
	}
	while (text.len != 0 && is_blank(text.data[text.len - 1]))
		text.len--;
	return text;
}

static enum rt_code
config_error(struct rt_err *err, enum rt_code code)
{
	if (err != NULL)
		err->code = code;
	return code;
}

#define FILE_SHOWN_BYTES 200
#define FORECAST_BYTES_MAX (UINT64_C(1000000) << 30)

enum rt_code
rt_config_parse(struct rt_config *config, const char *file,
    struct rt_slice text, struct rt_err *err)
{
	unsigned *lines = rt_alloc_zero(rt_option_count(), sizeof(*lines));
	enum rt_code rc = RT_OK;
	struct line line = { 0 };
	unsigned number = 0;
	char shown[FILE_SHOWN_BYTES];

	while (text.len != 0 && rc == RT_OK) {
		const uint8_t *end = memchr(text.data, '\n', text.len);
		size_t bytes = end != NULL ? (size_t)(end - text.data)
					   : text.len;
		struct rt_slice one = trim(rt_slice(text.data, bytes));

		number++;
		if (one.len != 0 && one.data[0] != '#')
			rc = parse_line(config, one, number, lines, &line, err);
		bytes += end != NULL;
		text = rt_slice(text.data + bytes, text.len - bytes);
	}
	if (rc != RT_OK) {
		rt_err_prefix(err, "%s:%u", rt_slice_print(rt_slice_cstr(file),
		    shown, sizeof(shown)), number);
		rc = config_error(err, RT_ECONFIG);
	}
	rt_buf_fini(&line.name);
	rt_buf_fini(&line.value);
	free(lines);
	return rc;
}

/* The file may lie anywhere and may be a symbolic link, unlike data files. */
static enum rt_code
load_file(const char *path, struct rt_buf *out, struct rt_err *err)
{
	struct rt_fs *fs = rt_fs_posix();
	enum rt_code rc = RT_OK;
	struct stat status;
	size_t got;
	int fd, failed;

	/* Not to wait for a writer, should it be a FIFO. */
	fd = fs->openat(fs, AT_FDCWD, path,
	    O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0);
	if (fd < 0)
		return rt_err_set_errno(err, -fd, "cannot be opened");
	failed = fs->fstat(fs, fd, &status);
	if (failed < 0) {
		rc = rt_err_set_errno(err, -failed, "cannot be read");
	} else if (S_ISDIR(status.st_mode)) {
		rc = rt_err_set(err, RT_ECONFIG,
		    "is a directory, allowed: a file");
	} else if (!S_ISREG(status.st_mode)) {
		rc = rt_err_set(err, RT_ECONFIG,
		    "is not a regular file, allowed: a file");
	} else {
		rt_buf_reserve(out, RT_CONFIG_FILE_BYTES_MAX + 1);
		rc = rt_fs_read(fs, fd, out->data, RT_CONFIG_FILE_BYTES_MAX + 1,
		    0, &got, err);
		out->len = rc == RT_OK ? got : 0;
		if (out->len > RT_CONFIG_FILE_BYTES_MAX)
			rc = rt_err_set(err, RT_ECONFIG,
			    "the file is too large, allowed: at most %d bytes",
			    RT_CONFIG_FILE_BYTES_MAX);
	}
	rt_fs_close(fs, &fd, NULL);
	return rc;
}

static enum rt_code
read_file(struct rt_config *config, const char *path, struct rt_err *err)
{
	struct rt_buf text = { 0 };
	char shown[FILE_SHOWN_BYTES];
	enum rt_code rc = load_file(path, &text, err);

	if (rc != RT_OK) {
		rt_err_prefix(err, "%s", rt_slice_print(rt_slice_cstr(path),
		    shown, sizeof(shown)));
		rc = config_error(err, RT_ECONFIG);
	} else {
		rc = rt_config_parse(config, path, rt_buf_slice(&text), err);
	}
	rt_buf_fini(&text);
	return rc;
}

/* The flags without a value; NULL when name is none of them. */
static bool *
find_switch(struct rt_command_line *line, int who, struct rt_slice name)
{
	const struct {
		const char *name;
		int who;
		bool *on;
	} switches[] = {
		{ "help", RT_FOR_BOTH, &line->help },
		{ "version", RT_FOR_BOTH, &line->version },
		{ "check-config", RT_FOR_BOTH, &line->check_config },
		{ "once", RT_FOR_COMPACTOR, &line->once },
		{ "full", RT_FOR_COMPACTOR, &line->full },
		{ "dry-run", RT_FOR_COMPACTOR, &line->dry_run },
		{ "wait", RT_FOR_COMPACTOR, &line->wait },
	};

	for (size_t i = 0; i < RT_COUNTOF(switches); i++)
		if ((switches[i].who & who) != 0 &&
		    rt_slice_equal(name, rt_slice_cstr(switches[i].name)))
			return switches[i].on;
	return NULL;
}

static struct rt_slice
name_of_flag(const char *word)
{
	return rt_slice(word + 2, strcspn(word + 2, "="));
}

/* The word behind the flag at *at, or behind its =; NULL when there is none.
 * Moves *at to the last word that belongs to the flag. */
static const char *
value_of_flag(int argc, char *const argv[], int *at)
{
	const char *value = strchr(argv[*at], '=');

	if (value != NULL)
		return value + 1;
	if (*at + 1 < argc && strncmp(argv[*at + 1], "--", 2) != 0)
		return argv[++*at];
	return NULL;
}

/* --window is short for the compactor's. */
static const struct rt_option *
find_option(int who, struct rt_slice name)
{
	if ((who & RT_FOR_COMPACTOR) != 0 &&
	    rt_slice_equal(name, rt_slice_cstr("window")))
		name = rt_slice_cstr("compaction-window");
	return rt_option_find(name);
}

/* One option from the command line, *at being its word; moves *at to the last
 * word that belongs to it. config NULL: only see whether it is well-formed. */
static enum rt_code
take_option(struct rt_config *config, int who, int argc, char *const argv[],
    int *at, struct rt_err *err)
{
	struct rt_slice name = name_of_flag(argv[*at]);
	const struct rt_option *option = find_option(who, name);
	struct line missing = { 0 };
	enum rt_code rc = RT_OK;
	const char *value;

	if (option == NULL)
		return refuse_name(name, "--", err);
	value = value_of_flag(argc, argv, at);
	if (value == NULL)
		rc = set_from_line(config, option, &missing, err);
	else if (config != NULL)
		rc = rt_option_set(option, config, rt_slice_cstr(value), err);
	if (rc != RT_OK)
		rt_err_prefix(err, "--%s", option->name);
	return rc;
}

static bool
is_flag(const char *word, const char *name)
{
	return rt_slice_equal(name_of_flag(word), rt_slice_cstr(name));
}

static enum rt_code
take_budget(struct rt_command_line *line, const char *value, struct rt_err *err)
{
	if (value == NULL || !rt_option_text_duration(value, &line->budget_s))
		return rt_err_set(err, RT_EUSAGE,
		    "--budget: %.64s is no time, allowed: 1s to 365d, as in "
		    "90s, 10m, 2h", value == NULL ? "nothing" : value);
	return RT_OK;
}

static enum rt_code
take_size(uint64_t *bytes, const char *flag, const char *value,
    struct rt_err *err)
{
	if (value == NULL || !rt_parse_bytes(rt_slice_cstr(value), bytes) ||
	    *bytes == 0 || *bytes > FORECAST_BYTES_MAX)
		return rt_err_set(err, RT_EUSAGE,
		    "%.20s: %.64s is no size, allowed: 1 to 1000000gb, as in "
		    "500mb, 100gb", flag, value == NULL ? "nothing" : value);
	return RT_OK;
}

/* The compactor's flags that have a value and are no options. *taken: it was
 * one. */
static enum rt_code
take_flag(struct rt_command_line *line, int who, int argc, char *const argv[],
    int *at, bool *taken, struct rt_err *err)
{
	const char *word = argv[*at];
	bool is_budget = is_flag(word, "budget");
	bool is_forecast = is_flag(word, "forecast");
	const char *value;

	*taken = (who & RT_FOR_COMPACTOR) != 0 &&
	    (is_budget || is_forecast || is_flag(word, "forecast-data"));
	if (!*taken)
		return RT_OK;
	value = value_of_flag(argc, argv, at);
	if (is_budget)
		return take_budget(line, value, err);
	if (is_forecast)
		return take_size(&line->forecast_bytes, "--forecast", value,
		    err);
	return take_size(&line->forecast_data_bytes, "--forecast-data", value,
	    err);
}

static enum rt_code
take_file(struct rt_command_line *line, const char *word, struct rt_err *err)
{
	char shown[FILE_SHOWN_BYTES];

	rt_slice_print(rt_slice_cstr(word), shown, sizeof(shown));
	if (word[0] == '-')
		return rt_err_set(err, RT_EUSAGE,
		    "%s: unknown flag, allowed: --NAME VALUE, see --help",
		    shown);
	if (line->config_file != NULL)
		return rt_err_set(err, RT_EUSAGE,
		    "%s: a second configuration file, allowed: one", shown);
	line->config_file = word;
	return RT_OK;
}

char **
rt_config_take_arguments(int argc, char *argv[])
{
	char **copy = rt_alloc_zero((size_t)argc + 1, sizeof(*copy));

	for (int i = 0; i < argc; i++)
		copy[i] = rt_strdup(argv[i]);
	for (int at = 1; at < argc; at++) {
		const struct rt_option *option;
		const char *value;

		if (strncmp(argv[at], "--", 2) != 0)
			continue;
		option = rt_option_find(name_of_flag(argv[at]));
		if (option == NULL)
			continue;
		value = value_of_flag(argc, argv, &at);
		if (value != NULL && rt_option_is_secret(option))
			memset((void *)(uintptr_t)value, '*', strlen(value));
	}
	return copy;
}

void
rt_config_free_arguments(char **argv)
{
	for (size_t i = 0; argv[i] != NULL; i++)
		free(argv[i]);
	free(argv);
}

/* config NULL: the walk that only looks. */
static enum rt_code
walk(struct rt_config *config, int who, int argc, char *const argv[],
    struct rt_command_line *line, struct rt_err *err)
{
	enum rt_code rc = RT_OK;

	*line = (struct rt_command_line){ 0 };
	for (int at = 1; at < argc && rc == RT_OK; at++) {
		const char *word = argv[at];
		bool *on, taken = false;

		if (strncmp(word, "--", 2) != 0) {
			rc = take_file(line, word, err);
			continue;
		}
		on = find_switch(line, who, rt_slice_cstr(word + 2));
		if (on != NULL)
			*on = true;
		else
			rc = take_flag(line, who, argc, argv, &at, &taken,
			    err);
		if (on == NULL && !taken)
			rc = take_option(config, who, argc, argv, &at, err);
		if (line->help || line->version)
			break;
	}
	return rc == RT_OK ? RT_OK : config_error(err, RT_EUSAGE);
}

enum rt_code
rt_config_read(struct rt_config *config, int who, int argc, char *const argv[],
    struct rt_command_line *line, struct rt_err *err)
{
	enum rt_code rc = walk(NULL, who, argc, argv, line, err);

	if (rc != RT_OK || line->help || line->version)
		return rc;
	if (line->config_file != NULL)
		rc = read_file(config, line->config_file, err);
	if (rc == RT_OK)
		rc = walk(config, who, argc, argv, line, err);
	return rc;
}

enum rt_code
rt_config_reload(struct rt_config *config, int who, int argc,
    char *const argv[], struct rt_err *err)
{
	struct rt_command_line line;
	struct rt_config fresh;
	enum rt_code rc;

	rt_config_init(&fresh);
	rc = rt_config_read(&fresh, who, argc, argv, &line, err);
	if (rc == RT_OK) {
		for (size_t i = 0; i < rt_option_count(); i++)
			if ((rt_option_at(i)->who & RT_AT_RUNTIME) != 0)
				rt_option_copy(rt_option_at(i), config, &fresh);
	}
	rt_config_fini(&fresh);
	return rc;
}

enum rt_code
rt_config_set(struct rt_config *config, struct rt_slice name,
    struct rt_slice value, bool running, struct rt_err *err)
{
	const struct rt_option *option = rt_option_find(name);
	enum rt_code rc;

	if (option == NULL)
		return refuse_name(name, "", err);
	if (running && (option->who & RT_AT_RUNTIME) == 0)
		return rt_err_set(err, RT_EINVAL,
		    "%s: cannot change at run time, allowed: at start",
		    option->name);
	rc = rt_option_set(option, config, value, err);
	if (rc != RT_OK)
		rt_err_prefix(err, "%s", option->name);
	return rc;
}

void
rt_config_get(const struct rt_config *config, struct rt_slice pattern,
    void (*each)(void *arg, const char *name, const char *value), void *arg)
{
	struct rt_buf value = { 0 };

	for (size_t i = 0; i < rt_option_count(); i++) {
		const struct rt_option *option = rt_option_at(i);

		if (!rt_glob_match(pattern, rt_slice_cstr(option->name), true))
			continue;
		rt_buf_clear(&value);
		rt_option_print(option, config, &value);
		rt_buf_append_byte(&value, '\0');
		each(arg, option->name, (const char *)value.data);
	}
	rt_buf_fini(&value);
}

void
rt_config_print_help(struct rt_buf *out, int who)
{
	for (size_t i = 0; i < rt_option_count(); i++) {
		const struct rt_option *option = rt_option_at(i);

		if (((int)option->who & who) == 0)
			continue;
		rt_buf_printf(out, "  --%s VALUE\n\t%s\n\tdefault ",
		    option->name, option->help);
		rt_option_print_default(option, out);
		rt_buf_printf(out, "; allowed: ");
		rt_option_print_allowed(option, out);
		rt_buf_append_byte(out, '\n');
	}
}

static const char *
readers_of(const struct rt_option *option)
{
	switch (option->who & RT_FOR_BOTH) {
	case RT_FOR_DAEMON:
		return "riptided";
	case RT_FOR_COMPACTOR:
		return "riptide-compactd";
	default:
		return "both programs";
	}
}

void
rt_config_print_sample(struct rt_buf *out)
{
	rt_buf_printf(out,
	    "# riptide.conf: every option with its default.\n"
	    "#\n"
	    "# Both programs read the same file, and each takes what is its\n"
	    "# own. Take the # from the line of an option to change it; its\n"
	    "# manual is riptide.conf(5).\n");
	for (size_t i = 0; i < rt_option_count(); i++) {
		const struct rt_option *option = rt_option_at(i);

		rt_buf_printf(out, "\n# %s\n# For: %s%s.\n# Allowed: ",
		    option->help, readers_of(option),
		    (option->who & RT_AT_RUNTIME) != 0
			? "; may change at run time" : "");
		rt_option_print_allowed(option, out);
		rt_buf_printf(out, ".\n#%s ", option->name);
		rt_option_print_default(option, out);
		rt_buf_append_byte(out, '\n');
	}
}
