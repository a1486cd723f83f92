/* COMMAND GETKEYS and GETKEYSANDFLAGS: which arguments are keys, by the
 * table, and what is done with them. */
#include <stdio.h>
#include <string.h>

#include "riptided/cmd/handlers.h"

/* A command that is asked about, with its words. */
struct asked {
	const struct rtd_command *command;
	const struct rt_slice *argv;
	size_t argc;
	size_t last;		/* key */
};

static bool
has_keys(const struct rtd_command *command)
{
	return command->first_key != 0;
}

/* False: the error reply is written. */
static bool
ask(struct rtd_call *call, struct asked *asked)
{
	struct rtd_resp_writer *reply = rtd_call_reply(call);

	asked->argv = call->argv + 2;
	asked->argc = call->argc - 2;
	asked->command = rtd_command_named(asked->argv, asked->argc);
	if (asked->command == NULL) {
		rtd_reply_error(reply, "ERR Invalid command specified");
		return false;
	}
	if (!has_keys(asked->command)) {
		rtd_reply_error(reply,
		    "ERR The command has no key arguments");
		return false;
	}
	if (!rtd_command_takes(asked->command, asked->argc)) {
		rtd_reply_error(reply, "ERR Invalid number of arguments "
		    "specified for command");
		return false;
	}
	asked->last = asked->command->last_key < 0 ? asked->argc - 1 :
	    (size_t)asked->command->last_key;
	return true;
}

static size_t
keys_count(const struct asked *asked)
{
	return (asked->last - (size_t)asked->command->first_key) /
	    (size_t)asked->command->key_step + 1;
}

void
rtd_cmd_command_getkeys(struct rtd_call *call)
{
	struct rtd_resp_writer *reply = rtd_call_reply(call);
	struct asked asked;

	if (!ask(call, &asked))
		return;
	rtd_reply_array(reply, keys_count(&asked));
	for (size_t i = (size_t)asked.command->first_key; i <= asked.last;
	     i += (size_t)asked.command->key_step)
		rtd_reply_bulk(reply, asked.argv[i]);
}

static bool
has_word(const struct asked *asked, size_t from, const char *word)
{
	for (size_t i = from; i < asked->argc; i++)
		if (rt_slice_equal_nocase(asked->argv[i], word))
			return true;
	return false;
}

/* Of a BITFIELD: whether all it does is GET, as far as that can be told. */
static bool
only_gets(const struct asked *asked)
{
	size_t words;

	for (size_t i = 2; i < asked->argc; i += words) {
		size_t more = asked->argc - i - 1;

		if (rt_slice_equal_nocase(asked->argv[i], "GET") && more >= 2)
			words = 3;
		else if (rt_slice_equal_nocase(asked->argv[i], "OVERFLOW") &&
		    more >= 1)
			words = 2;
		else
			return false;
	}
	return true;
}

/* What is done with key i, for these very words where it depends on them. */
static const char *
flags_of(const struct asked *asked, size_t i)
{
	const char *keys = asked->command->keys, *bar = strchr(keys, '|');

	if (strcmp(asked->command->name, "SET") == 0)
		return has_word(asked, 3, "GET") ? "RW access update" :
		    "OW update";
	if (strcmp(asked->command->name, "BITFIELD") == 0)
		return only_gets(asked) ? "RO access" : "RW access update";
	return bar != NULL && i > (size_t)asked->command->first_key ?
	    bar + 1 : keys;
}

static void
reply_flags(struct rtd_resp_writer *reply, const char *flags)
{
	const char *at = flags;
	struct rt_slice word;
	size_t count = 0;

	while (rtd_command_next_word(&at, &word) && word.data[0] != '|')
		count++;
	rtd_reply_set(reply, count);
	for (; count > 0 && rtd_command_next_word(&flags, &word); count--) {
		char flag[32];

		snprintf(flag, sizeof(flag), "%.*s", (int)word.len,
		    (const char *)word.data);
		rtd_reply_simple(reply, flag);
	}
}

void
rtd_cmd_command_getkeysandflags(struct rtd_call *call)
{
	struct rtd_resp_writer *reply = rtd_call_reply(call);
	struct asked asked;

	if (!ask(call, &asked))
		return;
	rtd_reply_array(reply, keys_count(&asked));
	for (size_t i = (size_t)asked.command->first_key; i <= asked.last;
	     i += (size_t)asked.command->key_step) {
		rtd_reply_array(reply, 2);
		rtd_reply_bulk(reply, asked.argv[i]);
		reply_flags(reply, flags_of(&asked, i));
	}
}
