/* COMMAND DOCS. What follows a command's name is told by the table in words:
 *	name/type, then as far as they are there
 *	@index of the key specification, =TOKEN, ~since, !deprecated since,
 *	? optional, * multiple, + the token each time
 * and behind a word that has parts, those between "{" and "}". Types are their
 * first letter, but t for pure-token. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libcommon/base/invariant.h"
#include "riptided/cmd/handlers.h"

/* One word of it. */
struct argument {
	struct rt_slice name;
	const char *type;
	struct rt_slice key_spec, token, since, deprecated;
	bool optional, multiple, multiple_token;
	const char *parts;	/* NULL: none */
};

static const char marks[] = "@=~!?*+";

static const struct type {
	char letter;
	const char *name;
} types[] = {
	{ 'k', "key" }, { 's', "string" }, { 'i', "integer" },
	{ 'd', "double" }, { 'u', "unix-time" }, { 'p', "pattern" },
	{ 't', "pure-token" }, { 'o', "oneof" }, { 'b', "block" },
};

static const char *
type_of(char letter)
{
	for (size_t i = 0; i < RT_COUNTOF(types); i++)
		if (types[i].letter == letter)
			return types[i].name;
	rt_assert(false);
	return NULL;
}

/* What follows a mark, up to the next one. */
static struct rt_slice
marked(const char *at, const char *end)
{
	size_t len = 0;

	while (at + len < end && strchr(marks, at[len]) == NULL)
		len++;
	return rt_slice(at, len);
}

static void
take_mark(struct argument *argument, char mark, struct rt_slice text)
{
	switch (mark) {
	case '@':
		argument->key_spec = text;
		break;
	case '=':
		argument->token = text;
		break;
	case '~':
		argument->since = text;
		break;
	case '!':
		argument->deprecated = text;
		break;
	case '?':
		argument->optional = true;
		break;
	case '*':
		argument->multiple = true;
		break;
	default:
		argument->multiple_token = true;
		break;
	}
}

/* Behind the bracket that closes the parts which begin here. */
static const char *
behind_parts(const char *at)
{
	struct rt_slice word;
	int depth = 1;

	while (depth > 0) {
		rt_assert(rtd_command_next_word(&at, &word));
		depth += word.data[0] == '{';
		depth -= word.data[0] == '}';
	}
	return at;
}

/* The next argument; false at the end, or at the end of the parts. */
static bool
next_argument(const char **at, struct argument *argument)
{
	struct rt_slice word;
	const char *text, *end;

	*argument = (struct argument){ 0 };
	if (!rtd_command_next_word(at, &word) || word.data[0] == '}')
		return false;
	text = (const char *)word.data;
	end = text + word.len;
	argument->name = rt_slice(text,
	    (size_t)((const char *)memrchr(text, '/', word.len) - text));
	text += argument->name.len + 1;
	argument->type = type_of(*text++);
	while (text < end) {
		struct rt_slice value = marked(text + 1, end);

		take_mark(argument, *text, value);
		text += 1 + value.len;
	}
	text = *at;
	if (rtd_command_next_word(&text, &word) && word.data[0] == '{') {
		argument->parts = text;
		*at = behind_parts(text);
	}
	return true;
}

static void
reply_slice_pair(struct rtd_resp_writer *reply, const char *name,
    struct rt_slice value)
{
	if (value.data == NULL)
		return;
	rtd_reply_bulk_cstr(reply, name);
	rtd_reply_bulk(reply, value);
}

static void
reply_flags(struct rtd_resp_writer *reply, const struct argument *argument)
{
	size_t count = (size_t)argument->optional + argument->multiple +
	    argument->multiple_token;

	if (count == 0)
		return;
	rtd_reply_bulk_cstr(reply, "flags");
	rtd_reply_set(reply, count);
	if (argument->optional)
		rtd_reply_simple(reply, "optional");
	if (argument->multiple)
		rtd_reply_simple(reply, "multiple");
	if (argument->multiple_token)
		rtd_reply_simple(reply, "multiple_token");
}

