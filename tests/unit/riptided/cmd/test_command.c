#include "riptided/cmd/command.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "riptided/cmd/cmd_auth.h"
#include "tests/support/cmd_harness.h"
#include "tests/support/fake_engine.h"
#include "tests/support/runner.h"

static struct rtt_cmd cmd;

static void
expect(const char *line, const char *wanted)
{
	const char *got = rtt_cmd_line(&cmd, line);

	ck_assert_msg(strcmp(got, wanted) == 0, "%s: got %s wanted %s", line,
	    got, wanted);
}

START_TEST(table_is_sorted_and_sane)
{
	size_t count;
	const struct rtd_command *table;

	rtd_command_table_init("");
	table = rtd_command_table(&count);
	for (size_t i = 0; i < count; i++) {
		const struct rtd_command *c = &table[i];

		if (i > 0)
			ck_assert_str_lt(table[i - 1].name, c->name);
		for (const char *at = c->name; *at != '\0'; at++)
			ck_assert_int_eq(toupper((unsigned char)*at), *at);
		ck_assert_int_ne(c->arity, 0);
		ck_assert(c->run != NULL || c->has_subcommands);
		ck_assert(c->first_key == 0 || c->key_step > 0);
		ck_assert(c->arity > c->first_key || c->arity < 0);
		/* No command both reads and writes for the checks. */
		ck_assert((c->flags & (RTD_CMD_WRITE | RTD_CMD_READONLY)) !=
		    (RTD_CMD_WRITE | RTD_CMD_READONLY));
		ck_assert_ptr_eq(rtd_command_find(rt_slice_cstr(c->name)), c);
		ck_assert(strchr(c->name, '|') == NULL ||
		    c->container != NULL);
	}
	/* Walks over subcommands stop at the next container or command. */
	ck_assert_ptr_null(table[count - 1].container);
}
END_TEST

START_TEST(names_are_found_in_any_case)
{
	rtd_command_table_init("");
	ck_assert_str_eq(rtd_command_find(rt_slice_cstr("gEt"))->name, "GET");
	ck_assert_str_eq(rtd_command_find(rt_slice_cstr("client|id"))->name,
	    "CLIENT|ID");
	ck_assert_ptr_null(rtd_command_find(rt_slice_cstr("")));
	ck_assert_ptr_null(rtd_command_find(rt_slice_cstr("GE")));
	ck_assert_ptr_null(rtd_command_find(rt_slice_cstr("GET|X")));
	ck_assert_ptr_null(rtd_command_find(rt_slice_cstr("client|")));
	ck_assert_ptr_null(rtd_command_find(rt_slice("get\0", 4)));
}
END_TEST

START_TEST(disabled_commands_are_unknown)
{
	rtd_command_table_init("flushall, KEYS client|kill");
	ck_assert_ptr_null(rtd_command_find(rt_slice_cstr("FLUSHALL")));
	ck_assert_ptr_null(rtd_command_find(rt_slice_cstr("keys")));
	ck_assert_ptr_null(rtd_command_find(rt_slice_cstr("CLIENT|KILL")));
	ck_assert_ptr_nonnull(rtd_command_find(rt_slice_cstr("FLUSHDB")));
	rtd_command_table_init("");
	ck_assert_ptr_nonnull(rtd_command_find(rt_slice_cstr("KEYS")));
}
END_TEST

START_TEST(dispatch_has_the_words_of_redis)
{
	rtt_cmd_init(&cmd);
	expect("NOSUCH", "-ERR unknown command 'NOSUCH', with args beginning "
	    "with: \r\n");
	expect("foo a b", "-ERR unknown command 'foo', with args beginning "
	    "with: 'a' 'b' \r\n");
	expect("GET", "-ERR wrong number of arguments for 'get' command\r\n");
	expect("CLIENT", "-ERR wrong number of arguments for 'client' "
	    "command\r\n");
	expect("CLIENT SETNAME", "-ERR wrong number of arguments for "
	    "'client|setname' command\r\n");
	expect("client nosuch", "-ERR unknown subcommand 'nosuch'. Try CLIENT "
	    "HELP.\r\n");
	rtt_cmd_fini(&cmd);
}
END_TEST

