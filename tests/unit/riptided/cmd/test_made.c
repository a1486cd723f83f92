#include "riptided/cmd/made.h"

#include <stdlib.h>
#include <string.h>

#include "tests/support/cmd_harness.h"
#include "tests/support/runner.h"

#define LARGE (RTD_MADE_BYTES_MAX + 5)

static struct rtt_cmd cmd;
static char *large;

/* A key with LARGE bytes that begin with this one. */
static void
set_large(const char *key, char first)
{
	const struct rt_slice argv[] = { rt_slice_cstr("SET"),
		rt_slice_cstr(key), rt_slice(large, LARGE) };

	large[0] = first;
	rtt_cmd_run(&cmd, argv, 3);
}

static void
begin(void)
{
	rtt_cmd_init(&cmd);
	large = malloc(LARGE);
	memset(large, 'x', LARGE);
	set_large("old", 'a');
}

static void
end(void)
{
	cmd.between_tries = NULL;
	rtd_made_let_go(&cmd.client);
	free(large);
	rtt_cmd_fini(&cmd);
}

/* Run it; it must have run so many times. */
static void
expect(const char *line, const char *wanted, unsigned tries)
{
	const char *got = rtt_cmd_line(&cmd, line);

	ck_assert_msg(strcmp(got, wanted) == 0, "%s: got %.100s wanted %s",
	    line, got, wanted);
	ck_assert_msg(cmd.tries == tries, "%s ran %u times", line, cmd.tries);
}

START_TEST(large_values_are_made_aside_and_the_command_runs_again)
{
	static const struct {
		const char *line, *wanted, *look, *found;
	} rows[] = {
		{ "RENAME old new", "+OK\r\n", "GETRANGE new 0 1",
			"$2\r\nax\r\n" },
		{ "COPY new old", ":1\r\n", "GETRANGE old 0 1",
			"$2\r\nax\r\n" },
		{ "APPEND old yz", ":1048583\r\n", "GETRANGE old -3 -1",
			"$3\r\nxyz\r\n" },
		{ "SETRANGE old 1 -", ":1048583\r\n", "GETRANGE old 0 2",
			"$3\r\na-x\r\n" },
		{ "SETBIT old 7 0", ":1\r\n", "GETRANGE old 0 1",
			"$2\r\n`-\r\n" },
		{ "BITFIELD old SET u8 8 65", "*1\r\n:45\r\n",
			"GETRANGE old 0 1", "$2\r\n`A\r\n" },
		{ "BITOP XOR both old new", ":1048583\r\n",
			"GETRANGE both 0 0", "$1\r\n\x01\r\n" },
		{ "PEXPIREAT old 1800000000000", ":1\r\n", "PEXPIRETIME old",
			":1800000000000\r\n" },
		{ "PERSIST old", ":1\r\n", "TTL old", ":-1\r\n" },
	};

	begin();
	for (size_t i = 0; i < RT_COUNTOF(rows); i++) {
		expect(rows[i].line, rows[i].wanted, 2);
		expect(rows[i].look, rows[i].found, 1);
		ck_assert_ptr_null(cmd.client.making);
	}
	end();
}
END_TEST

/* Somebody else changes the key while the pool makes the copy. */
static void
change(struct rtt_cmd *cmd_)
{
	const struct rt_slice argv[] = { rt_slice_cstr("SET"),
		rt_slice_cstr("old"), rt_slice(large, LARGE) };
	struct rtd_client other = { .authenticated = true };

	large[0]++;
	other.reply.out = &other.out;
	other.reply.protocol = 2;
	ck_assert(rtd_command_dispatch(&cmd_->server, &other, argv, 3));
	rt_buf_fini(&other.out);
}

START_TEST(what_changed_meanwhile_is_made_anew_and_at_last_on_the_loop)
{
	begin();
	cmd.between_tries = change;
	expect("RENAME old new", "+OK\r\n", RTD_MADE_TRIES + 1);
	cmd.between_tries = NULL;
	expect("GETRANGE new 0 1", "$2\r\ndx\r\n", 1);
	expect("EXISTS old", ":0\r\n", 1);
	end();
}
END_TEST

static void
delete_it(struct rtt_cmd *cmd_)
{
	const struct rt_slice argv[] = { rt_slice_cstr("DEL"),
		rt_slice_cstr("old") };
	struct rtd_client other = { .authenticated = true };

	other.reply.out = &other.out;
	other.reply.protocol = 2;
	ck_assert(rtd_command_dispatch(&cmd_->server, &other, argv, 2));
	rt_buf_fini(&other.out);
}

START_TEST(a_key_that_is_gone_meanwhile_is_not_there)
{
	begin();
	cmd.between_tries = delete_it;
	expect("RENAME old new", "-ERR no such key\r\n", 2);
	expect("EXISTS old new", ":0\r\n", 1);
	ck_assert_ptr_null(cmd.client.making);
	end();
}
END_TEST

RTT_MAIN("made", large_values_are_made_aside_and_the_command_runs_again,
    what_changed_meanwhile_is_made_anew_and_at_last_on_the_loop,
    a_key_that_is_gone_meanwhile_is_not_there)
