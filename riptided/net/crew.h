/* crew: the loops beside the first one (io-threads), each with a thread of its
 * own. Connections are accepted by the first loop and stay with the one that
 * has the fewest. Thread: the first loop's. */
#ifndef RIPTIDED_NET_CREW_H
#define RIPTIDED_NET_CREW_H

#include "riptided/net/loop.h"

struct rtd_crew;

/* Make the loops, of which first is one; nothing runs yet. *out is NULL when
 * there is to be one loop alone; all functions accept that. */
RT_MUST_USE enum rt_code rtd_crew_open(struct rtd_crew **out,
    struct rtd_loop *first, unsigned loops, struct rt_err *err);

/* With server->pool set: begin to serve. */
void rtd_crew_start(struct rtd_crew *crew);

/* The server's TLS, for connections from now on. The floor is ours alone, or
 * nothing runs yet. */
void rtd_crew_set_tls(struct rtd_crew *crew, struct ssl_ctx_st *tls);

/* With the floor: true, and another loop serves this accepted socket; or it is
 * for the first one. */
bool rtd_crew_accept(struct rtd_crew *crew, int fd,
    const struct rtd_door *door);

/* With the floor: some have not come to their loop yet. */
bool rtd_crew_has_arrivals(const struct rtd_crew *crew);

/* Any thread: wake all loops but the first. */
void rtd_crew_wake(struct rtd_crew *crew);

/* The other loops are to end: replies under way wait for their acks for so long
 * at most. */
void rtd_crew_ask_to_stop(struct rtd_crew *crew, uint64_t patience_us);
/* Wait until they have, if they ran. Without the floor. Connections stay open,
 * and are the first loop's to close. */
void rtd_crew_stop(struct rtd_crew *crew);

/* After rtd_crew_stop(), when no connection is left. */
void rtd_crew_close(struct rtd_crew *crew);

#endif
