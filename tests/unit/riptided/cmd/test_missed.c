/* Commands over a real engine, loop and pool, with a disk that never has
 * anything in memory, and whose reads wait at a gate. */
#include "riptided/cmd/missed.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include "libcommon/base/invariant.h"
#include "libcommon/os/mutex.h"
#include "riptided/net/conn.h"
#include "riptided/net/loop.h"
#include "tests/support/runner.h"
#include "tests/support/scratch_dir.h"

#define REPLY_BYTES 65536

/* -- the disk -- */

struct gate {
	struct rt_fs fs;	/* first */
	struct rt_mutex mu;
	struct rt_cond cond;
	bool closed;		/* reads that wait do so here */
	int arrived;		/* reads that wait, or have waited */
	int error;		/* of reads that wait, 0: none */
	int nowait_error;	/* 0: reads that do not wait see everything */
};

static ssize_t
gate_pread(struct rt_fs *fs, int fd, void *out, size_t len, off_t offset)
{
	struct gate *gate = (struct gate *)fs;
	int error;

	rt_mutex_lock(&gate->mu);
	gate->arrived++;
	while (gate->closed)
		rt_cond_wait(&gate->cond, &gate->mu);
	error = gate->error;
	rt_mutex_unlock(&gate->mu);
	if (error != 0)
		return -error;
	return rt_fs_posix()->pread(rt_fs_posix(), fd, out, len, offset);
}

static ssize_t
gate_pread_nowait(struct rt_fs *fs, int fd, void *out, size_t len,
    off_t offset)
{
	struct gate *gate = (struct gate *)fs;
	int error;

	rt_mutex_lock(&gate->mu);
	error = gate->nowait_error;
	rt_mutex_unlock(&gate->mu);
	if (error != 0)
		return -error;
	return rt_fs_posix()->pread(rt_fs_posix(), fd, out, len, offset);
}

static void
gate_init(struct gate *gate, int nowait_error)
{
	*gate = (struct gate){ .fs = *rt_fs_posix(),
		.nowait_error = nowait_error };
	gate->fs.pread = gate_pread;
	gate->fs.pread_nowait = gate_pread_nowait;
	rt_mutex_init(&gate->mu);
	rt_cond_init(&gate->cond);
}

static void
gate_set(struct gate *gate, bool closed, int error)
{
	rt_mutex_lock(&gate->mu);
	gate->closed = closed;
	gate->error = error;
	gate->arrived = 0;
	rt_cond_broadcast(&gate->cond);
	rt_mutex_unlock(&gate->mu);
}

static int
gate_arrived(struct gate *gate)
{
	int arrived;

	rt_mutex_lock(&gate->mu);
	arrived = gate->arrived;
	rt_mutex_unlock(&gate->mu);
	return arrived;
}

/* -- the server -- */

static uint64_t time_ns = UINT64_C(1700000000000000000);

static uint64_t
monotonic_ns(struct rt_clock *clock)
{
	return time_ns;
}

static int64_t
wall_ms(struct rt_clock *clock)
{
	return (int64_t)(time_ns / 1000000);
}

static struct rt_clock test_clock = { .monotonic_ns = monotonic_ns,
	.wall_ms = wall_ms };

struct fixture {
	struct gate gate;
	struct rtt_scratch scratch;
	struct rt_config config;
	struct rtd_server_state server;
	struct rtd_loop loop;
	char reply[REPLY_BYTES];
};

static void
notify(void *arg)
{
	rtd_loop_wake(&((struct fixture *)arg)->loop);
}