START_TEST(nothing_runs_before_auth)
{
	rtt_cmd_init(&cmd);
	expect("AUTH x", "-ERR AUTH <password> called without any password "
	    "configured for the default user. Are you sure your "
	    "configuration is correct?\r\n");
	expect("CONFIG SET requirepass secret", "+OK\r\n");
	cmd.client.authenticated = false;
	expect("GET a", "-NOAUTH Authentication required.\r\n");
	expect("CLIENT ID", "-NOAUTH Authentication required.\r\n");
	expect("AUTH secre", "-WRONGPASS invalid username-password pair or "
	    "user is disabled.\r\n");
	expect("AUTH secrett", "-WRONGPASS invalid username-password pair or "
	    "user is disabled.\r\n");
	expect("AUTH ''", "-WRONGPASS invalid username-password pair or "
	    "user is disabled.\r\n");
	expect("AUTH bob secret", "-WRONGPASS invalid username-password pair "
	    "or user is disabled.\r\n");
	expect("AUTH default secret", "+OK\r\n");
	expect("GET a", "$-1\r\n");
	expect("RESET", "+RESET\r\n");
	expect("GET a", "-NOAUTH Authentication required.\r\n");
	expect("HELLO 3 AUTH default secret SETNAME me", "%7\r\n"
	    "$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$5\r\n7.2.0\r\n"
	    "$5\r\nproto\r\n:3\r\n$2\r\nid\r\n:7\r\n$4\r\nmode\r\n"
	    "$10\r\nstandalone\r\n$4\r\nrole\r\n$6\r\nmaster\r\n"
	    "$7\r\nmodules\r\n*0\r\n");
	expect("GET a", "_\r\n");
	expect("CLIENT GETNAME", "$2\r\nme\r\n");
	expect("HELLO 4", "-NOPROTO unsupported protocol version\r\n");
	rtt_cmd_fini(&cmd);
}
END_TEST

START_TEST(a_readonly_user_reads)
{
	static const char no[] = "-NOPERM this user has no permissions to run "
	    "the '%s' command\r\n";
	static const char *const refused[][2] = { { "SET a 1", "set" },
		{ "DEL a", "del" }, { "FLUSHALL", "flushall" },
		{ "CONFIG GET port", "config|get" },
		{ "CONFIG SET timeout 1", "config|set" },
		{ "SHUTDOWN", "shutdown" }, { "CLIENT KILL 1", "client|kill" },
		{ "SLOWLOG GET", "slowlog|get" },
		{ "SNAPSHOT CREATE", "snapshot|create" } };
	char text[128];

	rtt_cmd_init(&cmd);
	expect("SET a 1", "+OK\r\n");
	expect("AUTH readonly look", "-WRONGPASS invalid username-password pair "
	    "or user is disabled.\r\n");
	expect("CONFIG SET requirepass all requirepass-readonly look",
	    "+OK\r\n");
	expect("AUTH readonly all", "-WRONGPASS invalid username-password pair "
	    "or user is disabled.\r\n");
	expect("AUTH readonly look", "+OK\r\n");
	ck_assert_str_eq(rtd_auth_user(&cmd.client), "readonly");
	expect("GET a", "$1\r\n1\r\n");
	expect("PING", "+PONG\r\n");
	for (size_t i = 0; i < RT_COUNTOF(refused); i++) {
		snprintf(text, sizeof(text), no, refused[i][1]);
		expect(refused[i][0], text);
	}
	ck_assert_uint_eq(cmd.server.denied_commands, RT_COUNTOF(refused));
	ck_assert_uint_eq(cmd.server.auth_failures, 2);
	expect("AUTH all", "+OK\r\n");
	ck_assert_str_eq(rtd_auth_user(&cmd.client), "default");
	expect("SET a 2", "+OK\r\n");
	expect("AUTH readonly look", "+OK\r\n");
	expect("RESET", "+RESET\r\n");
	expect("GET a", "-NOAUTH Authentication required.\r\n");
	rtt_cmd_fini(&cmd);
}
END_TEST

