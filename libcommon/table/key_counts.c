/* Content: for each keyspace that has keys here, in ascending order,
 *
 *   keyspace varint | length varint | live varint | dead varint |
 *   expiring varint | expire_mean_ms varint | expire_max_ms varint |
 *   max_seq varint |
 *   live sketch (length varint, bytes) | dead sketch (the same)
 *
 * where the first length is that of all that follows it; bytes behind the dead
 * sketch belong to a later version of this program and are passed over. */
#include "libcommon/table/key_counts.h"

#include <stdlib.h>

#include "libcommon/base/invariant.h"
#include "libcommon/table/value.h"

struct rt_key_counts_builder {
	struct rt_buf done;	/* items of the keyspaces before */
	struct rt_key_count at;	/* the keyspace under way */
	bool any;		/* there is one */
	double expire_sum_ms;
	struct rt_key_sketch live;
	struct rt_key_sketch dead;
};

struct rt_key_counts_builder *
rt_key_counts_builder_new(void)
{
	return rt_alloc_zero(1, sizeof(struct rt_key_counts_builder));
}

void
rt_key_counts_builder_free(struct rt_key_counts_builder *builder)
{
	if (builder == NULL)
		return;
	rt_buf_fini(&builder->done);
	free(builder);
}

static void
put_sketch(const struct rt_key_sketch *sketch, struct rt_buf *out)
{
	struct rt_buf stored = { 0 };

	rt_key_sketch_encode(sketch, &stored);
	rt_buf_put_bytes(out, rt_buf_slice(&stored));
	rt_buf_fini(&stored);
}

/* The keyspace under way is complete. */
static void
close_keyspace(struct rt_key_counts_builder *builder)
{
	struct rt_key_count *at = &builder->at;
	struct rt_buf item = { 0 };

	if (!builder->any)
		return;
	if (at->expiring != 0)
		at->expire_mean_ms = (uint64_t)(builder->expire_sum_ms /
		    (double)at->expiring);
	rt_buf_put_varint(&item, at->live);
	rt_buf_put_varint(&item, at->dead);
	rt_buf_put_varint(&item, at->expiring);
	rt_buf_put_varint(&item, at->expire_mean_ms);
	rt_buf_put_varint(&item,
	    at->expiring == at->live ? at->expire_max_ms : 0);
	rt_buf_put_varint(&item, at->max_seq);
	put_sketch(&builder->live, &item);
	put_sketch(&builder->dead, &item);
	rt_buf_put_varint(&builder->done, at->keyspace);
	rt_buf_put_bytes(&builder->done, rt_buf_slice(&item));
	rt_buf_fini(&item);
}

static void
open_keyspace(struct rt_key_counts_builder *builder, uint32_t keyspace)
{
	close_keyspace(builder);
	/* Most tables hold one keyspace: the sketches are still zero. */
	if (builder->any) {
		memset(&builder->live, 0, sizeof(builder->live));
		memset(&builder->dead, 0, sizeof(builder->dead));
	}
	builder->at = (struct rt_key_count){ .keyspace = keyspace };
	builder->expire_sum_ms = 0;
	builder->any = true;
}

void
rt_key_counts_builder_add(struct rt_key_counts_builder *builder,
    const struct rt_entry *newest, uint64_t hash)
{
	uint32_t keyspace = rt_key_keyspace(newest->key);
	struct rt_slice bytes;
	uint64_t expire_ms;

	if (RT_UNLIKELY(!builder->any || keyspace != builder->at.keyspace))
		open_keyspace(builder, keyspace);
	if (newest->seq > builder->at.max_seq)
		builder->at.max_seq = newest->seq;
	if (newest->type == RT_ENTRY_TOMBSTONE) {
		builder->at.dead++;
		rt_key_sketch_add(&builder->dead, hash);
		return;
	}
	builder->at.live++;
	rt_key_sketch_add(&builder->live, hash);
	if (rt_value_decode(newest->value, &expire_ms, &bytes) &&
	    expire_ms != RT_NO_EXPIRY) {
		builder->at.expiring++;
		builder->expire_sum_ms += (double)expire_ms;
		if (expire_ms > builder->at.expire_max_ms)
			builder->at.expire_max_ms = expire_ms;
	}
}

size_t
rt_key_counts_builder_bytes(const struct rt_key_counts_builder *builder)
{
	/* What the encoder chooses: bytes for each key, or nibbles for all
	 * registers. */
	uint64_t live = 3 * builder->at.live, dead = 3 * builder->at.dead;
	const uint64_t most = RT_KEY_SKETCH_REGISTERS / 2;

	return builder->done.len + (live < most ? live : most) +
	    (dead < most ? dead : most) + 64;
}

void
rt_key_counts_builder_finish(struct rt_key_counts_builder *builder,
    struct rt_buf *out)
{
	close_keyspace(builder);
	builder->any = false;
	rt_buf_append_slice(out, rt_buf_slice(&builder->done));
}

bool
rt_key_counts_next(struct rt_cursor *cursor, struct rt_key_count *out)
{
	struct rt_cursor item;
	uint64_t keyspace;

	if (cursor->bad || cursor->at == cursor->end)
		return false;
	keyspace = rt_cursor_varint(cursor);
	item = rt_cursor(rt_cursor_bytes(cursor));
	out->live = rt_cursor_varint(&item);
	out->dead = rt_cursor_varint(&item);
	out->expiring = rt_cursor_varint(&item);
	out->expire_mean_ms = rt_cursor_varint(&item);
	out->expire_max_ms = rt_cursor_varint(&item);
	out->max_seq = rt_cursor_varint(&item);
	out->live_sketch = rt_cursor_bytes(&item);
	out->dead_sketch = rt_cursor_bytes(&item);
	out->keyspace = (uint32_t)keyspace;
	if (item.bad || keyspace > UINT32_MAX || out->expiring > out->live ||
	    (out->live == 0) != (out->live_sketch.len == 0) ||
	    (out->dead == 0) != (out->dead_sketch.len == 0))
		cursor->bad = true;
	return !cursor->bad;
}