/* nowait_error: what reads that do not wait say. cache: bytes of it. */
static void
setup(struct fixture *f, int nowait_error, uint64_t cache)
{
	struct rtd_engine_options options = {
		.fs = &f->gate.fs,
		.clock = &test_clock,
		.config = &f->config,
		.notify = notify,
		.notify_arg = f,
	};
	struct rt_err err = { 0 };

	memset(f, 0, sizeof(*f));
	gate_init(&f->gate, nowait_error);
	rtt_scratch_init(&f->scratch);
	rt_config_init(&f->config);
	ck_assert_int_eq(rt_config_set(&f->config, rt_slice_cstr("dir"),
	    rt_slice_cstr(f->scratch.path), false, NULL), RT_OK);
	/* Under always a sync waits while the loop has more to do, which it
	 * always has here, until time has passed, which it never does. */
	f->config.appendfsync = RT_FSYNC_EVERYSEC;
	f->config.block_cache_size = cache;
	f->server = (struct rtd_server_state){ .config = &f->config,
		.clock = &test_clock, .next_client_id = 1 };
	rtd_server_state_init(&f->server);
	ck_assert_int_eq(rtd_loop_open(&f->loop, &f->server, NULL), RT_OK);
	f->server.pool = rtd_pool_new(2, rtd_loop_wake, &f->loop);
	ck_assert_msg(rtd_engine_open(&f->server.engine, &options, &err) ==
	    RT_OK, "%s", err.text);
	f->loop.lane.reader = rtd_reader_new(f->server.engine);
}

static void
teardown(struct fixture *f)
{
	gate_set(&f->gate, false, 0);
	rtd_pool_free(f->server.pool);
	for (struct rtd_client *client = f->server.clients; client != NULL;
	     client = client->next)
		rtd_client_let_go(client);
	rtd_reader_free(f->loop.lane.reader);
	ck_assert_int_eq(rtd_engine_close(f->server.engine, NULL), RT_OK);
	ck_assert(TAILQ_EMPTY(&f->loop.orphans));
	rtd_loop_close(&f->loop);
	rtd_server_state_fini(&f->server);
	rt_config_fini(&f->config);
	rtt_scratch_fini(&f->scratch);
	rt_cond_fini(&f->gate.cond);
	rt_mutex_fini(&f->gate.mu);
}

static int
connect_client(struct fixture *f)
{
	int ends[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
	    ends), 0);
	rtd_loop_accept(&f->loop, ends[1],
	    &(struct rtd_door){ .unix_path = "test" });
	return ends[0];
}

static void
turn(struct fixture *f)
{
	rtd_loop_wake(&f->loop);
	rtd_loop_turn(&f->loop);
	sched_yield();
}

static void
say(int fd, const char *text)
{
	ck_assert_int_eq(write(fd, text, strlen(text)),
	    (ssize_t)strlen(text));
}

/* Turn until this many bytes have come. */
static const char *
hear(struct fixture *f, int fd, size_t len)
{
	size_t got = 0;

	ck_assert_uint_lt(len, REPLY_BYTES);
	while (got < len) {
		ssize_t more = read(fd, f->reply + got, len - got);

		ck_assert(more > 0 || (more < 0 && errno == EAGAIN));
		if (more > 0)
			got += (size_t)more;
		else
			turn(f);
	}
	f->reply[got] = '\0';
	return f->reply;
}

#define HEAR(f, fd, text) \
	ck_assert_str_eq(hear(f, fd, strlen(text)), text)

static bool
is_silent(int fd)
{
	char byte;

	return recv(fd, &byte, 1, MSG_PEEK) < 0 && errno == EAGAIN;
}

static bool
is_closed(int fd)
{
	char byte;

	return recv(fd, &byte, 1, MSG_PEEK) == 0;
}

/* Everything written so far lies in tables. */
static void
flush(struct fixture *f)
{
	rtd_engine_flush(f->server.engine);
	while (!rtd_engine_flushed(f->server.engine))
		turn(f);
	turn(f);
}

/* Run one command with all its data on the disk; returns the reply. */
static const char *
ask(struct fixture *f, int fd, const char *line)
{
	ssize_t got;

	flush(f);
	say(fd, line);
	say(fd, "\r\n");
	/* A reply this small comes in one piece. */
	do {
		turn(f);
		got = read(fd, f->reply, sizeof(f->reply) - 1);
	} while (got < 0 && errno == EAGAIN);
	ck_assert_int_gt(got, 0);
	f->reply[got] = '\0';
	return f->reply;
}