START_TEST(three_wrong_passwords_end_the_connection)
{
	static const char wrong[] = "-WRONGPASS invalid username-password pair "
	    "or user is disabled.\r\n";

	rtt_cmd_init(&cmd);
	expect("CONFIG SET requirepass secret", "+OK\r\n");
	expect("AUTH a", wrong);
	expect("AUTH b", wrong);
	expect("AUTH secret", "+OK\r\n");
	/* They count in a row. */
	expect("AUTH a", wrong);
	expect("HELLO 3 AUTH default b", wrong);
	ck_assert(!cmd.client.close_after_reply);
	ck_assert_uint_eq(cmd.client.held_until_us, 0);
	expect("AUTH default c", wrong);
	ck_assert(cmd.client.close_after_reply);
	ck_assert_uint_eq(cmd.client.held_until_us,
	    cmd.server.now_us + RTD_AUTH_HOLD_US);
	rtt_cmd_fini(&cmd);
}
END_TEST

START_TEST(a_stranger_who_begins_with_no_command_is_sent_away)
{
	rtt_cmd_init(&cmd);
	expect("HEAD", "-ERR unknown command 'HEAD', with args beginning "
	    "with: \r\n");
	ck_assert(!cmd.client.close_after_reply);
	expect("CONFIG SET requirepass secret", "+OK\r\n");
	cmd.client.authenticated = false;
	cmd.client.commands = 1;
	expect("HEAD", "-ERR unknown command 'HEAD', with args beginning "
	    "with: \r\n");
	ck_assert(!cmd.client.close_after_reply);
	cmd.client.commands = 0;
	expect("HEAD", "-ERR unknown command 'HEAD', with args beginning "
	    "with: \r\n");
	ck_assert(cmd.client.close_after_reply);
	rtt_cmd_fini(&cmd);
}
END_TEST

/* The arguments of the newest entry, one after the other. */
static void
expect_slow(const char *args)
{
	struct rtd_slowlog_entry *entry = cmd.server.slowlog.newest;
	struct rt_buf text = { 0 };
	const uint8_t *at = entry->args.data;

	/* All are short: their lengths are bytes. */
	while (at < entry->args.data + entry->args.len) {
		rt_buf_printf(&text, "%.*s ", (int)*at, (const char *)at + 1);
		at += 1 + *at;
	}
	rt_buf_append_byte(&text, '\0');
	ck_assert_str_eq((const char *)text.data, args);
	rt_buf_fini(&text);
}

START_TEST(passwords_are_not_in_the_slowlog)
{
	rtt_cmd_init(&cmd);
	rtt_cmd_line(&cmd, "CONFIG SET slowlog-log-slower-than 0");
	rtt_cmd_line(&cmd, "CONFIG SET requirepass s1 timeout 7");
	expect_slow("CONFIG SET requirepass (redacted) timeout 7 ");
	rtt_cmd_line(&cmd, "CONFIG SET requirepass-readonly s2");
	expect_slow("CONFIG SET requirepass-readonly (redacted) ");
	rtt_cmd_line(&cmd, "HELLO 2 AUTH default s1 SETNAME me");
	expect_slow("HELLO 2 AUTH (redacted) (redacted) SETNAME me ");
	rtt_cmd_fini(&cmd);
}
END_TEST

