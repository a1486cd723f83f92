/* held: bytes of a value that was read, for a job of the pool: they stay where
 * they are, shared, or are copied when they are few. Thread: made and let go on
 * the loop; read anywhere. */
#ifndef RIPTIDED_CMD_HELD_H
#define RIPTIDED_CMD_HELD_H

#include "riptided/engine/engine.h"

/* Inert when zeroed. */
struct rtd_held {
	struct rt_slice bytes;
	struct rt_bulk *bulk;	/* they lie in it, or in the copy */
	struct rt_buf copy;
};

/* The value stays readable until its turn ends. */
void rtd_held_take(struct rtd_held *held, struct rtd_value *value);
void rtd_held_fini(struct rtd_held *held);

#endif