static const char *const every_command[] = {
	"SET a 1", "SET b two", "MSET c 3 d four", "GET a", "GET none",
	"MGET a none b a", "EXISTS a b none a", "STRLEN b", "GETRANGE d 1 2",
	"INCR a", "INCRBY a 10", "DECR c", "DECRBY c 5", "INCR b",
	"APPEND b +more", "APPEND fresh x", "GET b", "SETRANGE d 2 XY",
	"SETRANGE none 3 z", "GET none", "SETNX a 5", "SETNX new 5",
	"SET a 7 XX", "SET a 8 NX", "SET zz 8 XX", "SET a 9 GET",
	"SET a 10 XX GET KEEPTTL", "GETSET a eleven", "GETDEL c", "GET c",
	"EXPIRE a 100", "TTL a", "PTTL a", "EXPIRETIME a", "PEXPIRETIME a",
	"GETEX a PERSIST", "TTL a", "PEXPIRE a 5000", "PERSIST a",
	"EXPIREAT b 1700000001", "TTL b", "TTL none", "PEXPIREAT b 1",
	"GET b", "TYPE a", "TYPE none", "OBJECT ENCODING a",
	"OBJECT REFCOUNT a", "OBJECT IDLETIME a", "MEMORY USAGE a",
	"SETEX e 100 v", "PSETEX e 100 v", "DEL a none a d", "UNLINK new",
	"EXISTS a d new e", "MGET a b c d e",
	"MSET a 1 b 2", "MULTI", "INCR a", "GET b", "SELECT 1", "APPEND b x",
	"SELECT 0", "MGET a b none", "EXEC", "WATCH a none", "MULTI",
	"DEL a b", "EXEC", "WATCH a b", "SET a 2", "MULTI", "GET a", "EXEC",
	"FLUSHDB",
	"MGET a b c d e",
};

/* Replies and counts are those of a server whose reads never miss. */
static void
compare_with_warm(int nowait_error, uint64_t cache)
{
	static struct fixture warm, cold;
	int warm_fd, cold_fd;
	char expected[REPLY_BYTES];

	setup(&warm, 0, 0);
	setup(&cold, nowait_error, cache);
	warm_fd = connect_client(&warm);
	cold_fd = connect_client(&cold);
	for (size_t i = 0; i < RT_COUNTOF(every_command); i++) {
		snprintf(expected, sizeof(expected), "%s",
		    ask(&warm, warm_fd, every_command[i]));
		ck_assert_msg(strcmp(ask(&cold, cold_fd, every_command[i]),
		    expected) == 0, "%s: \"%s\", not \"%s\"",
		    every_command[i], cold.reply, expected);
		ck_assert_uint_eq(rtd_lanes_counted(&cold.server,
			RTD_COUNT_COMMANDS),
		    rtd_lanes_counted(&warm.server,
			RTD_COUNT_COMMANDS));
		ck_assert_uint_eq(rtd_lanes_counted(&cold.server,
			RTD_COUNT_HITS),
		    rtd_lanes_counted(&warm.server,
			RTD_COUNT_HITS));
		ck_assert_uint_eq(rtd_lanes_counted(&cold.server,
			RTD_COUNT_MISSES),
		    rtd_lanes_counted(&warm.server,
			RTD_COUNT_MISSES));
		ck_assert_uint_eq(cold.server.clients->commands,
		    warm.server.clients->commands);
		ck_assert_uint_eq(cold.server.error_replies,
		    warm.server.error_replies);
	}
	ck_assert_uint_eq(warm.server.parked_reads, 0);
	ck_assert_uint_gt(cold.server.parked_reads, 0);
	ck_assert_uint_eq(rtd_engine_visible_seq(cold.server.engine),
	    rtd_engine_visible_seq(warm.server.engine));
	close(warm_fd);
	close(cold_fd);
	teardown(&warm);
	teardown(&cold);
}

START_TEST(a_disk_that_always_blocks_changes_no_answer)
{
	compare_with_warm(EAGAIN, 1 << 20);
}
END_TEST

START_TEST(without_a_cache_the_answers_are_the_same)
{
	compare_with_warm(EAGAIN, 0);
}
END_TEST

START_TEST(a_file_system_that_knows_no_nowait_is_served)
{
	compare_with_warm(EOPNOTSUPP, 1 << 20);
}
END_TEST