static void
reply_arguments(struct rtd_resp_writer *reply, const char *at)
{
	const char *from = at;
	struct argument argument;
	size_t count = 0;

	while (next_argument(&at, &argument))
		count++;
	rtd_reply_array(reply, count);
	for (at = from; next_argument(&at, &argument);) {
		rtd_reply_map(reply, 2 + (argument.key_spec.data != NULL) +
		    (argument.token.data != NULL) +
		    (argument.since.data != NULL) +
		    (argument.deprecated.data != NULL) +
		    (argument.optional || argument.multiple ||
			argument.multiple_token) + (argument.parts != NULL));
		reply_slice_pair(reply, "name", argument.name);
		reply_slice_pair(reply, "type", rt_slice_cstr(argument.type));
		if (argument.key_spec.data != NULL) {
			rtd_reply_bulk_cstr(reply, "key_spec_index");
			rtd_reply_integer(reply,
			    argument.key_spec.data[0] - '0');
		}
		reply_slice_pair(reply, "token", argument.token);
		reply_slice_pair(reply, "since", argument.since);
		reply_slice_pair(reply, "deprecated_since",
		    argument.deprecated);
		reply_flags(reply, &argument);
		if (argument.parts != NULL) {
			rtd_reply_bulk_cstr(reply, "arguments");
			reply_arguments(reply, argument.parts);
		}
	}
}

static void
reply_text_pair(struct rtd_resp_writer *reply, const char *name,
    const char *text)
{
	rtd_reply_bulk_cstr(reply, name);
	rtd_reply_bulk_cstr(reply, text);
}

static void
reply_docs(struct rtd_resp_writer *reply, const struct rtd_command *command)
{
	char name[RTD_COMMAND_NAME_BYTES];

	rtd_reply_bulk_cstr(reply, rtd_call_command_name(command, name));
	rtd_reply_map(reply, 4u + (command->deprecated != NULL ? 3 : 0) +
	    (command->args != NULL) + command->has_subcommands);
	reply_text_pair(reply, "summary", command->summary);
	reply_text_pair(reply, "since", command->since);
	reply_text_pair(reply, "group", command->group);
	reply_text_pair(reply, "complexity", command->complexity);
	if (command->deprecated != NULL) {
		rtd_reply_bulk_cstr(reply, "doc_flags");
		rtd_reply_set(reply, 1);
		rtd_reply_simple(reply, "deprecated");
		reply_text_pair(reply, "deprecated_since",
		    command->deprecated);
		reply_text_pair(reply, "replaced_by", command->replaced_by);
	}
	if (command->args != NULL) {
		rtd_reply_bulk_cstr(reply, "arguments");
		reply_arguments(reply, command->args);
	}
	if (!command->has_subcommands)
		return;
	rtd_reply_bulk_cstr(reply, "subcommands");
	rtd_reply_map(reply, rtd_command_shown_count(command));
	for (const struct rtd_command *sub = command + 1;
	     sub->container == command; sub++)
		if (!sub->disabled)
			reply_docs(reply, sub);
}

void
rtd_cmd_command_docs(struct rtd_call *call)
{
	struct rtd_resp_writer *reply = rtd_call_reply(call);
	size_t known = 0, count;
	const struct rtd_command *table = rtd_command_table(&count);

	if (call->argc == 2) {
		rtd_reply_map(reply, rtd_command_shown_count(NULL));
		for (size_t i = 0; i < count; i++)
			if (table[i].container == NULL && !table[i].disabled)
				reply_docs(reply, &table[i]);
		return;
	}
	for (size_t i = 2; i < call->argc; i++)
		known += rtd_command_find(call->argv[i]) != NULL;
	rtd_reply_map(reply, known);
	for (size_t i = 2; i < call->argc; i++) {
		const struct rtd_command *command =
		    rtd_command_find(call->argv[i]);

		if (command != NULL)
			reply_docs(reply, command);
	}
}