START_TEST(loading_answers_loading)
{
	struct rtd_engine *engine;

	rtt_cmd_init(&cmd);
	engine = cmd.server.engine;
	cmd.server.engine = NULL;
	expect("GET a", "-LOADING Redis is loading the dataset in memory\r\n");
	expect("PING", "+PONG\r\n");
	cmd.server.loading_since_ms = rt_clock_wall_ms(cmd.server.clock) - 2500;
	atomic_store(&cmd.server.loading.total_bytes, 4000);
	atomic_store(&cmd.server.loading.loaded_bytes, 999);
	ck_assert_ptr_nonnull(strstr(rtt_cmd_line(&cmd, "INFO persistence"),
	    "loading:1\r\n"));
	ck_assert_ptr_nonnull(strstr(rtt_cmd_line(&cmd, "INFO persistence"),
	    "loading_total_bytes:4000\r\nloading_rdb_used_mem:0\r\n"
	    "loading_loaded_bytes:999\r\nloading_loaded_perc:24.98\r\n"
	    "loading_eta_seconds:6\r\n"));
	cmd.server.engine = engine;
	ck_assert_ptr_null(strstr(rtt_cmd_line(&cmd, "INFO persistence"),
	    "loading_total_bytes"));
	expect("GET a", "$-1\r\n");
	rtt_cmd_fini(&cmd);
}
END_TEST

START_TEST(key_length_has_a_limit)
{
	static uint8_t long_key[RT_USER_KEY_BYTES_MAX + 1];
	struct rt_slice argv[] = { rt_slice_cstr("SET"),
		rt_slice(long_key, sizeof(long_key)), rt_slice_cstr("v") };

	rtt_cmd_init(&cmd);
	ck_assert_str_eq(rtt_cmd_run(&cmd, argv, 3),
	    "-ERR key is too long (limit 65536)\r\n");
	argv[1].len--;
	ck_assert_str_eq(rtt_cmd_run(&cmd, argv, 3), "+OK\r\n");
	argv[0] = rt_slice_cstr("GET");
	ck_assert_str_eq(rtt_cmd_run(&cmd, argv, 2), "$1\r\nv\r\n");
	expect("DBSIZE", ":1\r\n");
	rtt_cmd_fini(&cmd);
}
END_TEST

START_TEST(expiry_follows_the_clock)
{
	rtt_cmd_init(&cmd);
	expect("SET a 1 PX 1500", "+OK\r\n");
	expect("PTTL a", ":1500\r\n");
	expect("TTL a", ":2\r\n");
	cmd.wall_ms += 1499;
	expect("GET a", "$1\r\n1\r\n");
	cmd.wall_ms += 1;
	expect("GET a", "$-1\r\n");
	expect("TTL a", ":-2\r\n");
	expect("SET b 1 EXAT 1", "+OK\r\n");
	expect("EXISTS b", ":0\r\n");
	expect("SET c 1 EX 100", "+OK\r\n");
	expect("SET c 2 KEEPTTL", "+OK\r\n");
	expect("TTL c", ":100\r\n");
	expect("INCR c", ":3\r\n");
	expect("APPEND c 0", ":2\r\n");
	expect("TTL c", ":100\r\n");
	rtt_cmd_restart(&cmd);
	expect("TTL c", ":100\r\n");
	expect("EXPIRE c 50 GT", ":0\r\n");
	expect("EXPIRE c 50 LT", ":1\r\n");
	expect("EXPIRE c -1", ":1\r\n");
	expect("EXISTS c", ":0\r\n");
	rtt_cmd_fini(&cmd);
}
END_TEST

START_TEST(del_counts_a_key_once_and_exists_each_time)
{
	rtt_cmd_init(&cmd);
	expect("MSET a 1 b 2 a 3", "+OK\r\n");
	expect("GET a", "$1\r\n3\r\n");
	expect("EXISTS a a b x", ":3\r\n");
	expect("DEL a b a x a", ":2\r\n");
	expect("DBSIZE", ":0\r\n");
	rtt_cmd_fini(&cmd);
}
END_TEST