START_TEST(others_are_answered_while_one_waits)
{
	static struct fixture f;
	int slow, other;

	setup(&f, EAGAIN, 0);
	slow = connect_client(&f);
	other = connect_client(&f);
	say(slow, "SET a 1\r\n");
	HEAR(&f, slow, "+OK\r\n");
	flush(&f);
	gate_set(&f.gate, true, 0);
	say(slow, "GET a\r\n");
	while (gate_arrived(&f.gate) == 0)
		turn(&f);
	ck_assert_uint_eq(f.server.parked_reads, 1);
	say(other, "PING\r\n");
	HEAR(&f, other, "+PONG\r\n");
	say(other, "SET b 2\r\nGET b\r\n");
	HEAR(&f, other, "+OK\r\n$1\r\n2\r\n");
	ck_assert(is_silent(slow));
	gate_set(&f.gate, false, 0);
	HEAR(&f, slow, "$1\r\n1\r\n");
	ck_assert_uint_eq(f.server.parked_reads, 1);
	close(slow);
	close(other);
	teardown(&f);
}
END_TEST

/* What others write while a command is parked is what it then sees. */
START_TEST(a_parked_command_sees_later_writes_and_loses_none)
{
	static struct fixture f;
	int slow, other;

	setup(&f, EAGAIN, 0);
	slow = connect_client(&f);
	other = connect_client(&f);
	say(slow, "SET n 1\r\n");
	HEAR(&f, slow, "+OK\r\n");
	flush(&f);
	gate_set(&f.gate, true, 0);
	say(slow, "INCR n\r\n");
	while (gate_arrived(&f.gate) == 0)
		turn(&f);
	say(other, "SET n 41\r\n");
	HEAR(&f, other, "+OK\r\n");
	gate_set(&f.gate, false, 0);
	HEAR(&f, slow, ":42\r\n");
	close(slow);
	close(other);
	teardown(&f);
}
END_TEST

/* Until all that it reads is there nothing of it has happened. */
START_TEST(an_exec_is_taken_back_as_a_whole)
{
	static struct fixture f;
	int slow, other;

	setup(&f, EAGAIN, 1 << 20);
	slow = connect_client(&f);
	other = connect_client(&f);
	say(slow, "MSET a 1 b 1 w 1\r\n");
	HEAR(&f, slow, "+OK\r\n");
	flush(&f);
	say(slow, "MULTI\r\nSET new 1\r\nINCR a\r\nINCR b\r\nSELECT 3\r\n");
	HEAR(&f, slow,
	    "+OK\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n");
	gate_set(&f.gate, true, 0);
	say(slow, "EXEC\r\n");
	while (gate_arrived(&f.gate) == 0)
		turn(&f);
	/* SET alone reads nothing. */
	ck_assert_uint_eq(f.server.pool_reads, 2);
	say(other, "SET a 41\r\n");
	HEAR(&f, other, "+OK\r\n");
	ck_assert(is_silent(slow));
	gate_set(&f.gate, false, 0);
	HEAR(&f, slow, "*4\r\n+OK\r\n:42\r\n:2\r\n+OK\r\n");
	say(other, "MGET new a b\r\n");
	HEAR(&f, other, "*3\r\n$1\r\n1\r\n$2\r\n42\r\n$1\r\n2\r\n");
	close(slow);
	close(other);
	teardown(&f);
}
END_TEST

START_TEST(a_pipeline_keeps_its_order_and_goes_to_the_pool_together)
{
	static struct fixture f;
	int fd;

	setup(&f, EAGAIN, 0);
	fd = connect_client(&f);
	say(fd, "MSET a 1 b 2 c 3 d 4\r\n");
	HEAR(&f, fd, "+OK\r\n");
	flush(&f);
	say(fd, "PING\r\n"
	    "*2\r\n$3\r\nGET\r\n$1\r\na\r\n*2\r\n$3\r\nget\r\n$1\r\nb\r\n"
	    "*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n9\r\n"
	    "*3\r\n$4\r\nMGET\r\n$1\r\nc\r\n$1\r\nd\r\n"
	    "*2\r\n$4\r\nINCR\r\n$1\r\na\r\nPING\r\n");
	HEAR(&f, fd, "+PONG\r\n$1\r\n1\r\n$1\r\n2\r\n+OK\r\n"
	    "*2\r\n$1\r\n3\r\n$1\r\n4\r\n:10\r\n+PONG\r\n");
	ck_assert_uint_eq(f.server.parked_reads, 1);
	ck_assert_uint_eq(f.server.pool_reads, 4);
	close(fd);
	teardown(&f);
}
END_TEST

