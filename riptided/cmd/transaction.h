/* transaction: the commands that MULTI has gathered from a client, until EXEC
 * or DISCARD.
 *
 * TX1 EXEC is taken back as a whole or not at all. Before its first command
 *     runs, all keys that its commands read were found in memory, or fetched
 *     (missed.h), and there is room for a write; from there on reads wait on
 *     the loop and nothing is taken back.
 * TX2 What its commands write is one batch, one record of the log (pending.h).
 *     When that is refused, nothing of it has happened, and no message that its
 *     commands published has left.
 * Path: cmd > [transaction]. Thread: loop. */
#ifndef RIPTIDED_CMD_TRANSACTION_H
#define RIPTIDED_CMD_TRANSACTION_H

#include "riptided/cmd/command.h"

/* One command; its words are its own. */
struct rtd_queued {
	const struct rtd_command *command;
	struct rt_slice *argv;
	size_t argc;
	struct rt_inlays large;		/* words that lie in bulks */
};

struct rtd_transaction {
	struct rtd_queued *queue;
	size_t count, cap;
	size_t bytes;			/* of memory */
	unsigned flags;			/* of all its commands together */
	bool spoiled;			/* a command was refused */
};

/* MULTI. The client has none. */
void rtd_transaction_begin(struct rtd_client *client);
/* What was gathered is forgotten; also without one. */
void rtd_transaction_end(struct rtd_client *client);

/* Put the call at the end of the queue. False: it would be larger than
 * bytes_max; what was gathered is forgotten and the transaction spoiled. */
bool rtd_transaction_add(const struct rtd_call *call, uint64_t bytes_max);
/* EXEC will refuse it. Nothing, when the client has none. */
void rtd_transaction_spoil(struct rtd_client *client);

/* Call each() for every key that the queue is going to read, with the keyspace
 * it reads it from, until each() is false. Returns what the last one said. */
bool rtd_transaction_each_key(const struct rtd_call *call,
    bool (*each)(void *arg, uint32_t keyspace, struct rt_slice key),
    void *arg);

/* EXEC. */
void rtd_transaction_run(struct rtd_call *call);

#endif
