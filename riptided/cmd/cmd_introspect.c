/* COMMAND and the HELP of containers: what the table says about itself. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libcommon/base/glob.h"
#include "riptided/cmd/handlers.h"

static const struct flag_name {
	unsigned flag;
	const char *name;
} flag_names[] = {
	{ RTD_CMD_WRITE, "write" },
	{ RTD_CMD_READONLY, "readonly" },
	{ RTD_CMD_DENYOOM, "denyoom" },
	{ RTD_CMD_ADMIN, "admin" },
	{ RTD_CMD_PUBSUB, "pubsub" },
	{ RTD_CMD_NOSCRIPT, "noscript" },
	{ RTD_CMD_LOADING, "loading" },
	{ RTD_CMD_STALE, "stale" },
	{ RTD_CMD_SKIP_SLOWLOG, "skip_slowlog" },
	{ RTD_CMD_FAST, "fast" },
	{ RTD_CMD_NO_AUTH, "no_auth" },
};

/* The commands that a listing shows: all that are not disabled. */
static size_t
shown_count(const struct rtd_command *container)
{
	size_t count, shown = 0;
	const struct rtd_command *table = rtd_command_table(&count);

	for (size_t i = 0; i < count; i++)
		shown += table[i].container == container && !table[i].disabled;
	return shown;
}

static void
reply_name(struct rtd_resp_writer *reply, const struct rtd_command *command)
{
	char name[RTD_COMMAND_NAME_BYTES];

	rtd_reply_bulk_cstr(reply, rtd_call_command_name(command, name));
}

static void
reply_flags(struct rtd_resp_writer *reply, const struct rtd_command *command)
{
	rtd_reply_set(reply, (size_t)__builtin_popcount(command->flags));
	for (size_t i = 0; i < RT_COUNTOF(flag_names); i++)
		if ((command->flags & flag_names[i].flag) != 0)
			rtd_reply_simple(reply, flag_names[i].name);
}

/* The ACL categories that follow from group and flags. */
static void
reply_categories(struct rtd_resp_writer *reply,
    const struct rtd_command *command)
{
	const char *names[8];
	size_t count = 0;
	unsigned flags = command->flags;

	if ((flags & RTD_CMD_WRITE) != 0)
		names[count++] = "@write";
	if ((flags & RTD_CMD_READONLY) != 0)
		names[count++] = "@read";
	if (strcmp(command->group, "string") == 0)
		names[count++] = "@string";
	if (strcmp(command->group, "generic") == 0)
		names[count++] = "@keyspace";
	if (strcmp(command->group, "connection") == 0)
		names[count++] = "@connection";
	if ((flags & RTD_CMD_ADMIN) != 0) {
		names[count++] = "@admin";
		names[count++] = "@dangerous";
	}
	names[count++] = (flags & RTD_CMD_FAST) != 0 ? "@fast" : "@slow";
	rtd_reply_set(reply, count);
	for (size_t i = 0; i < count; i++)
		rtd_reply_simple(reply, names[i]);
}

static void
reply_number_pair(struct rtd_resp_writer *reply, const char *name,
    int64_t number)
{
	rtd_reply_bulk_cstr(reply, name);
	rtd_reply_integer(reply, number);
}

/* One range of keys, as the table has it. */
static void
reply_key_specs(struct rtd_resp_writer *reply,
    const struct rtd_command *command)
{
	if (command->first_key == 0) {
		rtd_reply_set(reply, 0);
		return;
	}
	rtd_reply_set(reply, 1);
	rtd_reply_map(reply, 3);
	rtd_reply_bulk_cstr(reply, "flags");
	rtd_reply_set(reply, 1);
	rtd_reply_simple(reply, (command->flags & RTD_CMD_WRITE) != 0 ?
	    "RW" : "RO");
	rtd_reply_bulk_cstr(reply, "begin_search");
	rtd_reply_map(reply, 2);
	rtd_reply_bulk_cstr(reply, "type");
	rtd_reply_bulk_cstr(reply, "index");
	rtd_reply_bulk_cstr(reply, "spec");
	rtd_reply_map(reply, 1);
	reply_number_pair(reply, "index", command->first_key);
	rtd_reply_bulk_cstr(reply, "find_keys");
	rtd_reply_map(reply, 2);
	rtd_reply_bulk_cstr(reply, "type");
	rtd_reply_bulk_cstr(reply, "range");
	rtd_reply_bulk_cstr(reply, "spec");
	rtd_reply_map(reply, 3);
	/* Here the last key counts from the first one. */
	reply_number_pair(reply, "lastkey", command->last_key < 0 ?
	    command->last_key : command->last_key - command->first_key);
	reply_number_pair(reply, "keystep", command->key_step);
	reply_number_pair(reply, "limit", 0);
}