/* A command whose last argument is so many x. */
static void
say_large(struct fixture *f, int fd, const char *head, size_t bytes)
{
	struct rt_buf text = { 0 };
	size_t sent = 0;

	rt_buf_append_slice(&text, rt_slice_cstr(head));
	rt_buf_reserve(&text, bytes + 2);
	memset(text.data + text.len, 'x', bytes);
	text.len += bytes;
	rt_buf_append_slice(&text, rt_slice_cstr("\r\n"));
	while (sent < text.len) {
		ssize_t put = write(fd, text.data + sent, text.len - sent);

		if (put > 0)
			sent += (size_t)put;
		turn(f);
	}
	rt_buf_fini(&text);
}

/* A block that neither the cache nor a read that does not wait will take. */
START_TEST(a_big_value_is_handed_over)
{
	static struct fixture f;
	int fd;

	setup(&f, EAGAIN, 0);
	fd = connect_client(&f);
	say_large(&f, fd, "*3\r\n$3\r\nSET\r\n$1\r\na\r\n$3145728\r\n",
	    3 << 20);
	HEAR(&f, fd, "+OK\r\n");
	flush(&f);
	say(fd, "STRLEN a\r\n");
	HEAR(&f, fd, ":3145728\r\n");
	ck_assert_uint_eq(f.server.parked_reads, 1);
	ck_assert_ptr_null(f.server.clients->missed);
	close(fd);
	teardown(&f);
}
END_TEST

/* It lies apart from the command's other bytes. */
START_TEST(a_large_argument_stays_while_its_command_is_parked)
{
	static struct fixture f;
	int fd;

	setup(&f, EAGAIN, 0);
	fd = connect_client(&f);
	say(fd, "SET a 1\r\n");
	HEAR(&f, fd, "+OK\r\n");
	flush(&f);
	say_large(&f, fd, "*3\r\n$6\r\nGETSET\r\n$1\r\na\r\n$1048576\r\n",
	    1 << 20);
	HEAR(&f, fd, "$1\r\n1\r\n");
	ck_assert_uint_eq(f.server.parked_reads, 1);
	say(fd, "STRLEN a\r\nGETRANGE a 1048570 -1\r\n");
	HEAR(&f, fd, ":1048576\r\n$6\r\nxxxxxx\r\n");
	flush(&f);
	say_large(&f, fd, "*3\r\n$6\r\nAPPEND\r\n$1\r\na\r\n$1048576\r\n",
	    1 << 20);
	HEAR(&f, fd, ":2097152\r\n");
	ck_assert_uint_eq(f.server.parked_reads, 2);
	close(fd);
	teardown(&f);
}
END_TEST

START_TEST(a_disk_error_reaches_the_client)
{
	static struct fixture f;
	int fd;

	setup(&f, EAGAIN, 0);
	fd = connect_client(&f);
	say(fd, "SET a 1\r\n");
	HEAR(&f, fd, "+OK\r\n");
	flush(&f);
	gate_set(&f.gate, false, EIO);
	say(fd, "INCR a\r\n");
	HEAR(&f, fd, "-ERR ");
	ck_assert_uint_eq(f.server.parked_reads, RTD_MISSES_MAX);
	ck_assert_uint_eq(rtd_engine_visible_seq(f.server.engine), 1);
	gate_set(&f.gate, false, 0);
	while (read(fd, f.reply, sizeof(f.reply)) > 0)
		continue;
	say(fd, "GET a\r\n");
	HEAR(&f, fd, "$1\r\n1\r\n");
	close(fd);
	teardown(&f);
}
END_TEST

/* -- pipelines drawn at random -- */

#define DRAWN 60

static uint64_t random_state;

static unsigned
draw(unsigned below)
{
	random_state = random_state * UINT64_C(6364136223846793005) + 1;
	return (unsigned)(random_state >> 33) % below;
}