START_TEST(databases_are_apart_and_flushed_apart)
{
	rtt_cmd_init(&cmd);
	expect("SET a 0", "+OK\r\n");
	expect("SELECT 16", "-ERR DB index is out of range\r\n");
	expect("SELECT 15", "+OK\r\n");
	expect("GET a", "$-1\r\n");
	expect("SET a 15", "+OK\r\n");
	expect("FLUSHDB", "+OK\r\n");
	expect("DBSIZE", ":0\r\n");
	expect("SELECT 0", "+OK\r\n");
	expect("GET a", "$1\r\n0\r\n");
	expect("FLUSHALL SYNC", "+OK\r\n");
	expect("GET a", "$-1\r\n");
	expect("SET a 1", "+OK\r\n");
	expect("GET a", "$1\r\n1\r\n");
	rtt_cmd_fini(&cmd);
}
END_TEST

START_TEST(databases_swap)
{
	rtt_cmd_init(&cmd);
	expect("SET a 0", "+OK\r\n");
	expect("SWAPDB 0 1", "+OK\r\n");
	expect("GET a", "$-1\r\n");
	expect("SELECT 1", "+OK\r\n");
	expect("GET a", "$1\r\n0\r\n");
	expect("SWAPDB 1 1", "+OK\r\n");
	expect("GET a", "$1\r\n0\r\n");
	expect("FLUSHDB", "+OK\r\n");
	expect("SWAPDB 1 0", "+OK\r\n");
	expect("GET a", "$-1\r\n");
	expect("SWAPDB x 99", "-ERR invalid first DB index\r\n");
	expect("SWAPDB 99 x", "-ERR invalid second DB index\r\n");
	expect("SWAPDB 2147483648 0", "-ERR invalid first DB index\r\n");
	expect("SWAPDB 0 16", "-ERR DB index is out of range\r\n");
	expect("SWAPDB -1 0", "-ERR DB index is out of range\r\n");
	rtt_cmd_fini(&cmd);
}
END_TEST

START_TEST(info_counts_and_shows_what_is_asked)
{
	const char *text;

	rtt_cmd_init(&cmd);
	expect("MSET a 1 b 2", "+OK\r\n");
	expect("SET c 3 EX 10", "+OK\r\n");
	text = rtt_cmd_line(&cmd, "INFO keyspace");
	ck_assert_ptr_nonnull(strstr(text,
	    "# Keyspace\r\ndb0:keys=3,expires=1,avg_ttl=10000\r\n"));
	ck_assert_ptr_null(strstr(text, "# Server"));
	text = rtt_cmd_line(&cmd, "INFO");
	ck_assert_ptr_nonnull(strstr(text, "redis_version:7."));
	ck_assert_ptr_nonnull(strstr(text, "compactor_state:absent\r\n"));
	ck_assert_ptr_nonnull(strstr(text, "visible_seq:3\r\n"));
	ck_assert_ptr_null(strstr(text, "cmdstat_"));
	rtt_cmd_line(&cmd, "GET");
	rtt_cmd_line(&cmd, "INCR a a");
	rtt_cmd_line(&cmd, "LPUSH a a");
	rtt_cmd_line(&cmd, "GETRANGE a x 1");
	text = rtt_cmd_line(&cmd, "INFO everything");
	ck_assert_ptr_nonnull(strstr(text, "cmdstat_mset:calls=1,"));
	ck_assert_ptr_nonnull(strstr(text,
	    "cmdstat_get:calls=0,usec=0,usec_per_call=0.00,"
	    "rejected_calls=1,failed_calls=0\r\n"));
	ck_assert_ptr_nonnull(strstr(text, "errorstat_ERR:count=4\r\n"));
	expect("CONFIG RESETSTAT", "+OK\r\n");
	ck_assert_ptr_null(strstr(rtt_cmd_line(&cmd, "INFO all"),
	    "cmdstat_mset"));
	rtt_cmd_fini(&cmd);
}
END_TEST

