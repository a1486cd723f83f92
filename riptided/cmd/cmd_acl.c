/* ACL: users can be looked at but not made. The hashes of passwords are not
 * told. */
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "riptided/cmd/acl_category.h"
#include "riptided/cmd/cmd_auth.h"
#include "riptided/cmd/handlers.h"

/* The users that there are, and their rules. */
static const struct user {
	const char *name;
	const char *commands;
} users[] = {
	{ "default", "+@all" },
	{ "readonly", "+@all -@write -@admin" },
};

static const char *
password_of(const struct rtd_call *call, const struct user *user)
{
	const struct rt_config *config = call->server->config;

	return user == &users[0] ? config->requirepass :
	    config->requirepass_readonly;
}

/* Without its password there is no such user but the default one. */
static bool
exists(const struct rtd_call *call, const struct user *user)
{
	return user == &users[0] || password_of(call, user)[0] != '\0';
}

static size_t
users_count(const struct rtd_call *call)
{
	size_t count = 0;

	for (size_t i = 0; i < RT_COUNTOF(users); i++)
		count += exists(call, &users[i]);
	return count;
}

static const struct user *
find_user(const struct rtd_call *call, struct rt_slice name)
{
	for (size_t i = 0; i < RT_COUNTOF(users); i++)
		if (exists(call, &users[i]) &&
		    rt_slice_equal(name, rt_slice_cstr(users[i].name)))
			return &users[i];
	return NULL;
}

static bool
has_password(const struct rtd_call *call, const struct user *user)
{
	return password_of(call, user)[0] != '\0';
}

static int
shown(struct rt_slice name)
{
	return (int)(name.len < 128 ? name.len : 128);
}

static const char *
text_of(struct rt_slice name)
{
	return name.len != 0 ? (const char *)name.data : "";
}

void
rtd_cmd_acl_whoami(struct rtd_call *call)
{
	rtd_reply_bulk_cstr(rtd_call_reply(call), rtd_auth_user(call->client));
}

void
rtd_cmd_acl_users(struct rtd_call *call)
{
	rtd_reply_array(rtd_call_reply(call), users_count(call));
	for (size_t i = 0; i < RT_COUNTOF(users); i++)
		if (exists(call, &users[i]))
			rtd_reply_bulk_cstr(rtd_call_reply(call),
			    users[i].name);
}

void
rtd_cmd_acl_list(struct rtd_call *call)
{
	char line[128];

	rtd_reply_array(rtd_call_reply(call), users_count(call));
	for (size_t i = 0; i < RT_COUNTOF(users); i++) {
		if (!exists(call, &users[i]))
			continue;
		snprintf(line, sizeof(line), "user %s on %s~* &* %s",
		    users[i].name, has_password(call, &users[i]) ? "" :
		    "nopass ", users[i].commands);
		rtd_reply_bulk_cstr(rtd_call_reply(call), line);
	}
}

static void
reply_rule(struct rtd_resp_writer *reply, const char *name, const char *rule)
{
	rtd_reply_bulk_cstr(reply, name);
	rtd_reply_bulk_cstr(reply, rule);
}

void
rtd_cmd_acl_getuser(struct rtd_call *call)
{
	struct rtd_resp_writer *reply = rtd_call_reply(call);
	const struct user *user = find_user(call, call->argv[2]);

	if (user == NULL) {
		rtd_reply_null(reply);
		return;
	}
	rtd_reply_map(reply, 6);
	rtd_reply_bulk_cstr(reply, "flags");
	rtd_reply_set(reply, has_password(call, user) ? 1 : 2);
	rtd_reply_bulk_cstr(reply, "on");
	if (!has_password(call, user))
		rtd_reply_bulk_cstr(reply, "nopass");
	rtd_reply_bulk_cstr(reply, "passwords");
	rtd_reply_array(reply, 0);
	reply_rule(reply, "commands", user->commands);
	reply_rule(reply, "keys", "~*");
	reply_rule(reply, "channels", "&*");
	rtd_reply_bulk_cstr(reply, "selectors");
	rtd_reply_array(reply, 0);
}

/* -- CAT -- */

static void
reply_category(struct rtd_resp_writer *reply,
    const struct rtd_acl_category *category)
{
	size_t count, within = 0;
	const struct rtd_command *table = rtd_command_table(&count);
	char name[RTD_COMMAND_NAME_BYTES];

	for (size_t i = 0; i < count; i++)
		within += !table[i].disabled &&
		    (table[i].acl & category->bit) != 0;
	rtd_reply_array(reply, within);
	for (size_t i = 0; i < count; i++)
		if (!table[i].disabled && (table[i].acl & category->bit) != 0)
			rtd_reply_bulk_cstr(reply,
			    rtd_call_command_name(&table[i], name));
}

