#include "libcommon/daemon/option.h"

#include <inttypes.h>
#include <stdlib.h>

#include "libcommon/base/invariant.h"
#include "libcommon/base/number.h"
#include "libcommon/base/utf8.h"
#include "libcommon/daemon/option_text.h"

static const struct rt_option options[] = {
#define MEMBER(member) offsetof(struct rt_config, member)
#define RT_OPTION_BOOL(name, member, def, who, help)                          \
	{ name, RT_OPTION_IS_BOOL, MEMBER(member), def, 0, 1, NULL, who, help },
#define RT_OPTION_INT(name, member, def, min, max, who, help)                 \
	{ name, RT_OPTION_IS_INT, MEMBER(member), def, min, max, NULL, who,   \
	    help },
#define RT_OPTION_BYTES(name, member, def, min, max, who, help)               \
	{ name, RT_OPTION_IS_BYTES, MEMBER(member), def, min, max, NULL, who, \
	    help },
#define RT_OPTION_TEXT(name, member, def, who, help)                          \
	{ name, RT_OPTION_IS_TEXT, MEMBER(member), 0, 0, 0, def, who, help },
#define RT_OPTION_ENUM(name, member, words, def, who, help)                   \
	{ name, RT_OPTION_IS_ENUM, MEMBER(member), def, 0, 0, words, who, help },
#include "libcommon/daemon/options.def"
};

/* The texts that are not just any text. */
static bool check_dir(const char *text);
static bool check_bind(const char *text);
static bool check_unixsocket(const char *text);
static bool check_unixsocketperm(const char *text);
static bool check_requirepass(const char *text);
static bool check_tls_protocols(const char *text);
static bool check_output_limits(const char *text);
static bool check_disable_command(const char *text);
static bool check_events(const char *text);
static bool check_window(const char *text);

#define BIND_WORDS_MAX 16
#define UNIX_PATH_BYTES_MAX 107		/* sun_path without its NUL */
#define PASSWORD_BYTES_MAX 512
#define SIZE_BYTES_MIN 1024		/* or 0, where that means none */

static const struct text_rule {
	const char *name;
	bool (*check)(const char *text);
	bool words;
	bool secret;
	const char *allowed;
} text_rules[] = {
	{ "dir", check_dir, false, false, "the path of a directory" },
	{ "bind", check_bind, true, false,
	    "up to 16 addresses, or * for all, each with or without - in front" },
	{ "metrics-bind", check_bind, true, false,
	    "up to 16 addresses, or * for all, each with or without - in front" },
	{ "unixsocket", check_unixsocket, false, false,
	    "a path of at most 107 bytes" },
	{ "unixsocketperm", check_unixsocketperm, false, false,
	    "an octal mode from 000 to 777" },
	{ "requirepass", check_requirepass, false, true, "up to 512 bytes" },
	{ "requirepass-readonly", check_requirepass, false, true,
	    "up to 512 bytes" },
	{ "tls-key-file-pass", check_requirepass, false, true,
	    "up to 512 bytes" },
	{ "tls-protocols", check_tls_protocols, true, false,
	    "TLSv1.2, TLSv1.3, or both" },
	{ "client-output-buffer-limit", check_output_limits, true, false,
	    "class hard soft seconds, any number of times, class one of "
	    "normal replica pubsub" },
	{ "disable-command", check_disable_command, true, false,
	    "names of commands" },
	{ "notify-keyspace-events", check_events, false, false,
	    "letters out of KEAg$lshzxetdmn" },
	{ "compaction-window", check_window, false, false,
	    "HH:MM-HH:MM, or empty" },
};

static bool
check_dir(const char *text)
{
	return text[0] != '\0';
}

static bool
check_bind(const char *text)
{
	struct rt_slice rest = rt_slice_cstr(text), word;
	size_t words = 0;

	while (rt_option_text_next_word(&rest, &word))
		if (++words > BIND_WORDS_MAX ||
		    rt_slice_equal(word, rt_slice_cstr("-")))
			return false;
	return true;
}