START_TEST(config_set_is_all_or_nothing)
{
	rtt_cmd_init(&cmd);
	expect("CONFIG SET maxclients 77 timeout 5", "+OK\r\n");
	ck_assert_int_eq(cmd.config.maxclients, 77);
	ck_assert_int_eq(cmd.config.timeout, 5);
	ck_assert_ptr_nonnull(strstr(
	    rtt_cmd_line(&cmd, "CONFIG SET timeout 9 maxclients 0"),
	    "-ERR CONFIG SET failed (possibly related to argument "
	    "'maxclients') - "));
	ck_assert_int_eq(cmd.config.timeout, 5);
	ck_assert_ptr_nonnull(strstr(rtt_cmd_line(&cmd, "CONFIG SET port 1"),
	    "-ERR CONFIG SET failed"));
	expect("CONFIG SET nosuch 1", "-ERR Unknown option or number of "
	    "arguments for CONFIG SET - 'nosuch'\r\n");
	expect("CONFIG GET maxcl*", "*2\r\n$10\r\nmaxclients\r\n$2\r\n77\r\n");
	expect("CONFIG GET maxclients maxcli* save", "*4\r\n"
	    "$10\r\nmaxclients\r\n$2\r\n77\r\n$4\r\nsave\r\n$0\r\n\r\n");
	rtt_cmd_fini(&cmd);
}
END_TEST

START_TEST(slow_commands_are_remembered_cut)
{
	char line[4096] = "MSET";

	rtt_cmd_init(&cmd);
	expect("CONFIG SET slowlog-log-slower-than 0 slowlog-max-len 2",
	    "+OK\r\n");
	expect("SLOWLOG RESET", "+OK\r\n");
	for (int i = 0; i < 20; i++)
		strcat(line, " k v");
	rtt_cmd_line(&cmd, line);
	expect("SLOWLOG LEN", ":2\r\n");
	expect("SLOWLOG RESET", "+OK\r\n");
	rtt_cmd_line(&cmd, line);
	ck_assert_ptr_nonnull(strstr(rtt_cmd_line(&cmd, "SLOWLOG GET -1"),
	    "$23\r\n... (10 more arguments)\r\n"));
	expect("SLOWLOG GET -2",
	    "-ERR count should be greater than or equal to -1\r\n");
	rtt_cmd_fini(&cmd);
}
END_TEST

START_TEST(clients_are_listed_and_killed)
{
	struct rtd_client other = { .id = 9, .authenticated = true,
		.lane = &cmd.lane };

	rtt_cmd_init(&cmd);
	snprintf(other.peer, sizeof(other.peer), "127.0.0.1:2");
	cmd.client.next = &other;
	expect("CLIENT KILL 127.0.0.1:3", "-ERR No such client\r\n");
	expect("CLIENT KILL ID 7", ":0\r\n");
	expect("CLIENT KILL TYPE pubsub", ":0\r\n");
	expect("CLIENT KILL TYPE nosuch",
	    "-ERR Unknown client type 'nosuch'\r\n");
	ck_assert_ptr_nonnull(strstr(rtt_cmd_line(&cmd, "CLIENT LIST"),
	    "id=9 addr=127.0.0.1:2 "));
	expect("CLIENT KILL ADDR 127.0.0.1:2", ":1\r\n");
	ck_assert_uint_eq(cmd.killed, 1);
	ck_assert_ptr_null(strstr(rtt_cmd_line(&cmd, "CLIENT LIST"), "id=9 "));
	expect("CLIENT KILL ID 7 SKIPME no", ":1\r\n");
	ck_assert(cmd.client.close_after_reply);
	rtt_cmd_fini(&cmd);
}
END_TEST

