/*
 * The smoke test of hiredis: the C library, in its synchronous form, by a
 * program that test_hiredis.py compiles, starts and tells the port.
 *
 * Each fact is a line on standard output, see client_setup.py.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include <hiredis/hiredis.h>

#define COUNT 1000
#define PATIENCE_S 60

static const char OCTETS[] = "\0\xff\r\n$-1\r\n";

static void
tell(const char *name, bool good, const char *why)
{
	printf("%sok hiredis_%s%s%s\n", good ? "" : "not ", name,
	    good ? "" : " ", good ? "" : why);
	fflush(stdout);
}

static redisContext *
open_context(int port)
{
	struct timeval patience = { .tv_sec = PATIENCE_S };
	redisContext *context =
	    redisConnectWithTimeout("127.0.0.1", port, patience);

	if (context == NULL || context->err != 0) {
		tell("connects", false, context ? context->errstr : "memory");
		exit(1);
	}
	redisSetTimeout(context, patience);
	return context;
}

/* The reply of a command, or the end of the program. */
static redisReply *
ask(redisContext *context, const char *format, ...)
{
	va_list args;
	redisReply *reply;

	va_start(args, format);
	reply = redisvCommand(context, format, args);
	va_end(args);
	if (reply == NULL) {
		tell("is_answered", false, context->errstr);
		exit(1);
	}
	return reply;
}

static void
is_text(const char *name, redisReply *reply, int type, const char *text,
    size_t len)
{
	tell(name,
	    reply->type == type && reply->len == len &&
		memcmp(reply->str, text, len) == 0,
	    reply->str != NULL ? reply->str : "no text");
	freeReplyObject(reply);
}

static void
is_number(const char *name, redisReply *reply, long long number)
{
	tell(name,
	    reply->type == REDIS_REPLY_INTEGER && reply->integer == number,
	    "another number");
	freeReplyObject(reply);
}

static void
basics(redisContext *context)
{
	redisReply *reply;

	freeReplyObject(ask(context, "FLUSHALL"));
	is_text("pings", ask(context, "PING"), REDIS_REPLY_STATUS, "PONG", 4);
	is_text("sets",
	    ask(context, "SET %s %b EX 60", "h", OCTETS, sizeof(OCTETS)),
	    REDIS_REPLY_STATUS, "OK", 2);
	is_text("keeps_bytes", ask(context, "GET h"), REDIS_REPLY_STRING,
	    OCTETS, sizeof(OCTETS));
	reply = ask(context, "GET none");
	tell("misses", reply->type == REDIS_REPLY_NIL, "a value");
	freeReplyObject(reply);
	is_number("counts", ask(context, "INCRBY n %d", 42), 42);
	is_number("works_on_bits", ask(context, "SETBIT bits 7 1"), 0);
	reply = ask(context, "MGET n none bits");
	tell("reads_many",
	    reply->type == REDIS_REPLY_ARRAY && reply->elements == 3 &&
		strcmp(reply->element[0]->str, "42") == 0 &&
		reply->element[1]->type == REDIS_REPLY_NIL &&
		reply->element[2]->str[0] == 1,
	    "other elements");
	freeReplyObject(reply);
	reply = ask(context, "INCR h");
	tell("hears_errors",
	    reply->type == REDIS_REPLY_ERROR &&
		strncmp(reply->str, "ERR value is not an integer", 27) == 0,
	    "no such error");
	freeReplyObject(reply);
}

static void
pipelines(redisContext *context)
{
	bool good = true;

	for (int i = 0; i < COUNT; i++)
		redisAppendCommand(context, "SET p%d %d", i, i);
	for (int i = 0; i < COUNT; i++)
		redisAppendCommand(context, "GET p%d", i);
	for (int i = 0; i < 2 * COUNT && good; i++) {
		void *got = NULL;
		redisReply *reply;

		good = redisGetReply(context, &got) == REDIS_OK;
		reply = got;
		if (good && i >= COUNT)
			good = reply->type == REDIS_REPLY_STRING &&
			    atoi(reply->str) == i - COUNT;
		freeReplyObject(reply);
	}
	tell("pipelines_a_thousand", good, "other replies");
}

static void
transactions(redisContext *context, redisContext *other)
{
	redisReply *reply;

	freeReplyObject(ask(context, "MULTI"));
	is_text("queues", ask(context, "SET t 1"), REDIS_REPLY_STATUS, "QUEUED",
	    6);
	freeReplyObject(ask(context, "INCRBY t 4"));
	reply = ask(context, "EXEC");
	tell("executes_transactions",
	    reply->type == REDIS_REPLY_ARRAY && reply->elements == 2 &&
		reply->element[0]->type == REDIS_REPLY_STATUS &&
		reply->element[1]->integer == 5,
	    "other replies");
	freeReplyObject(reply);

	freeReplyObject(ask(context, "WATCH t"));
	freeReplyObject(ask(other, "SET t other"));
	freeReplyObject(ask(context, "MULTI"));
	freeReplyObject(ask(context, "SET t mine"));
	reply = ask(context, "EXEC");
	tell("hears_of_watched_keys", reply->type == REDIS_REPLY_NIL,
	    "it was executed");
	freeReplyObject(reply);
	is_text("changes_nothing_then", ask(context, "GET t"),
	    REDIS_REPLY_STRING, "other", 5);
}

/* Whether the next message is an array of three texts. */
static bool
hears(redisContext *ear, const char *kind, const char *channel,
    const char *message)
{
	void *got = NULL;
	redisReply *reply;
	bool good;

	if (redisGetReply(ear, &got) != REDIS_OK)
		return false;
	reply = got;
	good = reply->type == REDIS_REPLY_ARRAY && reply->elements == 3 &&
	    strcmp(reply->element[0]->str, kind) == 0 &&
	    strcmp(reply->element[1]->str, channel) == 0 &&
	    (reply->element[2]->type == REDIS_REPLY_INTEGER ||
		strcmp(reply->element[2]->str, message) == 0);
	freeReplyObject(reply);
	return good;
}

static void
listening(redisContext *ear, redisContext *context)
{
	bool good = true;
	char text[16];

	redisAppendCommand(ear, "SUBSCRIBE c");
	tell("subscribes", hears(ear, "subscribe", "c", ""), "other words");
	for (int i = 0; i < COUNT; i++)
		redisAppendCommand(context, "PUBLISH c %d", i);
	for (int i = 0; i < COUNT; i++) {
		void *got = NULL;

		good &= redisGetReply(context, &got) == REDIS_OK &&
		    ((redisReply *)got)->integer == 1;
		freeReplyObject(got);
	}
	tell("is_told_of_listeners", good, "other counts");
	for (int i = 0; i < COUNT && good; i++) {
		snprintf(text, sizeof(text), "%d", i);
		good = hears(ear, "message", "c", text);
	}
	tell("hears_a_thousand_in_order", good, "other messages");
}

int
main(int argc, char **argv)
{
	int port = argc > 1 ? atoi(argv[1]) : 6379;
	redisContext *context = open_context(port);
	redisContext *other = open_context(port);

	basics(context);
	pipelines(context);
	transactions(context, other);
	listening(other, context);
	redisFree(other);

	printf("restart\n");
	fflush(stdout);
	if (getchar() == EOF)
		return 1;
	tell("reconnects", redisReconnect(context) == REDIS_OK,
	    context->errstr);
	is_text("finds_all_after_a_restart", ask(context, "GET p999"),
	    REDIS_REPLY_STRING, "999", 3);
	redisFree(context);
	return 0;
}
