/* answers: what the loop tells the http thread. Thread: loop. */
#ifndef RIPTIDED_HTTP_ANSWERS_H
#define RIPTIDED_HTTP_ANSWERS_H

#include "riptided/cmd/server_state.h"
#include "riptided/http/mailbox.h"

/* Fill in the answer to what was asked. Works while loading. */
void rtd_answer(struct rtd_server_state *server, enum rtd_mail kind,
    struct rt_slice question, struct rtd_answer *out);

#endif