/* One command as an array of bulks, over few keys, most of them GETs. */
static void
draw_command(struct rt_buf *out)
{
	/* K is a key. */
	static const char *const forms[] = { "GET K", "GET K", "GET K",
		"GET K", "get K", "GET", "GET K x", "SET K one", "SET K 2",
		"DEL K K", "MGET K K K", "INCR K", "EXISTS K K", "APPEND K 3",
		"PING", "SELECT 1", "SELECT 0", "STRLEN K", "FLUSHDB",
		"NONSENSE K" };
	const char *form = forms[draw(RT_COUNTOF(forms))];
	char text[64];
	unsigned words = 1;

	for (const char *at = form; *at != '\0'; at++)
		words += *at == ' ';
	snprintf(text, sizeof(text), "*%u\r\n", words);
	rt_buf_append_slice(out, rt_slice_cstr(text));
	while (*form != '\0') {
		int len = (int)strcspn(form, " ");

		if (len == 1 && *form == 'K')
			snprintf(text, sizeof(text), "$2\r\nk%c\r\n",
			    'a' + (int)draw(12));
		else
			snprintf(text, sizeof(text), "$%d\r\n%.*s\r\n", len,
			    len, form);
		rt_buf_append_slice(out, rt_slice_cstr(text));
		form += len;
		form += *form == ' ';
	}
}

/* Reply bytes until the one of an ECHO that ends them, which is cut off. */
#define END "*2\r\n$4\r\nECHO\r\n$7\r\n-the-e-\r\n"
#define END_REPLY "$7\r\n-the-e-\r\n"

static void
hear_to_end(struct fixture *f, int fd, struct rt_buf *out)
{
	const size_t len = strlen(END_REPLY);
	char some[4096];

	say(fd, END);
	while (out->len < len ||
	    memcmp(out->data + out->len - len, END_REPLY, len) != 0) {
		ssize_t got = read(fd, some, sizeof(some));

		if (got > 0)
			rt_buf_append(out, some, (size_t)got);
		else
			turn(f);
	}
	out->len -= len;
}

/* What came in one piece is answered as what came one by one. */
static void
compare_pipelines(int nowait_error, uint64_t cache)
{
	static struct fixture one, many;
	struct rt_buf line = { 0 }, lines = { 0 }, expected = { 0 };
	struct rt_buf got = { 0 };
	int one_fd, many_fd;

	setup(&one, 0, 1 << 20);
	setup(&many, nowait_error, cache);
	one_fd = connect_client(&one);
	many_fd = connect_client(&many);
	for (unsigned round = 0; round < 12; round++) {
		if (round % 3 != 0) {
			flush(&one);
			flush(&many);
		}
		rt_buf_clear(&lines);
		rt_buf_clear(&expected);
		rt_buf_clear(&got);
		for (unsigned i = 0; i < DRAWN; i++) {
			rt_buf_clear(&line);
			draw_command(&line);
			rt_buf_append_slice(&lines, rt_buf_slice(&line));
			rt_buf_append_byte(&line, 0);
			say(one_fd, (const char *)line.data);
			hear_to_end(&one, one_fd, &expected);
		}
		rt_buf_append_byte(&lines, 0);
		say(many_fd, (const char *)lines.data);
		hear_to_end(&many, many_fd, &got);
		ck_assert_msg(rt_slice_equal(rt_buf_slice(&got),
		    rt_buf_slice(&expected)), "round %u: \"%.*s\", not "
		    "\"%.*s\"", round, (int)got.len, (char *)got.data,
		    (int)expected.len, (char *)expected.data);
		ck_assert_uint_eq(rtd_lanes_counted(&one.server,
			RTD_COUNT_HITS),
		    rtd_lanes_counted(&many.server,
			RTD_COUNT_HITS));
		ck_assert_uint_eq(rtd_lanes_counted(&one.server,
			RTD_COUNT_MISSES),
		    rtd_lanes_counted(&many.server,
			RTD_COUNT_MISSES));
	}
	rt_buf_fini(&line);
	rt_buf_fini(&lines);
	rt_buf_fini(&expected);
	rt_buf_fini(&got);
	close(one_fd);
	close(many_fd);
	teardown(&one);
	teardown(&many);
}

