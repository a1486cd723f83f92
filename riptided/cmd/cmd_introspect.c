/* COMMAND and the HELP of containers: what the table says about itself. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libcommon/base/glob.h"
#include "libcommon/base/invariant.h"
#include "riptided/cmd/acl_category.h"
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
	{ RTD_CMD_NO_ASYNC_LOADING, "no_async_loading" },
	{ RTD_CMD_NO_MULTI, "no_multi" },
	{ RTD_CMD_ALLOW_BUSY, "allow_busy" },
};

static void
reply_name(struct rtd_resp_writer *reply, const struct rtd_command *command)
{
	char name[RTD_COMMAND_NAME_BYTES];

	rtd_reply_bulk_cstr(reply, rtd_call_command_name(command, name));
}

static void
reply_flags(struct rtd_resp_writer *reply, const struct rtd_command *command)
{
	rtd_reply_set(reply, (size_t)__builtin_popcount(
	    command->flags & RTD_CMD_TOLD));
	for (size_t i = 0; i < RT_COUNTOF(flag_names); i++)
		if ((command->flags & flag_names[i].flag) != 0)
			rtd_reply_simple(reply, flag_names[i].name);
}

static void
reply_categories(struct rtd_resp_writer *reply,
    const struct rtd_command *command)
{
	char name[32];

	rtd_reply_set(reply, (size_t)__builtin_popcount(command->acl));
	for (size_t i = 0; i < rtd_acl_categories_count; i++) {
		if ((command->acl & rtd_acl_categories[i].bit) == 0)
			continue;
		snprintf(name, sizeof(name), "@%s",
		    rtd_acl_categories[i].name);
		rtd_reply_simple(reply, name);
	}
}

static void
reply_tips(struct rtd_resp_writer *reply, const struct rtd_command *command)
{
	const char *at = command->tips;
	struct rt_slice word;
	size_t count = 0;

	while (at != NULL && rtd_command_next_word(&at, &word))
		count++;
	rtd_reply_set(reply, count);
	for (at = command->tips; count > 0 && rtd_command_next_word(&at, &word); count--)
		rtd_reply_bulk(reply, word);
}

/* -- key specifications -- */

static void
reply_number_pair(struct rtd_resp_writer *reply, const char *name,
    int64_t number)
{
	rtd_reply_bulk_cstr(reply, name);
	rtd_reply_integer(reply, number);
}

/* One range: flags are the words from *at to a bar or the end. */
static void
reply_key_spec(struct rtd_resp_writer *reply, const char **at, int first,
    int last_from_first, int step)
{
	const char *words = *at;
	struct rt_slice word;
	size_t count = 0;

	while (rtd_command_next_word(at, &word) && word.data[0] != '|')
		count++;
	rtd_reply_map(reply, 3);
	rtd_reply_bulk_cstr(reply, "flags");
	rtd_reply_set(reply, count);
	for (; count > 0 && rtd_command_next_word(&words, &word); count--) {
		char flag[32];

		snprintf(flag, sizeof(flag), "%.*s", (int)word.len,
		    (const char *)word.data);
		rtd_reply_simple(reply, flag);
	}
	rtd_reply_bulk_cstr(reply, "begin_search");
	rtd_reply_map(reply, 2);
	rtd_reply_bulk_cstr(reply, "type");
	rtd_reply_bulk_cstr(reply, "index");
	rtd_reply_bulk_cstr(reply, "spec");
	rtd_reply_map(reply, 1);
	reply_number_pair(reply, "index", first);
	rtd_reply_bulk_cstr(reply, "find_keys");
	rtd_reply_map(reply, 2);
	rtd_reply_bulk_cstr(reply, "type");
	rtd_reply_bulk_cstr(reply, "range");
	rtd_reply_bulk_cstr(reply, "spec");
	rtd_reply_map(reply, 3);
	reply_number_pair(reply, "lastkey", last_from_first);
	reply_number_pair(reply, "keystep", step);
	reply_number_pair(reply, "limit", 0);
}

/* Whether the keys after the first one are treated otherwise than it. */
static bool
has_second_spec(const struct rtd_command *command)
{
	return command->keys != NULL && strchr(command->keys, '|') != NULL;
}

static void
reply_key_specs(struct rtd_resp_writer *reply,
    const struct rtd_command *command)
{
	int first = command->first_key, last = command->last_key;
	const char *at = command->keys;

	if (first == 0) {
		rtd_reply_set(reply, 0);
		return;
	}
	rt_assert(at != NULL);
	rtd_reply_set(reply, has_second_spec(command) ? 2 : 1);
	if (has_second_spec(command)) {
		reply_key_spec(reply, &at, first, 0, 1);
		first++;
	}
	/* Here the last key counts from the first one. */
	reply_key_spec(reply, &at, first, last < 0 ? last : last - first,
	    command->key_step);
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
	reply_tips(reply, command);
	reply_key_specs(reply, command);
	if (!command->has_subcommands) {
		rtd_reply_set(reply, 0);
		return;
	}
	rtd_reply_set(reply, rtd_command_shown_count(command));
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
	rtd_reply_array(rtd_call_reply(call), rtd_command_shown_count(NULL));
	for_each(call, reply_info);
}

void
rtd_cmd_command_count(struct rtd_call *call)
{
	rtd_reply_integer(rtd_call_reply(call), (int64_t)rtd_command_shown_count(NULL));
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

/* -- LIST -- */

static bool
listed(struct rtd_call *call, const struct rtd_command *command)
{
	char name[RTD_COMMAND_NAME_BYTES];

	if (command->disabled)
		return false;
	if (call->argc == 2)
		return command->container == NULL;
	if (rtd_call_arg_is(call, 3, "ACLCAT"))
		return (command->acl & rtd_acl_category_bit(call->argv[4])) != 0;
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

/* -- HELP of any container -- */

void
rtd_cmd_help(struct rtd_call *call)
{
	struct rtd_resp_writer *reply = rtd_call_reply(call);
	const struct rtd_command *container = call->command->container;
	char line[256];

	rtd_reply_array(reply, 1 + 2 * rtd_command_shown_count(container));
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