static void
reply_info(struct rtd_resp_writer *reply, const struct rtd_command *command)
{
	rtd_reply_array(reply, 10);
	reply_name(reply, command);
	rtd_reply_integer(reply, command->arity);
	reply_flags(reply, command);
	rtd_reply_integer(reply, command->first_key);
	rtd_reply_integer(reply, command->last_key);
	rtd_reply_integer(reply, command->key_step);
	reply_categories(reply, command);
	rtd_reply_set(reply, 0);
	reply_key_specs(reply, command);
	if (!command->has_subcommands) {
		rtd_reply_set(reply, 0);
		return;
	}
	rtd_reply_set(reply, shown_count(command));
	for (const struct rtd_command *sub = command + 1;
	     sub->container == command; sub++)
		if (!sub->disabled)
			reply_info(reply, sub);
}

/* Call reply_one for every command that is listed. */
static void
for_each(struct rtd_call *call, void (*reply_one)(struct rtd_resp_writer *,
    const struct rtd_command *))
{
	size_t count;
	const struct rtd_command *table = rtd_command_table(&count);

	for (size_t i = 0; i < count; i++)
		if (table[i].container == NULL && !table[i].disabled)
			reply_one(rtd_call_reply(call), &table[i]);
}

void
rtd_cmd_command(struct rtd_call *call)
{
	rtd_reply_array(rtd_call_reply(call), shown_count(NULL));
	for_each(call, reply_info);
}

void
rtd_cmd_command_count(struct rtd_call *call)
{
	rtd_reply_integer(rtd_call_reply(call), (int64_t)shown_count(NULL));
}

void
rtd_cmd_command_info(struct rtd_call *call)
{
	struct rtd_resp_writer *reply = rtd_call_reply(call);

	if (call->argc == 2) {
		rtd_cmd_command(call);
		return;
	}
	rtd_reply_array(reply, call->argc - 2);
	for (size_t i = 2; i < call->argc; i++) {
		const struct rtd_command *command =
		    rtd_command_find(call->argv[i]);

		if (command != NULL)
			reply_info(reply, command);
		else
			rtd_reply_null(reply);
	}
}

/* -- DOCS -- */

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
	reply_name(reply, command);
	rtd_reply_map(reply, command->has_subcommands ? 5 : 4);
	reply_text_pair(reply, "summary", command->summary);
	reply_text_pair(reply, "since", command->since);
	reply_text_pair(reply, "group", command->group);
	reply_text_pair(reply, "complexity", command->complexity);
	if (!command->has_subcommands)
		return;
	rtd_reply_bulk_cstr(reply, "subcommands");
	rtd_reply_map(reply, shown_count(command));
	for (const struct rtd_command *sub = command + 1;
	     sub->container == command; sub++)
		if (!sub->disabled)
			reply_docs(reply, sub);
}

