/* pending: what the commands of an EXEC have written so far. It goes to the
 * engine as one batch at the end of the EXEC; until then it lies over what the
 * engine has, for reads of the same EXEC alone.
 *
 * PE1 A key that is in here is answered from here, and so is a keyspace that
 *     was dropped; all else the engine knows.
 * PE2 Bytes found here stay where they are until the end.
 * Path: cmd > [pending] > engine. Thread: loop. */
#ifndef RIPTIDED_CMD_PENDING_H
#define RIPTIDED_CMD_PENDING_H

#include "libcommon/base/hash_table.h"
#include "riptided/engine/engine.h"

/* Inert when zeroed. */
struct rtd_pending {
	struct rtd_write_batch *parts;	/* one for each command that wrote */
	size_t parts_count, parts_cap;
	struct rt_hash_table entries;	/* newest of each key, by store key */
	uint8_t *dropped;		/* a bit for each keyspace; or NULL */
	uint32_t *keyspaces;		/* of databases, after a swap; or NULL */
};

void rtd_pending_fini(struct rtd_pending *pending);

/* Take over what one command writes; batch is empty afterwards. */
void rtd_pending_add(struct rtd_pending *pending,
    const struct rtd_engine *engine, struct rtd_write_batch *batch);
/* All of it, in its order, goes to the empty batch. What was found is gone. */
void rtd_pending_take(struct rtd_pending *pending,
    struct rtd_write_batch *batch);

/* The keyspace that a database number stands for by now. */
uint32_t rtd_pending_keyspace(const struct rtd_pending *pending,
    const struct rtd_engine *engine, uint32_t database);

/* As rtd_reader_get() of the present, where PE1 says so: *code is RT_OK or
 * RT_ENOTFOUND. False: ask the engine. */
bool rtd_pending_get(const struct rtd_pending *pending,
    const struct rtd_read *read, struct rt_slice user_key,
    struct rtd_value *value, enum rt_code *code);

/* As rtd_reader_iter(), over both. It reads pending, which must not change
 * meanwhile. Takes base, an iterator of the engine for the same read. */
struct rt_iter *rtd_pending_iter(const struct rtd_pending *pending,
    const struct rtd_read *read, struct rt_iter *base);

/* How many keys the read would see more, or fewer, than without pending;
 * counted: those without. It waits for what is not in memory. */
RT_MUST_USE enum rt_code rtd_pending_count(const struct rtd_pending *pending,
    struct rtd_reader *reader, const struct rtd_read *read, uint64_t *counted,
    struct rt_err *err);

#endif