START_TEST(replies_wait_for_what_was_read_and_written)
{
	uint64_t seq;

	rtt_cmd_init(&cmd);
	expect("SET a 1", "+OK\r\n");
	seq = cmd.client.wait_seq;
	ck_assert_uint_eq(seq, rtd_engine_visible_seq(cmd.server.engine));
	cmd.client.wait_seq = 0;
	expect("GET a", "$1\r\n1\r\n");
	ck_assert_uint_eq(cmd.client.wait_seq, seq);
	cmd.client.wait_seq = 0;
	expect("DEL a", ":1\r\n");
	ck_assert_uint_gt(cmd.client.wait_seq, seq);
	seq = cmd.client.wait_seq;
	cmd.client.wait_seq = 0;
	expect("GET a", "$-1\r\n");
	ck_assert_uint_eq(cmd.client.wait_seq, seq);
	rtt_cmd_fini(&cmd);
}
END_TEST

START_TEST(a_failed_read_is_an_error_and_never_nil)
{
	static const char *const lines[] = { "GET a", "MGET b a", "DEL a",
		"EXISTS a", "INCR a", "APPEND a x", "SET a x NX", "TTL a",
		"GETEX a", "SCAN 0", "KEYS *", "DBSIZE", "PERSIST a",
		"EXPIRE a 1", "SETRANGE a 1 x", "TYPE a", "OBJECT FREQ a" };

	rtt_cmd_init(&cmd);
	expect("SET a 1", "+OK\r\n");
	rtt_fake_engine_fail_reads(cmd.server.engine, RT_EDAMAGED);
	for (size_t i = 0; i < RT_COUNTOF(lines); i++)
		expect(lines[i], "-ERR read by test\r\n");
	rtt_fake_engine_fail_reads(cmd.server.engine, RT_OK);
	expect("GET a", "$1\r\n1\r\n");
	expect("DBSIZE", ":1\r\n");
	rtt_cmd_fini(&cmd);
}
END_TEST

START_TEST(refused_writes_say_why_and_reads_go_on)
{
	rtt_cmd_init(&cmd);
	expect("SET a 1", "+OK\r\n");
	rtt_fake_engine_refuse_writes(cmd.server.engine, RT_ENOSPC);
	expect("SET a 2", "-MISCONF writes are refused: refused by test\r\n");
	expect("GET a", "$1\r\n1\r\n");
	rtt_cmd_fini(&cmd);
}
END_TEST

START_TEST(a_write_without_room_is_offered_again)
{
	struct rt_slice argv[] = { rt_slice_cstr("INCR"), rt_slice_cstr("a") };

	rtt_cmd_init(&cmd);
	rtt_fake_engine_set_room(cmd.server.engine, false);
	ck_assert(!rtd_command_dispatch(&cmd.server, &cmd.client, argv, 2));
	ck_assert_uint_eq(cmd.client.out.len, 0);
	ck_assert_uint_eq(rtd_lanes_counted(&cmd.server, RTD_COUNT_COMMANDS), 0);
	expect("GET a", "$-1\r\n");
	rtt_fake_engine_set_room(cmd.server.engine, true);
	expect("INCR a", ":1\r\n");
	rtt_cmd_fini(&cmd);
}
END_TEST

RTT_MAIN("command", table_is_sorted_and_sane, names_are_found_in_any_case,
    disabled_commands_are_unknown, dispatch_has_the_words_of_redis,
    nothing_runs_before_auth, a_readonly_user_reads,
    three_wrong_passwords_end_the_connection,
    a_stranger_who_begins_with_no_command_is_sent_away,
    passwords_are_not_in_the_slowlog, loading_answers_loading,
    key_length_has_a_limit,
    expiry_follows_the_clock, del_counts_a_key_once_and_exists_each_time,
    databases_are_apart_and_flushed_apart, databases_swap,
    info_counts_and_shows_what_is_asked,
    config_set_is_all_or_nothing, slow_commands_are_remembered_cut,
    clients_are_listed_and_killed, replies_wait_for_what_was_read_and_written,
    a_failed_read_is_an_error_and_never_nil,
    refused_writes_say_why_and_reads_go_on,
    a_write_without_room_is_offered_again)