void
rtd_cmd_command_docs(struct rtd_call *call)
{
	struct rtd_resp_writer *reply = rtd_call_reply(call);
	size_t known = 0;

	if (call->argc == 2) {
		rtd_reply_map(reply, shown_count(NULL));
		for_each(call, reply_docs);
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

/* -- LIST and GETKEYS -- */

static bool
has_category(const struct rtd_command *command, struct rt_slice category)
{
	struct rt_buf text = { 0 };
	struct rtd_resp_writer writer = { .out = &text, .protocol = 2 };
	char line[RTD_COMMAND_NAME_BYTES];
	bool has = false;

	if (category.len + 5 < sizeof(line)) {
		snprintf(line, sizeof(line), "+@%.*s\r\n", (int)category.len,
		    category.len != 0 ? (const char *)category.data : "");
		for (char *at = line; *at != '\0'; at++)
			*at = (char)tolower((unsigned char)*at);
		reply_categories(&writer, command);
		has = memmem(text.data, text.len, line, strlen(line)) != NULL;
	}
	rt_buf_fini(&text);
	return has;
}

static bool
listed(struct rtd_call *call, const struct rtd_command *command)
{
	char name[RTD_COMMAND_NAME_BYTES];

	if (command->disabled)
		return false;
	if (call->argc == 2)
		return command->container == NULL;
	if (rtd_call_arg_is(call, 3, "ACLCAT"))
		return has_category(command, call->argv[4]);
	rtd_call_command_name(command, name);
	return rtd_call_arg_is(call, 3, "PATTERN") &&
	    rt_glob_match(call->argv[4], rt_slice_cstr(name), true);
}

void
rtd_cmd_command_list(struct rtd_call *call)
{
	struct rtd_resp_writer *reply = rtd_call_reply(call);
	size_t count, shown = 0;
	const struct rtd_command *table = rtd_command_table(&count);

	if (call->argc != 2 && (call->argc != 5 ||
		!rtd_call_arg_is(call, 2, "FILTERBY") ||
		!(rtd_call_arg_is(call, 3, "MODULE") ||
		    rtd_call_arg_is(call, 3, "ACLCAT") ||
		    rtd_call_arg_is(call, 3, "PATTERN")))) {
		rtd_call_syntax_error(call);
		return;
	}
	for (size_t i = 0; i < count; i++)
		shown += listed(call, &table[i]);
	rtd_reply_array(reply, shown);
	for (size_t i = 0; i < count; i++)
		if (listed(call, &table[i]))
			reply_name(reply, &table[i]);
}

void
rtd_cmd_command_getkeys(struct rtd_call *call)
{
	struct rtd_resp_writer *reply = rtd_call_reply(call);
	size_t argc = call->argc - 2, last, count = 0;
	const struct rt_slice *argv = call->argv + 2;
	const struct rtd_command *command = rtd_command_find(argv[0]);

	if (command != NULL && command->has_subcommands && argc > 1)
		for (const struct rtd_command *sub = command + 1;
		     sub->container != NULL; sub++)
			if (rt_slice_equal_nocase(argv[1],
				strchr(sub->name, '|') + 1)) {
				command = sub;
				break;
			}
	if (command == NULL) {
		rtd_reply_error(reply, "ERR Invalid command specified");
		return;
	}
	if (command->first_key == 0) {
		rtd_reply_error(reply,
		    "ERR The command has no key arguments");
		return;
	}
	if ((command->arity >= 0 && argc != (size_t)command->arity) ||
	    (command->arity < 0 && argc < (size_t)-command->arity)) {
		rtd_reply_error(reply, "ERR Invalid number of arguments "
		    "specified for command");
		return;
	}
	last = command->last_key < 0 ? argc - 1 : (size_t)command->last_key;
	for (size_t i = (size_t)command->first_key; i <= last;
	     i += (size_t)command->key_step)
		count++;
	rtd_reply_array(reply, count);
	for (size_t i = (size_t)command->first_key; i <= last;
	     i += (size_t)command->key_step)
		rtd_reply_bulk(reply, argv[i]);
}

/* -- HELP of any container -- */

void
rtd_cmd_help(struct rtd_call *call)
{
	struct rtd_resp_writer *reply = rtd_call_reply(call);
	const struct rtd_command *container = call->command->container;
	char line[256];

	rtd_reply_array(reply, 1 + 2 * shown_count(container));
	snprintf(line, sizeof(line), "%s <subcommand> [<arg> [value] [opt] "
	    "...]. Subcommands are:", container->name);
	rtd_reply_simple(reply, line);
	for (const struct rtd_command *sub = container + 1;
	     sub->container == container; sub++) {
		if (sub->disabled)
			continue;
		rtd_reply_simple(reply, strchr(sub->name, '|') + 1);
		snprintf(line, sizeof(line), "    %s.", sub->summary);
		rtd_reply_simple(reply, line);
	}
}