static bool
check_unixsocket(const char *text)
{
	return strlen(text) <= UNIX_PATH_BYTES_MAX;
}

static bool
check_unixsocketperm(const char *text)
{
	unsigned mode;

	return rt_option_text_mode(text, &mode);
}

static bool
check_requirepass(const char *text)
{
	return strlen(text) <= PASSWORD_BYTES_MAX;
}

static bool
check_tls_protocols(const char *text)
{
	struct rt_option_tls_versions versions;

	return rt_option_text_tls_versions(text, &versions);
}

static bool
check_output_limits(const char *text)
{
	struct rt_option_output_limit limits[RT_CLIENT_CLASSES] = { 0 };

	return rt_option_text_output_limits(text, limits);
}

static bool
check_disable_command(const char *text)
{
	return text[strspn(text, "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_|. \t")] == '\0';
}

static bool
check_events(const char *text)
{
	unsigned events;

	return rt_option_text_events(text, &events);
}

static bool
check_window(const char *text)
{
	struct rt_option_window window;

	return text[0] == '\0' || rt_option_text_window(text, &window);
}

static const struct text_rule *
find_text_rule(const struct rt_option *option)
{
	for (size_t i = 0; i < RT_COUNTOF(text_rules); i++)
		if (strcmp(text_rules[i].name, option->name) == 0)
			return &text_rules[i];
	return NULL;
}

size_t
rt_option_count(void)
{
	return RT_COUNTOF(options);
}

const struct rt_option *
rt_option_at(size_t index)
{
	rt_assert(index < RT_COUNTOF(options));
	return &options[index];
}

const struct rt_option *
rt_option_find(struct rt_slice name)
{
	for (size_t i = 0; i < RT_COUNTOF(options); i++)
		if (rt_slice_equal_nocase(name, options[i].name))
			return &options[i];
	return NULL;
}

#define NAME_BYTES_MAX 64

