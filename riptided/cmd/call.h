/* call: what the families of commands share: reading arguments, looking a key
 * up, writing the batch, and Redis' words for what went wrong. Each function
 * that can fail has written the error reply when it says so.
 * Thread: loop. */
#ifndef RIPTIDED_CMD_CALL_H
#define RIPTIDED_CMD_CALL_H

#include "libcommon/table/value.h"
#include "riptided/cmd/command.h"
#include "riptided/cmd/pending.h"
#include "riptided/engine/snapshots.h"

static inline struct rtd_resp_writer *
rtd_call_reply(struct rtd_call *call)
{
	return &call->client->reply;
}

/* The keyspace of a database, as the call sees it. */
static inline uint32_t
rtd_call_keyspace_of(const struct rtd_call *call, uint32_t database)
{
	if (RT_UNLIKELY(call->client->snapshot != NULL))
		return rtd_snapshot_keyspace(call->client->snapshot, database);
	if (RT_UNLIKELY(call->lane->pending != NULL))
		return rtd_pending_keyspace(call->lane->pending,
		    call->server->engine, database);
	return rtd_engine_keyspace(call->server->engine, database);
}

/* The database that has this keyspace by now. False: none. */
bool rtd_call_database_of(const struct rtd_call *call, uint32_t keyspace,
    uint32_t *database);

/* The keyspace of the client's database. */
static inline uint32_t
rtd_call_keyspace(const struct rtd_call *call)
{
	return rtd_call_keyspace_of(call, call->client->database);
}

/* What a read of this call looks at. */
static inline struct rtd_read
rtd_call_reading(const struct rtd_call *call)
{
	return (struct rtd_read){
		.keyspace = rtd_call_keyspace(call),
		.now_ms = (uint64_t)call->now_ms,
		.snapshot = call->client->snapshot,
	};
}

/* Whether argument i is this word, in any case. */
static inline bool
rtd_call_arg_is(const struct rtd_call *call, size_t i, const char *word)
{
	return rt_slice_equal_nocase(call->argv[i], word);
}

enum rtd_lookup { RTD_FOUND, RTD_ABSENT, RTD_FAILED };

/* Read a key of the client's database; the reply will wait for what was read.
 * RTD_FAILED: the error reply is written, or the command will be taken back
 * and run again (missed.h): in both cases it returns without having changed
 * anything but the reply and the batch. rtd_value_fini() in every case. */
enum rtd_lookup rtd_call_get(struct rtd_call *call, struct rt_slice key,
    struct rtd_value *value);
/* The same, and counted as a hit or a miss: for commands that answer with
 * what they read. */
enum rtd_lookup rtd_call_read(struct rtd_call *call, struct rt_slice key,
    struct rtd_value *value);

/* A command could not read what it wanted: answer with why, and tell of it in
 * counter and log. */
void rtd_reply_read_error(struct rtd_server_state *server,
    struct rtd_resp_writer *reply, const char *why);

/* rtd_call_get() in another keyspace; key is an argument. */
enum rtd_lookup rtd_call_get_in(struct rtd_call *call, uint32_t keyspace,
    struct rt_slice key, struct rtd_value *value);
/* rtd_reader_iter() of the call, with what its EXEC has written so far; then
 * it must be used up before the command returns. */
struct rt_iter *rtd_call_iter(struct rtd_call *call,
    const struct rtd_read *read, uint64_t *seq);

/* rtd_call_read() of up to RTD_READ_KEYS_MAX keys. False: one of them could not
 * be read, as RTD_FAILED says, and there are no values; else each needs
 * rtd_value_fini(). */
bool rtd_call_read_many(struct rtd_call *call, const struct rt_slice *keys,
    size_t count, struct rtd_value *values, enum rtd_lookup *lookups);

/* rtd_call_read() for a command of one key: its value is found together with
 * those that the same commands want which were received behind it. */
enum rtd_lookup rtd_call_read_ahead(struct rtd_call *call, struct rt_slice key,
    struct rtd_value *value);

/* Answer with bytes of a value that was read. Many of them are not copied: the
 * reply holds them until it is sent. */
void rtd_call_reply_bytes(struct rtd_call *call, struct rtd_value *value,
    struct rt_slice bytes);

/* Put or delete in the server's batch, in the client's database. */
void rtd_call_put(struct rtd_call *call, struct rt_slice key,
    struct rt_slice value, uint64_t expire_ms);
/* Put all of a bulk, which is not written to any more; a reference is
 * taken. */
void rtd_call_put_bulk(struct rtd_call *call, struct rt_slice key,
    struct rt_bulk *bulk, uint64_t expire_ms);
void rtd_call_delete(struct rtd_call *call, struct rt_slice key);
/* Hand the batch to the engine, or to what the EXEC under way has written, and
 * clear it; the reply will wait for it. An empty batch is accepted. False:
 * refused, and the error reply is written, or it will be taken back as after
 * RTD_FAILED. */
bool rtd_call_commit(struct rtd_call *call);

/* False: not a signed 64-bit decimal, and the error reply is written. */
bool rtd_call_i64(struct rtd_call *call, struct rt_slice text, int64_t *out);

/* The same for what Redis keeps in 32 bits, and for the number of a database
 * that there is. */
bool rtd_call_i32(struct rtd_call *call, struct rt_slice text, int32_t *out);
bool rtd_call_database(struct rtd_call *call, struct rt_slice text,
    uint32_t *out);

void rtd_call_syntax_error(struct rtd_call *call);
void rtd_call_arity_error(struct rtd_call *call);
/* What Redis answers to words that a subcommand does not take. */
void rtd_call_subcommand_error(struct rtd_call *call);
/* "int", "embstr" or "raw": how Redis would keep a value that is set whole. */
const char *rtd_object_encoding(struct rt_slice value);
/* "get" or "client|id": the name in lower case, into out. Returns out. */
#define RTD_COMMAND_NAME_BYTES 40
char *rtd_call_command_name(const struct rtd_command *command,
    char out[RTD_COMMAND_NAME_BYTES]);

/* When a relative or absolute time ends, as Redis reckons it. unit_ms: 1 or
 * 1000. False when the sum does not fit into 64 bits. */
static inline bool
rtd_call_end_ms(int64_t amount, int64_t unit_ms, int64_t base_ms, int64_t *out)
{
	return !__builtin_mul_overflow(amount, unit_ms, &amount) &&
	    !__builtin_add_overflow(amount, base_ms, out);
}
/* "invalid expire time in 'set' command". */
void rtd_call_expire_error(struct rtd_call *call);

#endif
