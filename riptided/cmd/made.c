#include "riptided/cmd/made.h"

#include <stdlib.h>
#include <string.h>

#include "libcommon/base/invariant.h"
#include "riptided/cmd/held.h"

/* Scratch memory that is kept between commands. */
#define SCRATCH_KEPT_BYTES ((size_t)1 << 20)

/* What the pool makes, or has made, for a client. */
struct rtd_making {
	struct rtd_job job;
	struct rtd_server_state *server;	/* pool: hands off */
	struct rtd_client *client;		/* pool: hands off */
	rtd_made_work work;
	unsigned op;
	struct rt_bulk *out;
	size_t count;
	struct rt_slice *inputs;		/* count, of the held */
	struct rtd_held *held;
	uint64_t *seqs;				/* which version each was */
};

static void
making_free(struct rtd_making *making)
{
	for (size_t i = 0; i < making->count; i++)
		rtd_held_fini(&making->held[i]);
	free(making->inputs);
	free(making->held);
	free(making->seqs);
	rt_bulk_unref(making->out);
	free(making);
}

void
rtd_made_let_go(struct rtd_client *client)
{
	if (client->making != NULL)
		making_free(client->making);
	client->making = NULL;
	client->making_tries = 0;
}

bool
rtd_made_length_allowed(struct rtd_call *call, uint64_t bytes)
{
	if (bytes <= call->server->config->proto_max_bulk_len)
		return true;
	rtd_reply_error(rtd_call_reply(call), "ERR string exceeds maximum "
	    "allowed size (proto-max-bulk-len)");
	return false;
}

/* -- aside -- */

static void
run(struct rtd_job *job)
{
	struct rtd_making *making = (struct rtd_making *)job;

	making->work(making->op, making->inputs, making->count,
	    making->out->data, making->out->len);
}

static void
done(struct rtd_job *job)
{
	struct rtd_making *making = (struct rtd_making *)job;
	struct rtd_server_state *server = making->server;
	struct rtd_client *client = making->client;

	if (client->killed) {
		making_free(making);
	} else {
		/* Of a value that has changed meanwhile. */
		if (client->making != NULL)
			making_free(client->making);
		client->making = making;
	}
	server->unpark_client(server, client);
}

void
rtd_made_park(struct rtd_call *call)
{
	struct rtd_making *making = call->making;
	struct rtd_client *client = call->client;

	making->job = (struct rtd_job){ .run = run, .done = done };
	making->server = call->server;
	making->client = client;
	client->making_tries++;
	client->parked = true;
	rtd_pool_submit(call->server->pool, &making->job);
}

/* Whether it was made of these very values. */
static bool
is_of(const struct rtd_making *making, const struct rtd_value *values,
    size_t count, size_t len)
{
	if (making->count != count || making->out->len != len)
		return false;
	for (size_t i = 0; i < count; i++)
		if (making->seqs[i] != values[i].seq ||
		    making->inputs[i].len != values[i].bytes.len)
			return false;
	return true;
}

/* Note what the pool is to make in `out`, whose reference is taken. */
static void
begin_making(struct rtd_call *call, rtd_made_work work, unsigned op,
    struct rtd_value *values, size_t count, struct rt_bulk *out)
{
	struct rtd_making *making = rt_alloc_zero(1, sizeof(*making));

	making->work = work;
	making->op = op;
	making->out = out;
	making->count = count;
	making->inputs = rt_alloc_zero(count, sizeof(*making->inputs));
	making->held = rt_alloc_zero(count, sizeof(*making->held));
	making->seqs = rt_alloc_zero(count, sizeof(*making->seqs));
	for (size_t i = 0; i < count; i++) {
		making->seqs[i] = values[i].seq;
		rtd_held_take(&making->held[i], &values[i]);
		making->inputs[i] = making->held[i].bytes;
	}
	call->making = making;
	call->missed = true;
}

/* -- making -- */

