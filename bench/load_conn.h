/* load_conn: one connection of the load maker: a batch of commands goes out,
 * its replies are counted. Thread: its worker's. */
#ifndef BENCH_LOAD_CONN_H
#define BENCH_LOAD_CONN_H

#include "bench/histogram.h"
#include "bench/load_options.h"
#include "bench/reply_reader.h"
#include "libcommon/base/buf.h"

/* What was seen, of one thread or of all. Empty when zeroed. */
struct rtb_load_counts {
	struct rtb_histogram times[RTB_OPS];
	uint64_t done[RTB_OPS];		/* operations, errors included */
	uint64_t hits, misses;		/* of GET */
	uint64_t errors;
	char error[128];		/* the last one's text */
	uint64_t bytes_out, bytes_in;
};

struct rtb_load_sent {
	enum rtb_op op;
	bool is_half;		/* the other command of the operation follows */
	uint64_t due_ns;	/* its time counts from here */
};

struct rtb_load_conn {
	int fd;
	struct rt_buf out;
	size_t out_at;		/* sent so far */
	struct rt_buf in;	/* part of a line that is not whole yet */
	struct rtb_reply_reader reader;
	struct rtb_load_sent *sent;	/* of the batch under way */
	size_t sent_count, sent_done;
	bool wants_write;
};

/* Connect (blocking), say AUTH and HELLO as asked for, then go on without
 * blocking. RT_EIO with a sentence. */
RT_MUST_USE enum rt_code rtb_load_conn_open(struct rtb_load_conn *conn,
    const struct rtb_load_options *options, struct rt_err *err);
void rtb_load_conn_close(struct rtb_load_conn *conn);

/* What makes the commands of a worker. */
struct rtb_load_maker {
	const struct rtb_load_options *options;
	struct rtb_random random;
	struct rtb_key_draw draw;
	struct rtb_values values;
};

/* Add an operation to the batch under way. */
void rtb_load_conn_add(struct rtb_load_conn *conn,
    struct rtb_load_maker *maker, uint64_t due_ns);
/* Send what can be sent now. */
RT_MUST_USE enum rt_code rtb_load_conn_send(struct rtb_load_conn *conn,
    struct rtb_load_counts *counts, struct rt_err *err);
/* Receive once into memory of the worker and count whole replies. *idle: the
 * whole batch is answered. */
RT_MUST_USE enum rt_code rtb_load_conn_receive(struct rtb_load_conn *conn,
    struct rt_buf *memory, struct rtb_load_counts *counts, bool *idle,
    struct rt_err *err);

void rtb_load_counts_merge(struct rtb_load_counts *into,
    const struct rtb_load_counts *from);

#endif
