/* live_sample: what the live page shows of a moment, as far as only the loop
 * knows it. Thread: loop. */
#ifndef RIPTIDED_HTTP_LIVE_SAMPLE_H
#define RIPTIDED_HTTP_LIVE_SAMPLE_H

#include "riptided/cmd/server_state.h"
#include "riptided/http/mailbox.h"

/* Members of a JSON object, without its braces, into out->text; the tree; a key
 * and its way through the tree. user_key: the one of database 0 to follow; empty: one of
 * the tree's, or one that is not there, by turns. Without an engine: how far it has
 * loaded. */
void rtd_live_sample(struct rtd_server_state *server, struct rt_slice user_key,
    struct rtd_answer *out);

#endif
