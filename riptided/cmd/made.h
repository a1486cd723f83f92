/* made: a value being made by a write command, mostly out of old ones. It lies
 * in the server's scratch when it is small and in a bulk when it is large,
 * which then goes to the log and the memtable without another copy.
 *
 * MD1 Nothing is made out of many bytes on the loop: values with more than
 *     RTD_MADE_BYTES_MAX are made by the pool. The command is taken back
 *     meanwhile as if it had not begun (MS1 in missed.h), its client is parked,
 *     and it runs again, from its first word, and finds what was made if the
 *     old values are still the same ones. If not, it is made anew,
 *     RTD_MADE_TRIES times, and then on the loop, so that a command comes to
 *     its end even beside others that change its keys all the time.
 * Path: cmd > [made] > engine, pool. Thread: loop. */
#ifndef RIPTIDED_CMD_MADE_H
#define RIPTIDED_CMD_MADE_H

#include "riptided/cmd/call.h"

#define RTD_MADE_BYTES_MAX ((size_t)1 << 20)
#define RTD_MADE_TRIES 3

struct rtd_made {
	uint8_t *bytes;
	size_t len;
	struct rt_bulk *bulk;	/* NULL: in the scratch */
};

/* Fill out, which is all zeros, from the inputs. Thread: any. */
typedef void (*rtd_made_work)(unsigned op, const struct rt_slice *inputs,
    size_t count, uint8_t *out, size_t len);

/* True when bytes may be the length of a value; else the error is written. */
bool rtd_made_length_allowed(struct rtd_call *call, uint64_t bytes);

/* A value of len bytes, to be written to, that work() makes of values which
 * this call has read. One at a time. False: there is no memory, which is
 * answered, or the command will be taken back and run again; in both cases it
 * returns. */
RT_MUST_USE bool rtd_made_of(struct rtd_call *call, rtd_made_work work,
    unsigned op, struct rtd_value *values, size_t count, size_t len,
    struct rtd_made *made);

/* The same, of the bytes of old as far as they reach, and zeros. */
RT_MUST_USE bool rtd_made_from(struct rtd_call *call, struct rtd_value *old,
    size_t len, struct rtd_made *made);

/* Put it in the batch as the value of a key, and let it go. */
void rtd_made_put(struct rtd_call *call, struct rtd_made *made,
    uint32_t keyspace, struct rt_slice key, uint64_t expire_ms);

/* Both: put the old value as it is, under this key and with this end. False: as
 * rtd_made_of(). */
RT_MUST_USE bool rtd_made_put_same(struct rtd_call *call,
    struct rtd_value *old, uint32_t keyspace, struct rt_slice key,
    uint64_t expire_ms);

/* The command that call->making stands for was taken back: park its client and
 * let the pool make it. */
void rtd_made_park(struct rtd_call *call);

/* Forget what was made for the client and not used. */
void rtd_made_let_go(struct rtd_client *client);

#endif