void
rtd_cmd_acl_cat(struct rtd_call *call)
{
	struct rtd_resp_writer *reply = rtd_call_reply(call);
	const struct rtd_acl_category *category;

	if (call->argc > 3) {
		rtd_call_subcommand_error(call);
		return;
	}
	if (call->argc == 2) {
		rtd_reply_array(reply, rtd_acl_categories_count);
		for (size_t i = 0; i < rtd_acl_categories_count; i++)
			rtd_reply_bulk_cstr(reply, rtd_acl_categories[i].name);
		return;
	}
	category = rtd_acl_category_find(call->argv[2]);
	if (category == NULL)
		rtd_reply_error(reply, "ERR Unknown category '%.*s'",
		    shown(call->argv[2]), text_of(call->argv[2]));
	else
		reply_category(reply, category);
}

/* -- LOG, GENPASS and DRYRUN -- */

/* Nobody is ever refused by rules: there are none. */
void
rtd_cmd_acl_log(struct rtd_call *call)
{
	int64_t count;

	if (call->argc > 3)
		rtd_call_subcommand_error(call);
	else if (call->argc == 3 && rtd_call_arg_is(call, 2, "RESET"))
		rtd_reply_ok(rtd_call_reply(call));
	else if (call->argc == 2 || rtd_call_i64(call, call->argv[2], &count))
		rtd_reply_array(rtd_call_reply(call), 0);
}

#define GENPASS_BITS 256
#define GENPASS_BITS_MAX 4096

void
rtd_cmd_acl_genpass(struct rtd_call *call)
{
	struct rtd_resp_writer *reply = rtd_call_reply(call);
	uint8_t random[GENPASS_BITS_MAX / 8];
	char digits[GENPASS_BITS_MAX / 4 + 1];
	int64_t bits = GENPASS_BITS;
	size_t count;

	if (call->argc > 3) {
		rtd_call_subcommand_error(call);
		return;
	}
	if (call->argc == 3 && !rtd_call_i64(call, call->argv[2], &bits))
		return;
	if (bits <= 0 || bits > GENPASS_BITS_MAX) {
		rtd_reply_error(reply, "ERR ACL GENPASS argument must be the "
		    "number of bits for the output password, a positive "
		    "number up to %d", GENPASS_BITS_MAX);
		return;
	}
	count = (size_t)(bits + 3) / 4;
	/* Up to 256 bytes come whole; more may come in parts. */
	for (size_t at = 0; at < sizeof(random); at += 256)
		if (getrandom(random + at, 256, 0) != 256) {
			rtd_reply_error(reply, "ERR no random numbers");
			return;
		}
	for (size_t i = 0; i < count; i++)
		digits[i] = "0123456789abcdef"[random[i / 2] >> i % 2 * 4 & 15];
	rtd_reply_bulk(reply, rt_slice(digits, count));
}

/* No error, in Redis either: it is what was asked for. */
static void
reply_denied(struct rtd_resp_writer *reply, const struct user *user,
    const struct rtd_command *command)
{
	char name[RTD_COMMAND_NAME_BYTES], text[160];

	snprintf(text, sizeof(text),
	    "User %s has no permissions to run the '%s' command", user->name,
	    rtd_call_command_name(command, name));
	rtd_reply_bulk_cstr(reply, text);
}

void
rtd_cmd_acl_dryrun(struct rtd_call *call)
{
	struct rtd_resp_writer *reply = rtd_call_reply(call);
	const struct user *user = find_user(call, call->argv[2]);
	const struct rtd_client as = { .readonly = user == &users[1] };
	const struct rtd_command *command;
	size_t argc = call->argc - 3;
	char name[RTD_COMMAND_NAME_BYTES];

	if (user == NULL) {
		rtd_reply_error(reply, "ERR User '%.*s' not found",
		    shown(call->argv[2]), text_of(call->argv[2]));
		return;
	}
	command = rtd_command_named(call->argv + 3, argc);
	if (command == NULL)
		rtd_reply_error(reply, "ERR Command '%.*s' not found",
		    shown(call->argv[3]), text_of(call->argv[3]));
	else if (!rtd_command_takes(command, argc))
		rtd_reply_error(reply,
		    "ERR wrong number of arguments for '%s' command",
		    rtd_call_command_name(command, name));
	else if (!rtd_auth_permits(&as, command))
		reply_denied(reply, user, command);
	else
		rtd_reply_ok(reply);
}