/* Optimal string alignment: three rows of the usual table suffice. */
size_t
rt_option_distance(struct rt_slice a, struct rt_slice b)
{
	size_t rows[3][NAME_BYTES_MAX + 1];
	size_t *before = rows[0], *above = rows[1], *row = rows[2], *spare;

	if (a.len > NAME_BYTES_MAX || b.len > NAME_BYTES_MAX)
		return SIZE_MAX;
	for (size_t j = 0; j <= b.len; j++)
		above[j] = before[j] = j;
	for (size_t i = 1; i <= a.len; i++) {
		row[0] = i;
		for (size_t j = 1; j <= b.len; j++) {
			bool same = a.data[i - 1] == b.data[j - 1];
			size_t best = above[j - 1] + !same;

			if (above[j] + 1 < best)
				best = above[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			if (i > 1 && j > 1 && a.data[i - 1] == b.data[j - 2] &&
			    a.data[i - 2] == b.data[j - 1] &&
			    before[j - 2] + 1 < best)
				best = before[j - 2] + 1;
			row[j] = best;
		}
		spare = before;
		before = above;
		above = row;
		row = spare;
	}
	return above[b.len];
}

const struct rt_option *
rt_option_near(struct rt_slice name)
{
	const struct rt_option *near = NULL;
	size_t least = name.len < 6 ? 2 : 3;	/* one below is near enough */

	if (name.len < 3)
		return NULL;
	for (size_t i = 0; i < RT_COUNTOF(options); i++) {
		size_t distance = rt_option_distance(name,
		    rt_slice_cstr(options[i].name));

		if (distance < least) {
			least = distance;
			near = &options[i];
		}
	}
	return near;
}

bool
rt_option_takes_words(const struct rt_option *option)
{
	const struct text_rule *rule = find_text_rule(option);

	return rule != NULL && rule->words;
}

bool
rt_option_is_secret(const struct rt_option *option)
{
	const struct text_rule *rule = find_text_rule(option);

	return rule != NULL && rule->secret;
}

static void *
member_of(const struct rt_option *option, struct rt_config *config)
{
	return (char *)config + option->offset;
}

static const void *
const_member_of(const struct rt_option *option, const struct rt_config *config)
{
	return (const char *)config + option->offset;
}

static void
store(const struct rt_option *option, struct rt_config *config, int64_t value)
{
	void *member = member_of(option, config);

	switch (option->kind) {
	case RT_OPTION_IS_BOOL:
		*(bool *)member = value != 0;
		break;
	case RT_OPTION_IS_INT:
		*(int64_t *)member = value;
		break;
	case RT_OPTION_IS_BYTES:
		*(uint64_t *)member = (uint64_t)value;
		break;
	case RT_OPTION_IS_ENUM:
		*(int *)member = (int)value;
		break;
	case RT_OPTION_IS_TEXT:
		rt_assert(false);
	}
}

static void
store_text(const struct rt_option *option, struct rt_config *config,
    struct rt_slice value)
{
	char **member = member_of(option, config);
	char *text = rt_alloc(value.len + 1);

	if (value.len != 0)
		memcpy(text, value.data, value.len);
	text[value.len] = '\0';
	free(*member);
	*member = text;
}

void
rt_option_set_default(const struct rt_option *option, struct rt_config *config)
{
	if (option->kind == RT_OPTION_IS_TEXT)
		store_text(option, config, rt_slice_cstr(option->text));
	else
		store(option, config, option->def);
}

/* The word with this number in "word|word"; empty behind the last. */
static struct rt_slice
word_at(const char *words, int64_t index)
{
	while (index > 0 && *words != '\0') {
		words += strcspn(words, "|");
		words += *words == '|';
		index--;
	}
	return rt_slice(words, strcspn(words, "|"));
}

/* "VALUE PROBLEM, allowed: ...". */
static enum rt_code
refuse(const struct rt_option *option, struct rt_slice value,
    const char *problem, struct rt_err *err)
{
	const struct text_rule *rule = find_text_rule(option);
	struct rt_buf allowed = { 0 };
	char shown[80];

	rt_option_print_allowed(option, &allowed);
	rt_buf_append_byte(&allowed, '\0');
	if (value.len == 0)
		rt_err_set(err, RT_EINVAL, "value missing, allowed: %s",
		    (const char *)allowed.data);
	else
		rt_err_set(err, RT_EINVAL, "%s %s, allowed: %s",
		    rule != NULL && rule->secret ? "the value"
			: rt_slice_print(value, shown, sizeof(shown)),
		    problem, (const char *)allowed.data);
	rt_buf_fini(&allowed);
	return RT_EINVAL;
}

static enum rt_code
set_bool(const struct rt_option *option, struct rt_config *config,
    struct rt_slice value, struct rt_err *err)
{
	if (rt_slice_equal_nocase(value, "yes"))
		store(option, config, 1);
	else if (rt_slice_equal_nocase(value, "no"))
		store(option, config, 0);
	else
		return refuse(option, value, "is neither yes nor no", err);
	return RT_OK;
}

/* Does it look like a number that is merely too large to be read? */
static bool
is_digits(struct rt_slice value)
{
	size_t at = value.len > 1 && value.data[0] == '-';

	for (size_t i = at; i < value.len; i++)
		if (value.data[i] < '0' || value.data[i] > '9')
			return false;
	return value.len > 18;
}

static enum rt_code
set_int(const struct rt_option *option, struct rt_config *config,
    struct rt_slice value, struct rt_err *err)
{
	int64_t number;

	if (!rt_parse_i64(value, &number))
		return refuse(option, value, is_digits(value)
			? "is out of range" : "is not a number", err);
	if (number < option->min || number > option->max)
		return refuse(option, value, "is out of range", err);
	store(option, config, number);
	return RT_OK;
}

static enum rt_code
set_bytes(const struct rt_option *option, struct rt_config *config,
    struct rt_slice value, struct rt_err *err)
{
	uint64_t bytes;
	bool bare;

	if (!rt_parse_bytes(value, &bytes))
		return refuse(option, value, is_digits(value)
			? "is out of range" : "is not a size", err);
	/* "256" where 256mb was meant is a mistake that costs a day, and no
	 * size of ours makes sense below 1 KiB. */
	bare = value.data[value.len - 1] <= '9';
	if (bare && bytes > 0 && bytes < SIZE_BYTES_MIN)
		return refuse(option, value, "has no unit", err);
	if ((bytes > 0 && bytes < SIZE_BYTES_MIN) ||
	    (bytes < (uint64_t)option->min &&
		(bytes != 0 || option->def != 0)) ||
	    bytes > (uint64_t)option->max)
		return refuse(option, value, "is out of range", err);
	store(option, config, (int64_t)bytes);
	return RT_OK;
}

static enum rt_code
set_enum(const struct rt_option *option, struct rt_config *config,
    struct rt_slice value, struct rt_err *err)
{
	for (int64_t i = 0; word_at(option->text, i).len != 0; i++) {
		struct rt_slice word = word_at(option->text, i);
		char text[32];

		rt_assert(word.len < sizeof(text));
		memcpy(text, word.data, word.len);
		text[word.len] = '\0';
		if (rt_slice_equal_nocase(value, text)) {
			store(option, config, i);
			return RT_OK;
		}
	}
	return refuse(option, value, "is not known here", err);
}

static enum rt_code
set_text(const struct rt_option *option, struct rt_config *config,
    struct rt_slice value, struct rt_err *err)
{
	const struct text_rule *rule = find_text_rule(option);

	if (rule != NULL) {
		char *text = rt_alloc(value.len + 1);
		bool good;

		if (value.len != 0)
			memcpy(text, value.data, value.len);
		text[value.len] = '\0';
		good = rule->check(text);
		free(text);
		if (!good)
			return refuse(option, value, "is not allowed", err);
	}
	store_text(option, config, value);
	return RT_OK;
}

enum rt_code
rt_option_set(const struct rt_option *option, struct rt_config *config,
    struct rt_slice value, struct rt_err *err)
{
	if (value.len > RT_OPTION_VALUE_BYTES_MAX)
		return rt_err_set(err, RT_EINVAL,
		    "the value has %zu bytes, allowed: at most %d", value.len,
		    RT_OPTION_VALUE_BYTES_MAX);
	if (value.len != 0 && memchr(value.data, '\0', value.len) != NULL)
		return rt_err_set(err, RT_EINVAL,
		    "the value contains a NUL byte, allowed: text");
	if (!rt_utf8_valid(value))
		return rt_err_set(err, RT_EINVAL,
		    "the value is not UTF-8, allowed: UTF-8 text");
	switch (option->kind) {
	case RT_OPTION_IS_BOOL:
		return set_bool(option, config, value, err);
	case RT_OPTION_IS_INT:
		return set_int(option, config, value, err);
	case RT_OPTION_IS_BYTES:
		return set_bytes(option, config, value, err);
	case RT_OPTION_IS_ENUM:
		return set_enum(option, config, value, err);
	case RT_OPTION_IS_TEXT:
		break;
	}
	return set_text(option, config, value, err);
}

void
rt_option_copy(const struct rt_option *option, struct rt_config *to,
    const struct rt_config *from)
{
	const void *member = const_member_of(option, from);

	switch (option->kind) {
	case RT_OPTION_IS_BOOL:
		store(option, to, *(const bool *)member);
		break;
	case RT_OPTION_IS_INT:
		store(option, to, *(const int64_t *)member);
		break;
	case RT_OPTION_IS_BYTES:
		store(option, to, (int64_t)*(const uint64_t *)member);
		break;
	case RT_OPTION_IS_ENUM:
		store(option, to, *(const int *)member);
		break;
	case RT_OPTION_IS_TEXT:
		store_text(option, to,
		    rt_slice_cstr(*(char *const *)member));
		break;
	}
}

void
rt_option_print(const struct rt_option *option, const struct rt_config *config,
    struct rt_buf *out)
{
	const void *member = const_member_of(option, config);

	switch (option->kind) {
	case RT_OPTION_IS_BOOL:
		rt_buf_printf(out, "%s", *(const bool *)member ? "yes" : "no");
		break;
	case RT_OPTION_IS_INT:
		rt_buf_printf(out, "%" PRId64, *(const int64_t *)member);
		break;
	case RT_OPTION_IS_BYTES:
		rt_buf_printf(out, "%" PRIu64, *(const uint64_t *)member);
		break;
	case RT_OPTION_IS_ENUM:
		rt_buf_append_slice(out, word_at(option->text,
		    *(const int *)member));
		break;
	case RT_OPTION_IS_TEXT:
		rt_buf_printf(out, "%s", *(char *const *)member);
		break;
	}
}

/* 67108864 as 64mb: the largest unit that leaves no remainder. */
static void
print_size(struct rt_buf *out, int64_t bytes)
{
	static const char *const units[] = { "", "kb", "mb", "gb" };
	size_t unit = 0;

	while (bytes != 0 && bytes % 1024 == 0 && unit < 3) {
		bytes /= 1024;
		unit++;
	}
	rt_buf_printf(out, "%" PRId64 "%s", bytes, units[unit]);
}

void
rt_option_print_default(const struct rt_option *option, struct rt_buf *out)
{
	switch (option->kind) {
	case RT_OPTION_IS_BOOL:
		rt_buf_printf(out, "%s", option->def != 0 ? "yes" : "no");
		break;
	case RT_OPTION_IS_INT:
		rt_buf_printf(out, "%" PRId64, option->def);
		break;
	case RT_OPTION_IS_BYTES:
		print_size(out, option->def);
		break;
	case RT_OPTION_IS_ENUM:
		rt_buf_append_slice(out, word_at(option->text, option->def));
		break;
	case RT_OPTION_IS_TEXT:
		rt_buf_printf(out, "%s",
		    option->text[0] != '\0' ? option->text : "\"\"");
		break;
	}
}

static void
print_range(const struct rt_option *option, struct rt_buf *out)
{
	bool size = option->kind == RT_OPTION_IS_BYTES;

	/* A range of one value belongs to a feature that is yet to come. */
	if (option->min == option->max) {
		rt_buf_printf(out, "%" PRId64 " in this release", option->min);
	} else if (size) {
		if (option->min == 0 || option->def == 0)
			rt_buf_printf(out, "0, ");
		print_size(out, option->min != 0 ? option->min
						 : SIZE_BYTES_MIN);
		rt_buf_printf(out, " to ");
		print_size(out, option->max);
		rt_buf_printf(out, ", with unit b k kb m mb g gb");
	} else {
		rt_buf_printf(out, "%" PRId64 " to %" PRId64, option->min,
		    option->max);
	}
}

static void
print_words(const struct rt_option *option, struct rt_buf *out)
{
	if (word_at(option->text, 1).len == 0) {
		rt_buf_printf(out, "%s in this release", option->text);
		return;
	}
	for (int64_t i = 0; word_at(option->text, i).len != 0; i++) {
		rt_buf_printf(out, "%s", i == 0 ? "" : ", ");
		rt_buf_append_slice(out, word_at(option->text, i));
	}
}

void
rt_option_print_allowed(const struct rt_option *option, struct rt_buf *out)
{
	const struct text_rule *rule = find_text_rule(option);

	switch (option->kind) {
	case RT_OPTION_IS_BOOL:
		rt_buf_printf(out, "yes, no");
		break;
	case RT_OPTION_IS_INT:
	case RT_OPTION_IS_BYTES:
		print_range(option, out);
		break;
	case RT_OPTION_IS_ENUM:
		print_words(option, out);
		break;
	case RT_OPTION_IS_TEXT:
		rt_buf_printf(out, "%s",
		    rule != NULL ? rule->allowed : "any text");
		break;
	}
}