START_TEST(pipelines_are_answered_as_single_commands_are)
{
	const char *given = getenv("RTT_SEED");

	random_state = given != NULL ? strtoull(given, NULL, 10)
				     : (uint64_t)getpid() * 2654435761u;
	printf("# RTT_SEED=%llu\n", (unsigned long long)random_state);
	compare_pipelines(0, 1 << 20);
	compare_pipelines(EAGAIN, 1 << 20);
	compare_pipelines(EAGAIN, 0);
}
END_TEST

/* The same bytes at the same place, another time. */
START_TEST(values_read_ahead_are_not_kept)
{
	static const char gets[] = "*2\r\n$3\r\nGET\r\n$1\r\na\r\n"
	    "*2\r\n$3\r\nGET\r\n$1\r\nb\r\n";
	static struct fixture f;
	int reader, writer;

	setup(&f, 0, 1 << 20);
	reader = connect_client(&f);
	writer = connect_client(&f);
	say(writer, "MSET a 1 b 2\r\n");
	HEAR(&f, writer, "+OK\r\n");
	say(reader, gets);
	HEAR(&f, reader, "$1\r\n1\r\n$1\r\n2\r\n");
	say(writer, "MSET a 3 b 4\r\n");
	HEAR(&f, writer, "+OK\r\n");
	say(reader, gets);
	HEAR(&f, reader, "$1\r\n3\r\n$1\r\n4\r\n");
	close(reader);
	close(writer);
	teardown(&f);
}
END_TEST

/* -- ends -- */

static void
end_while_parked(bool kill)
{
	static struct fixture f;
	int slow, other;

	setup(&f, EAGAIN, 0);
	slow = connect_client(&f);
	other = connect_client(&f);
	say(slow, "SET a 1\r\n");
	HEAR(&f, slow, "+OK\r\n");
	flush(&f);
	gate_set(&f.gate, true, 0);
	say(slow, "INCR a\r\n");
	while (gate_arrived(&f.gate) == 0)
		turn(&f);
	if (kill) {
		say(other, "CLIENT KILL ID 1\r\n");
		HEAR(&f, other, ":1\r\n");
		turn(&f);
		ck_assert(is_closed(slow));
		ck_assert(!TAILQ_EMPTY(&f.loop.orphans));
	}
	close(slow);
	gate_set(&f.gate, false, 0);
	while (f.server.connected_clients > 1 ||
	    !TAILQ_EMPTY(&f.loop.orphans))
		turn(&f);
	say(other, "PING\r\n");
	HEAR(&f, other, "+PONG\r\n");
	close(other);
	teardown(&f);
}

START_TEST(a_parked_client_may_be_killed)
{
	end_while_parked(true);
}
END_TEST

START_TEST(a_parked_client_may_go_away)
{
	end_while_parked(false);
}
END_TEST

START_TEST(stopping_while_one_is_parked_is_clean)
{
	static struct fixture f;
	int fd;

	setup(&f, EAGAIN, 0);
	fd = connect_client(&f);
	say(fd, "SET a 1\r\n");
	HEAR(&f, fd, "+OK\r\n");
	flush(&f);
	gate_set(&f.gate, true, 0);
	say(fd, "GET a\r\n");
	while (gate_arrived(&f.gate) == 0)
		turn(&f);
	teardown(&f);
	close(fd);
}
END_TEST

RTT_MAIN("missed", a_disk_that_always_blocks_changes_no_answer,
    without_a_cache_the_answers_are_the_same,
    a_file_system_that_knows_no_nowait_is_served,
    others_are_answered_while_one_waits,
    a_parked_command_sees_later_writes_and_loses_none,
    an_exec_is_taken_back_as_a_whole,
    a_pipeline_keeps_its_order_and_goes_to_the_pool_together,
    pipelines_are_answered_as_single_commands_are,
    values_read_ahead_are_not_kept, a_big_value_is_handed_over,
    a_large_argument_stays_while_its_command_is_parked, a_disk_error_reaches_the_client,
    a_parked_client_may_be_killed, a_parked_client_may_go_away,
    stopping_while_one_is_parked_is_clean)