static void
work_now(rtd_made_work work, unsigned op, const struct rtd_value *values,
    size_t count, struct rtd_made *made)
{
	struct rt_slice one = { 0 }, *inputs = &one;

	if (count > 1)
		inputs = rt_alloc_zero(count, sizeof(*inputs));
	for (size_t i = 0; i < count; i++)
		inputs[i] = values[i].bytes;
	work(op, inputs, count, made->bytes, made->len);
	if (count > 1)
		free(inputs);
}

static bool
is_much(const struct rtd_value *values, size_t count)
{
	size_t bytes = 0;

	for (size_t i = 0; i < count; i++)
		bytes += values[i].bytes.len;
	return bytes > RTD_MADE_BYTES_MAX;
}

static bool
make_large(struct rtd_call *call, rtd_made_work work, unsigned op,
    struct rtd_value *values, size_t count, struct rtd_made *made)
{
	struct rtd_client *client = call->client;

	if (client->making != NULL &&
	    is_of(client->making, values, count, made->len)) {
		made->bulk = rt_bulk_ref(client->making->out);
		made->bytes = made->bulk->data;
		return true;
	}
	made->bulk = rt_bulk_new(made->len);
	if (made->bulk == NULL) {
		rtd_reply_error(rtd_call_reply(call), "ERR nothing was "
		    "written: no memory for a value of %zu bytes", made->len);
		return false;
	}
	/* An EXEC is done at once. */
	if (call->lane->pending == NULL && is_much(values, count) &&
	    client->making_tries < RTD_MADE_TRIES) {
		begin_making(call, work, op, values, count, made->bulk);
		return false;
	}
	made->bytes = made->bulk->data;
	work_now(work, op, values, count, made);
	return true;
}

bool
rtd_made_of(struct rtd_call *call, rtd_made_work work, unsigned op,
    struct rtd_value *values, size_t count, size_t len, struct rtd_made *made)
{
	struct rt_buf *scratch = &call->server->scratch;

	*made = (struct rtd_made){ .len = len };
	if (RT_UNLIKELY(len >= RT_BULK_BYTES_MIN))
		return make_large(call, work, op, values, count, made);
	rt_buf_clear(scratch);
	/* One more, so that a value of no bytes has an address. */
	rt_buf_reserve(scratch, len + 1);
	made->bytes = scratch->data;
	memset(made->bytes, 0, len);
	work_now(work, op, values, count, made);
	return true;
}

static void
copy(unsigned op, const struct rt_slice *inputs, size_t count, uint8_t *out,
    size_t len)
{
	size_t same = inputs[0].len < len ? inputs[0].len : len;

	if (same != 0)
		memcpy(out, inputs[0].data, same);
}

bool
rtd_made_from(struct rtd_call *call, struct rtd_value *old, size_t len,
    struct rtd_made *made)
{
	return rtd_made_of(call, copy, 0, old, 1, len, made);
}

void
rtd_made_put(struct rtd_call *call, struct rtd_made *made, uint32_t keyspace,
    struct rt_slice key, uint64_t expire_ms)
{
	struct rtd_write_batch *batch = &call->server->batch;
	struct rt_buf *scratch = &call->server->scratch;

	if (made->bulk != NULL)
		rtd_write_batch_put_bulk(batch, keyspace, key, made->bulk,
		    expire_ms);
	else
		rtd_write_batch_put(batch, keyspace, key,
		    rt_slice(made->bytes, made->len), expire_ms);
	rt_bulk_unref(made->bulk);
	*made = (struct rtd_made){ 0 };
	if (scratch->cap > SCRATCH_KEPT_BYTES)
		rt_buf_fini(scratch);
}

bool
rtd_made_put_same(struct rtd_call *call, struct rtd_value *old,
    uint32_t keyspace, struct rt_slice key, uint64_t expire_ms)
{
	struct rtd_made made;

	if (RT_LIKELY(old->bytes.len < RT_BULK_BYTES_MIN)) {
		rtd_write_batch_put(&call->server->batch, keyspace, key,
		    old->bytes, expire_ms);
		return true;
	}
	if (!rtd_made_from(call, old, old->bytes.len, &made))
		return false;
	rtd_made_put(call, &made, keyspace, key, expire_ms);
	return true;
}
